/** The examples that use the action as a step, and the plan, played with the built actions. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from '@jest/globals'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import { getObject } from './manual-operations.ts'
import {
  describeJobs,
  localizeTargets,
  readExample,
  splitInputs,
  targetsPath,
  workflowScenario,
} from './played-workflows.ts'

workflowScenario(
  'examples that deploy, check and remove one endpoint: the check fails after a manual change, and the removal needs a confirmation',
  'cluster-ip',
  async ({ environment, play }) => {
    const { inputs } = splitInputs(environment)
    const deployed = await play({ workflow: readExample('first-deployment.yml'), with: inputs })
    const [deploy] = deployed['endpoint']?.['endpoint'] ?? []
    expect(deploy).toMatchObject({ result: 'success', environment: 'production' })
    expect(deploy?.log).toMatch(/^Point the DNS name at k8s-[\w-]+\.[\w-]+\.elb\.amazonaws\.com$/m)

    const check = () => play({ workflow: readExample('check.yml'), with: inputs })
    const clean = await check()
    expect(clean['check']?.['check']?.[0]?.result).toBe('success')
    const deep = await play({ workflow: readExample('check-deep.yml'), with: inputs })
    expect(deep['check']?.['check']?.[0]).toMatchObject({
      result: 'success',
      log: expect.stringContaining('MB inserted and searched'),
    })
    const annotation = 'alb.ingress.kubernetes.io/ssl-policy'
    await environment.kubectl('annotate', 'ingress', 'milvus-demo', `${annotation}-`)
    const drifted = await check()
    expect(drifted['check']?.['check']?.[0]).toMatchObject({
      result: 'failure',
      log: expect.stringContaining('drift-found'),
    })

    const remove = (confirm: string) =>
      play({
        workflow: readExample('remove.yml'),
        with: { ...inputs, 'allowed-account-ids': environment.account },
        inputs: { confirm },
      })
    expect(await remove('staging')).toEqual({})
    const removed = await remove('production')
    expect(removed['destroy']?.['destroy']?.[0]?.result).toBe('success')
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
  },
)

/** Services that receive alerts: the path of a message's URL says which one it reached. */
async function startAlertServices() {
  const messages: string[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { text } = JSON.parse(Buffer.concat(chunks).toString()) as { text: string }
      messages.push(`${request.url ?? ''} ${text}`)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    messages,
    secrets: { CHAT_URL: `${url}/chat`, PAGER_URL: `${url}/pager` },
    close: () => server.close(),
  }
}

workflowScenario(
  'example internal-alb.yml runs in the VPC, and alert-by-failure-code.yml sends what clients notice to the pager and the rest to a chat',
  'cluster-ip',
  async ({ environment, play }) => {
    const { inputs, secrets } = splitInputs(environment)
    const internal = await play({ workflow: readExample('internal-alb.yml'), with: inputs })
    expect(internal['endpoint']?.['endpoint']).toMatchObject([
      { result: 'success', runsOn: ['self-hosted', 'vpc'] },
    ])
    const ingress = await getObject(environment, 'ingress', 'milvus-demo')
    const { annotations } = ingress?.metadata ?? {}
    expect(annotations?.['alb.ingress.kubernetes.io/scheme']).toBe('internal')

    const alerts = await startAlertServices()
    const deploy = (changed: Readonly<Record<string, string>>) =>
      play({
        workflow: readExample('alert-by-failure-code.yml'),
        with: { ...inputs, scheme: 'internal', ...changed },
        secrets: { ...secrets, ...alerts.secrets },
      })
    try {
      await deploy({})
      await deploy({ namespace: 'nowhere' })
      await deploy({ 'probe-address': '127.0.0.1:1', 'probe-timeout': '1s' })
      expect(alerts.messages).toEqual([
        '/chat Milvus endpoint: namespace-not-found in step preflight, https://github.com/team/infra/actions/runs/3',
        '/pager Milvus endpoint: probe-unreachable in step probe, https://github.com/team/infra/actions/runs/4',
      ])
    } finally {
      alerts.close()
    }
  },
)

workflowScenario(
  'example plan-pull-requests.yml comments what a changed target would do, and plans nothing else',
  'deployed',
  async ({ environment, github, play }) => {
    github.pullRequests.push(7)
    const targets = readExample('fleet-targets.yml')
    const base = localizeTargets(environment, targets)
    const changed = localizeTargets(environment, targets, { staging: { 'idle-timeout': '5m' } })
    const { plan = {} } = await play({
      workflow: readExample('plan-pull-requests.yml'),
      files: { [targetsPath]: changed, [`.milvus-alb-base/${targetsPath}`]: base },
      event: {
        name: 'pull_request',
        payload: {
          pull_request: {
            number: 7,
            head: { sha: 'c0ffee', repo: { full_name: 'team/infra' } },
            base: { ref: 'main' },
          },
        },
      },
    })
    expect(describeJobs(plan)).toEqual([
      'targets: targets success',
      'plan: staging success',
      'report: report success',
    ])
    expect(github.comments).toMatchObject([{ issue: 7, body: expect.stringContaining('staging') }])
    expect(github.comments[0]?.body).toContain('idle_timeout')
  },
)

workflowScenario(
  'example mutual-tls.yml deploys a listener that requires client certificates, and the probe has one',
  'cluster-ip',
  async ({ environment, play }) => {
    const { inputs, secrets } = splitInputs(environment)
    const workflow = readExample('mutual-tls.yml')
    const clientAuthority = await createCertificateAuthority({ name: 'Client CA' })
    await environment.createTrustStore('milvus-clients', clientAuthority.root)
    const client = await clientAuthority.issue({
      hosts: [],
      commonName: 'milvus-probe',
      extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
      keyAlgorithm: 'EC_prime256v1',
    })
    // The listener of the environment has another port.
    const local = workflow.replace('"port": 443', `"port": ${environment.listenPort}`)
    const played = await play({
      workflow: local,
      with: inputs,
      secrets: {
        ...secrets,
        PROBE_CERTIFICATE: client.fullchain,
        PROBE_KEY: client.privateKey,
      },
    })
    expect(played['endpoint']?.['endpoint']).toMatchObject([{ result: 'success' }])
    const withoutSecrets = await play({ workflow: local, with: inputs })
    expect(withoutSecrets['endpoint']?.['endpoint']).toMatchObject([
      { result: 'failure', log: expect.stringContaining('probe-tls-failed') as unknown },
    ])
  },
)
