/** The workflows to paste of docs/workflows, played with the built actions. */
import { X509Certificate } from 'node:crypto'
import { expect } from '@jest/globals'
import type { IssuedCertificate } from '../../testing/certificates.ts'
import { listCertificates } from './acm-manual-operations.ts'
import { getObject } from './manual-operations.ts'
import {
  describeJobs,
  localizeTargets,
  readExample,
  splitInputs,
  targetsPath,
  workflowScenario,
} from './played-workflows.ts'
import { applyClusterSecret } from './secret-manual-operations.ts'

workflowScenario(
  'page deploy-one.md deploys, and the deployment links to the endpoint',
  'cluster-ip',
  async ({ environment, play }) => {
    const workflow = readExample('deploy-one.yml')
    const { inputs } = splitInputs(environment)
    const { deploy = {} } = await play({ workflow, with: inputs })
    expect(describeJobs(deploy)).toEqual([
      `one: ${environment.host} success`,
      'targets skipped',
      'fleet skipped',
      'report skipped',
    ])
    const [one] = deploy['one'] ?? []
    const endpoint = `https://${environment.host}:${environment.listenPort}`
    expect(one?.environment).toEqual({ name: 'production', url: endpoint, deployment: true })
    expect(one?.outputs).toMatchObject({ endpoint, changed: 'true', 'failure-code': '' })
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeDefined()
  },
)

workflowScenario(
  'page re-deploy-what-failed.md: a fleet in which a target fails, then only that one, then none',
  'cluster-ip',
  async ({ environment, github, play }) => {
    const targets = readExample('fleet-targets.yml')
    const workflow = readExample('redeploy-failed.yml')
    const broken = localizeTargets(environment, targets, { staging: { namespace: 'nowhere' } })
    const { deploy: first = {} } = await play({ workflow, files: { [targetsPath]: broken } })
    expect(describeJobs(first)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet: production success',
      'fleet: staging failure',
      'report: report success',
    ])
    expect(first['fleet']?.[0]?.environment).toEqual({
      name: 'production',
      url: `https://${environment.host}:${environment.listenPort}`,
      deployment: true,
    })
    expect(first['report']?.[0]?.outputs).toEqual({ clean: 'false' })

    const inputs = { only: 'failed' }
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const { deploy: second = {} } = await play({ workflow, inputs, files })
    expect(describeJobs(second)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet: staging success',
      'report: report success',
    ])
    expect(second['report']?.[0]?.outputs).toEqual({ clean: 'true' })
    const { deploy: third = {} } = await play({ workflow, inputs, files })
    expect(describeJobs(third)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet skipped',
      'report skipped',
    ])
    expect(github.issues).toEqual([])
  },
)

workflowScenario(
  'page deploy-a-fleet.md: a misspelled environment ends the run before any job',
  'cluster-ip',
  async ({ environment, play }) => {
    const workflow = readExample('fleet.yml')
    const targets = readExample('fleet-targets.yml')
    const misspelled = localizeTargets(environment, targets, { staging: { environment: 'stagin' } })
    const { deploy = {} } = await play({ workflow, files: { [targetsPath]: misspelled } })
    expect(describeJobs(deploy)).toEqual([
      'one skipped',
      'targets: targets failure',
      'fleet skipped',
      'report skipped',
    ])
    expect(deploy['targets']?.[0]?.log).toContain('environment stagin (target staging)')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const corrected = await play({ workflow, inputs: { only: 'prod*' }, files })
    expect(describeJobs(corrected['deploy'] ?? {})).toContain('fleet: production success')
  },
)

workflowScenario(
  'page fleet-behind-approvals.md: a rejected target has no result and is deployed again by only: failed',
  'cluster-ip',
  async ({ environment, play }) => {
    const workflow = readExample('fleet-behind-approvals.yml')
    const targets = readExample('fleet-behind-approvals-targets.yml')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const { deploy = {} } = await play({ workflow, files, rejected: ['production'] })
    expect(describeJobs(deploy)).toEqual([
      'one skipped',
      'targets: targets success',
      'fleet: production failure',
      'fleet: staging success',
      'report: report success',
    ])
    expect(deploy['report']?.[0]?.summary).toContain('| ✗ | production |  | no result')
    const again = await play({
      workflow: readExample('redeploy-failed.yml'),
      inputs: { only: 'failed' },
      files,
    })
    expect(describeJobs(again['deploy'] ?? {})).toContain('fleet: production success')
  },
)

