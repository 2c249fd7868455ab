/** Runs that succeed, fail and are ended, with every debug line: no secret in anything that they leave, nor in a request to a part that it is not for. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import type { RunOptions } from '../../sandbox/runner.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { formsOf, leaksIn, leaksInRequests, placesOf, secretsOf, valuesCanary } from '../scenarios/leaks.ts'
import { figure, whole } from './figures.ts'
import { expectOutcome } from './outcome.ts'

type Inputs = Readonly<Record<string, string>>

interface Row {
  readonly what: string
  readonly inputs: Inputs
  /** `success`, or its failure code. */
  readonly outcome: string
  /** What is wrong in the world meanwhile. @returns what mends it */
  readonly amiss?: () => () => void
  readonly options?: Partial<RunOptions>
}

/** Of a variable in a list, with every sign that is written in another way somewhere. */
const listCanary = 'canary-5a0e2f "list"/<+?&'

let world: Sandbox
let common: Inputs
let role: Readonly<Record<string, string>>

beforeAll(async () => {
  world = await startSandbox()
  const values = { minio: { bucketName: 'precious', secretKey: valuesCanary }, extraEnv: [{ name: 'MINIO_PASSWORD', value: listCanary }] }
  await world.installMilvus({ values })
  const chartPassword = 'canary-71d0c2f4 chart/"+?'
  world.charts.credentials = { username: 'charts', password: chartPassword }
  // Credentials with a session token, as every job by OIDC has them.
  role = await world.assumeRole()
  common = { 'milvus-token': await world.requireAuthorization(), values: JSON.stringify(values), 'chart-username': 'charts', 'chart-password': chartPassword }
  await mkdir(join(world.directory, 'helm-config'), { recursive: true })
})
afterAll(() => world.close())

/** An admission controller quotes what it refuses, in whichever form it has it. */
function quoting(): () => void {
  const quoted = [valuesCanary, listCanary].flatMap((canary) => [...formsOf(canary).values()]).join(' ')
  return world.traffic.inject({ part: 'kubernetes', operation: /\/services\//, client: /^Helm/i, error: { status: 403, code: 'Forbidden', message: `admission webhook "policy.example.com" denied the request: ${quoted}` } })
}

const rows: readonly Row[] = [
  { what: 'a helm upgrade whose error quotes the values', inputs: {}, outcome: 'helm-upgrade-failed', amiss: quoting },
  { what: 'a deployment that is cancelled', inputs: {}, outcome: 'cancelled', options: { onStart: (child) => void world.traffic.next(({ operation, client }) => operation.startsWith('PATCH') && operation.includes('/ingresses/') && client.includes('milvus-alb')).then(() => child.kill('SIGINT')) } },
  { what: 'a failure with on-failure: rollback', inputs: { 'on-failure': 'rollback', 'probe-address': '127.0.0.1:9', 'probe-timeout': '1s' }, outcome: 'probe-unreachable' },
  { what: 'a dry run', inputs: { 'dry-run': 'true' }, outcome: 'success' },
  { what: 'a deployment', inputs: {}, outcome: 'success' },
  { what: 'a check', inputs: { mode: 'check' }, outcome: 'success' },
  { what: 'a deployment by a kubeconfig', inputs: { cluster: '', kubeconfig: 'of the world' }, outcome: 'success' },
  { what: 'a token that Milvus refuses', inputs: { 'milvus-token': 'root:canary-of "another"/one' }, outcome: 'milvus-unauthenticated' },
  { what: 'a chart repository that refuses the password', inputs: { 'chart-password': 'canary-of "another"/chart', 'chart-version': '5.0.19', 'allow-chart-change': 'true' }, outcome: 'chart-repository-unreachable' },
  { what: 'a private key of another certificate', inputs: { 'private-key': 'of another' }, outcome: 'private-key-mismatch' },
  { what: 'a removal', inputs: { mode: 'destroy' }, outcome: 'success' },
]
const sampled = ['a helm upgrade whose error quotes the values', 'a deployment that is cancelled', 'a deployment']

test.each(rows.filter(({ what }) => whole || sampled.includes(what)))('no secret out of $what', async ({ what, inputs, outcome, amiss, options }) => {
  const given = { ...common, ...inputs }
  if (given['kubeconfig'] !== undefined) given['kubeconfig'] = world.kubeconfig
  if (given['private-key'] !== undefined) given['private-key'] = (await world.authority.issue({ hosts: ['other.example.com'] })).privateKey
  const mend = amiss?.()
  const since = world.traffic.requests.length
  const run = await act(world, given, { ...options, environment: { ...role, RUNNER_DEBUG: '1' } })
  mend?.()
  expectOutcome(run, outcome)
  // What is masked was told to the runner first of all.
  expect(run.masks.length).toBeGreaterThan(20)
  const secrets = [...secretsOf(world, { ...world.inputs(), ...given }), { name: 'values', text: listCanary, for: ['kubernetes' as const] }]
  const requests = world.traffic.requests.slice(since)
  const places = await placesOf(world, run)
  const found = [...leaksIn(places, secrets), ...leaksInRequests(requests, secrets)]
  expect(found).toEqual([])
  expect(run.leftovers).toEqual([])
  figure('no-secret-out', { 'what runs': what, outcome, 'texts searched': Object.keys(places).length + requests.length, 'secrets x forms': secrets.flatMap(({ text }) => [...formsOf(text).keys()]).length, found: found.length })
})
