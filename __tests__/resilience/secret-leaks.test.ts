/**
 * Runs that succeed, fail or are killed, with debug logging. No secret is in anything that they
 * leave behind, nor in a request to a service that must not receive it.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import type { RunOptions } from '../../testing/runner.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import {
  listEncodings,
  findLeaks,
  findLeaksInRequests,
  collectRunOutputs,
  collectSecrets,
  valuesCanary,
} from '../scenarios/leaks.ts'
import { recordResult, isFullRun } from './result-tables.ts'
import { expectOutcome } from './outcome.ts'

type Inputs = Readonly<Record<string, string>>

interface LeakCase {
  readonly what: string
  readonly inputs: Inputs
  /** `success`, or the failure code. */
  readonly outcome: string
  /**
   * Injects the fault.
   * @returns a function that removes it
   */
  readonly injectFault?: () => () => void
  readonly options?: Partial<RunOptions>
}

/** For a variable in a list, with every character that some encoding changes. */
const listCanary = 'canary-5a0e2f "list"/<+?&'

let simulator: Simulator
let commonInputs: Inputs
let roleCredentials: Readonly<Record<string, string>>

beforeAll(async () => {
  simulator = await startSimulator()
  const values = {
    minio: { bucketName: 'precious', secretKey: valuesCanary },
    extraEnv: [{ name: 'MINIO_PASSWORD', value: listCanary }],
  }
  await simulator.installMilvus({ values })
  const chartPassword = 'canary-71d0c2f4 chart/"+?'
  simulator.chartRepository.credentials = { username: 'charts', password: chartPassword }
  // Credentials with a session token, as every job with OIDC has.
  roleCredentials = await simulator.assumeRole()
  const client = await simulator.certificateAuthority.issue({
    hosts: [],
    commonName: 'probe',
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    keyAlgorithm: 'EC_prime256v1',
  })
  commonInputs = {
    'probe-certificate': client.fullchain,
    'probe-key': client.privateKey,
    'milvus-token': await simulator.enableAuthorization(),
    values: JSON.stringify(values),
    'chart-username': 'charts',
    'chart-password': chartPassword,
  }
  await mkdir(join(simulator.directory, 'helm-config'), { recursive: true })
})
afterAll(() => simulator.close())

/** An admission controller quotes what it rejects, in any encoding. */
function quoteSecretsInDenial(): () => void {
  const quotedSecrets = [valuesCanary, listCanary]
    .flatMap((canary) => [...listEncodings(canary).values()])
    .join(' ')
  return simulator.faults.inject({
    service: 'kubernetes',
    operation: /\/services\//,
    userAgent: /^Helm/i,
    error: {
      status: 403,
      code: 'Forbidden',
      message: `admission webhook "policy.example.com" denied the request: ${quotedSecrets}`,
    },
  })
}

const leakCases: readonly LeakCase[] = [
  {
    what: 'a Helm upgrade whose error quotes the values',
    inputs: {},
    outcome: 'helm-upgrade-failed',
    injectFault: quoteSecretsInDenial,
  },
  {
    what: 'a cancelled deployment',
    inputs: {},
    outcome: 'cancelled',
    options: {
      onStart: (child) =>
        void simulator.requestLog
          .nextRequest(
            ({ operation, userAgent }) =>
              operation.startsWith('PATCH') &&
              operation.includes('/ingresses/') &&
              userAgent.includes('milvus-alb'),
          )
          .then(() => child.kill('SIGINT')),
    },
  },
  {
    what: 'a failure with on-failure: rollback',
    inputs: { 'on-failure': 'rollback', 'probe-address': '127.0.0.1:9', 'probe-timeout': '1s' },
    outcome: 'probe-unreachable',
  },
  { what: 'a dry run', inputs: { 'dry-run': 'true' }, outcome: 'success' },
  { what: 'a deployment', inputs: {}, outcome: 'success' },
  { what: 'a check', inputs: { mode: 'check' }, outcome: 'success' },
  {
    what: 'a deployment with a kubeconfig',
    inputs: { cluster: '', kubeconfig: 'of the environment' },
    outcome: 'success',
  },
  {
    what: 'a token that Milvus rejects',
    inputs: { 'milvus-token': 'root:canary-of "another"/one' },
    outcome: 'milvus-unauthenticated',
  },
  {
    what: 'a chart repository that rejects the password',
    inputs: {
      'chart-password': 'canary-of "another"/chart',
      'chart-version': '5.0.19',
      'allow-chart-change': 'true',
    },
    outcome: 'chart-repository-unreachable',
  },
  {
    what: 'a private key of another certificate',
    inputs: { 'private-key': 'of another' },
    outcome: 'private-key-mismatch',
  },
  { what: 'a removal', inputs: { mode: 'destroy' }, outcome: 'success' },
]
const sampledCases = [
  'a Helm upgrade whose error quotes the values',
  'a cancelled deployment',
  'a deployment',
]

test.each(leakCases.filter(({ what }) => isFullRun || sampledCases.includes(what)))(
  '$what leaks no secret',
  async ({ what, inputs, outcome, injectFault, options }) => {
    const allInputs = { ...commonInputs, ...inputs }
    if (allInputs['kubeconfig'] !== undefined) allInputs['kubeconfig'] = simulator.kubeconfig
    if (allInputs['private-key'] !== undefined)
      allInputs['private-key'] = (
        await simulator.certificateAuthority.issue({ hosts: ['other.example.com'] })
      ).privateKey
    const removeFault = injectFault?.()
    const requestOffset = simulator.requestLog.requests.length
    const run = await runAction(simulator, allInputs, {
      ...options,
      env: { ...roleCredentials, RUNNER_DEBUG: '1' },
    })
    removeFault?.()
    expectOutcome(run, outcome)
    // A masked value was registered with the runner before anything else.
    expect(run.maskCommands.length).toBeGreaterThan(20)
    const secrets = [
      ...collectSecrets(simulator, { ...simulator.inputs(), ...allInputs }),
      { name: 'values', text: listCanary, for: ['kubernetes' as const] },
    ]
    const requests = simulator.requestLog.requests.slice(requestOffset)
    const places = await collectRunOutputs(simulator, run)
    const found = [...findLeaks(places, secrets), ...findLeaksInRequests(requests, secrets)]
    expect(found).toEqual([])
    expect(run.remainingFiles).toEqual([])
    recordResult('secret-leaks', {
      workflow: what,
      outcome,
      'texts searched': Object.keys(places).length + requests.length,
      'secrets × encodings': secrets.flatMap(({ text }) => [...listEncodings(text).keys()]).length,
      found: found.length,
    })
  },
)
