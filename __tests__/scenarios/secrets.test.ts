/**
 * Secrets that reach the action in an unusual way. The harness searches each run for all of them.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { expect } from '@jest/globals'
import { recordChildEnvironments } from './child-environments.ts'
import {
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectWarnings,
  getErrorAnnotation,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { findLeaks, tokenCanary, valuesCanary } from './leaks.ts'

setDefaultStart('cluster-ip')

const proxyPassword = 'canary-70a1-proxy'
const proxySecret = { name: 'password of the proxy', text: proxyPassword }

simulatorScenario(
  'the content of a kubeconfig instead of its path is rejected and not shown',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const content = await readFile(scenario.environment.kubeconfig, 'utf8')
    const inputs = { cluster: '', summary: 'true' }
    for (const kubeconfig of [
      content,
      JSON.stringify(JSON.parse(content), null, 2),
      Buffer.from(content).toString('base64'),
    ])
      expect(
        await expectFailureWithoutWrites(scenario, { ...inputs, kubeconfig }, 'input-invalid'),
      ).toContain('Input kubeconfig contains the content of a file, where its path is expected.')
    expect(
      await expectFailureWithoutWrites(scenario, inputs, 'input-invalid', { KUBECONFIG: content }),
    ).toContain('The environment variable KUBECONFIG contains the content of a file')
  },
)

scenario(
  'no program that the action starts inherits an input: Helm, its plugins, those of a kubeconfig and of an AWS profile',
  async ({ environment, run }) => {
    const recorder = await recordChildEnvironments(environment)
    const inputs = { cluster: '', kubeconfig: recorder.kubeconfig }
    expectSuccess(await run(inputs, { env: { ...recorder.env, INPUT_UNKNOWN: '' } }))
    const environments = await recorder.read()
    expect(Object.keys(environments)).toEqual(['credential-plugin', 'credential-process', 'helm'])
    const secrets = [
      { name: 'private key', text: environment.certificate.privateKey.split('\n')[2] ?? '' },
      { name: 'milvus-token', text: tokenCanary },
      { name: 'values', text: valuesCanary },
      { name: 'an input', text: '\nINPUT_' },
    ]
    expect(findLeaks(environments, secrets)).toEqual([])
  },
  { start: 'installed' },
)

scenario(
  'credentials of a kubeconfig that a server repeats are masked and not shown',
  async (scenario) => {
    const { environment, run } = scenario
    const recorder = await recordChildEnvironments(environment)
    const { users } = JSON.parse(await readFile(environment.kubeconfig, 'utf8')) as {
      users: { user: { token?: string } }[]
    }
    const token = users[0]?.user.token ?? ''
    for (const kubeconfig of [environment.kubeconfig, recorder.kubeconfig]) {
      environment.faults.inject({
        service: 'kubernetes',
        operation: /^GET .*\/services$/,
        error: { status: 403, code: 'Forbidden', message: `Authorization: Bearer ${token}` },
      })
      const result = expectFailure(
        await run({ cluster: '', kubeconfig }),
        'preflight',
        'cluster-forbidden',
      )
      expect(getErrorAnnotation(result)).toContain('Authorization: ***')
      expect(result.maskCommands).toContain(`::add-mask::${token}\n`)
    }
  },
)

simulatorScenario(
  'verification of TLS cannot be turned off by NODE_TLS_REJECT_UNAUTHORIZED; a kubeconfig that turns it off is warned of',
  'the lab verifies TLS with one CA',
  async ({ environment, run, writes }) => {
    const config = JSON.parse(await readFile(environment.kubeconfig, 'utf8')) as {
      clusters: { cluster: Record<string, unknown> }[]
    }
    const kubeconfig = `${environment.directory}/no-ca.kubeconfig`
    const writeKubeconfig = (cluster: object): Promise<void> =>
      writeFile(
        kubeconfig,
        JSON.stringify({
          ...config,
          clusters: config.clusters.map((entry) => ({
            ...entry,
            cluster: { server: entry.cluster['server'], ...cluster },
          })),
        }),
      )
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_EXTRA_CA_CERTS: '' }
    await writeKubeconfig({})
    const requestOffset = environment.requestLog.requests.length
    const rejected = await run({ cluster: '', kubeconfig }, { env })
    expectFailure(rejected, 'preflight', 'cluster-unreachable')
    expectWarnings(rejected, ['NODE_TLS_REJECT_UNAUTHORIZED is ignored'])
    const sent = environment.requestLog.requests.slice(requestOffset)
    expect(sent.filter(({ service }) => service === 'kubernetes')).toEqual([])
    expect(writes()).toEqual([])

    await writeKubeconfig({ 'insecure-skip-tls-verify': true })
    const accepted = expectSuccess(await run({ cluster: '', kubeconfig }))
    expectWarnings(accepted, [`Kubeconfig ${kubeconfig} sets insecure-skip-tls-verify`])
  },
)

scenario(
  'a malformed URL of a proxy is named by its variable, without its password',
  async (scenario) => {
    const { run } = scenario
    for (const [variable, url] of [
      ['HTTPS_PROXY', `http://runner:${proxyPassword}@proxy:port`],
      ['http_proxy', `http://runner:${proxyPassword}@`],
      ['HTTPS_PROXY', `runner:${proxyPassword}%zz@proxy:3128`],
    ] as const) {
      const result = expectFailure(
        await run({}, { env: { [variable]: url } }),
        'preflight',
        'input-invalid',
      )
      expect(getErrorAnnotation(result)).toContain(
        `The environment variable ${variable} is not the URL of a proxy.`,
      )
      expect(findLeaks({ log: result.log, summary: result.summary }, [proxySecret])).toEqual([])
      expect(result.maskCommands.join('')).toContain(proxyPassword)
    }
  },
)