workflowScenario(
  'page check-for-drift.md opens an issue about drift, and the check after a correction closes it',
  'deployed',
  async ({ environment, github, play }) => {
    const targets = readExample('fleet-targets.yml')
    const workflow = readExample('check-fleet.yml')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const annotation = 'alb.ingress.kubernetes.io/ssl-policy'
    await environment.kubectl('annotate', 'ingress', 'milvus-demo', `${annotation}-`)
    const { check: drifted = {} } = await play({ workflow, files })
    expect(describeJobs(drifted)).toEqual([
      'targets: targets success',
      'check: production failure',
      'check: staging failure',
      'report: report success',
    ])
    expect(drifted['report']?.[0]?.outputs).toMatchObject({ drift: 'true', issue: '1' })
    expect(github.issues).toMatchObject([
      { state: 'open', title: 'Milvus: 2 of 2 targets need attention' },
    ])
    await play({
      workflow: readExample('fleet.yml'),
      inputs: { only: 'production' },
      files,
    })
    const { check: clean = {} } = await play({ workflow, files })
    expect(clean['report']?.[0]?.outputs).toEqual({ drift: 'false', clean: 'true', issue: '' })
    expect(github.issues).toMatchObject([{ state: 'closed' }])

    const misspelled = localizeTargets(environment, targets, { staging: { environment: 'stagin' } })
    const { check: rejected = {} } = await play({
      workflow,
      files: { [targetsPath]: misspelled },
    })
    expect(describeJobs(rejected)).toEqual([
      'targets: targets failure',
      'check skipped',
      'report: report success',
    ])
    expect(github.issues).toMatchObject([
      { state: 'closed' },
      { state: 'open', body: expect.stringContaining('environment stagin (target staging)') },
    ])
  },
)

workflowScenario(
  'page renew-from-a-secret.md imports the certificate that is in the Secret, and a newer one later',
  'cluster-ip',
  async ({ environment, play }) => {
    const workflow = readExample('renew-from-a-secret.yml')
    await environment.kubectl('create', 'namespace', 'certificates')
    const { inputs } = splitInputs(environment)
    const storeAndPlay = async ({ fullchain, privateKey }: IssuedCertificate): Promise<string> => {
      await applyClusterSecret(environment, {
        namespace: 'certificates',
        name: 'milvus-tls',
        entries: { 'tls.crt': fullchain, 'tls.key': privateKey },
      })
      const { renew = {} } = await play({ workflow, with: inputs })
      expect(renew['one']?.[0]?.result).toBe('success')
      const [imported, ...others] = await listCertificates(environment)
      expect(others).toEqual([])
      expect(imported?.x509.raw).toEqual(new X509Certificate(fullchain).raw)
      return imported?.arn ?? ''
    }
    const arn = await storeAndPlay(environment.certificate)
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    expect(await storeAndPlay(renewed)).toBe(arn)
  },
)

workflowScenario(
  'page self-hosted-runners.md: no job needs a hosted runner',
  'cluster-ip',
  async ({ environment, play }) => {
    const workflow = readExample('self-hosted-runners.yml')
    const targets = readExample('self-hosted-runners-targets.yml')
    const files = { [targetsPath]: localizeTargets(environment, targets) }
    const { deploy = {} } = await play({ workflow, files })
    const runners = Object.values(deploy).flatMap((jobs) =>
      jobs.map(({ name, runsOn }) => [name, runsOn]),
    )
    expect(runners).toEqual([
      ['targets', { group: 'infrastructure' }],
      ['production', ['self-hosted', 'vpc']],
      ['frankfurt', ['self-hosted', 'vpc-eu']],
      ['report', { group: 'infrastructure' }],
    ])
    const ingress = await getObject(environment, 'ingress', 'milvus-demo')
    expect(ingress?.metadata.annotations).toMatchObject({
      'alb.ingress.kubernetes.io/scheme': 'internal',
    })
  },
)
