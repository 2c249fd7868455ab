/** Doors that stay shut: who redirects gets no credentials, a proxy sees tunnels only, links that somebody planted are not followed, a kubeconfig's program runs only where it was asked for, and the post step runs whatever happened. */
import { lstatSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { chmod, mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { killTree } from '../../sandbox/process-tree.ts'
import { runAction } from '../../sandbox/runner.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { repository } from '../../sandbox/world.ts'
import { leaksIn, secretsOf } from '../scenarios/leaks.ts'
import { behindTls, startProxy } from '../scenarios/proxy.ts'
import { figure, whole } from './figures.ts'
import { startLiar } from './liar.ts'
import { expectOutcome, outcomeOf } from './outcome.ts'

let world: Sandbox
let trap: Trap

/** Where the redirects lead, at an address of its own: it keeps all that it is sent. */
interface Trap {
  readonly url: string
  readonly sent: string[]
  close(): void
}

async function startTrap(): Promise<Trap> {
  const sent: string[] = []
  const server = http.createServer((request, response) => {
    sent.push([`${request.method ?? ''} ${request.url ?? ''}`, ...request.rawHeaders].join('\n'))
    response.writeHead(404).end()
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.9', done))
  return {
    url: `http://127.0.0.9:${(server.address() as AddressInfo).port}`,
    sent,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** A chart repository that says where it really is. @param body of index.yaml; a redirect when there is none */
async function startLyingRepository(body?: string): Promise<{ url: string; close: () => void }> {
  const server = http.createServer((request, response) => {
    if (body === undefined) response.writeHead(302, { location: `${trap.url}${request.url ?? ''}` }).end()
    else response.writeHead(200).end(body)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => { server.close().closeAllConnections() } }
}

const secret = { 'milvus-token': 'root:canary-4d2a8e60-token', 'chart-username': 'charts', 'chart-password': 'canary-71d0c2f4-chart' }
/** helm has something to do. */
const upgrade = { values: 'proxy: {replicas: 2}' }
const rehearsal = { ...upgrade, 'dry-run': 'true' }

beforeAll(async () => {
  [world, trap] = await Promise.all([startSandbox(), startTrap()])
  await world.installMilvus()
  const { exitCode, log } = await act(world)
  if (exitCode !== 0) throw new Error(log)
})
afterAll(async () => {
  trap.close()
  await world.close()
})

interface Redirect {
  readonly who: string
  readonly inputs: Readonly<Record<string, string>>
  readonly outcome: string
  /** What the other place gets all the same. */
  readonly but?: string
  /** @returns further inputs, and what ends it */
  readonly set: () => Promise<{ inputs?: Readonly<Record<string, string>>; end: () => void | Promise<void> }>
}

const lying = (fault: Omit<Parameters<Sandbox['traffic']['inject']>[0], 'lie'>) => () => Promise.resolve({ end: world.traffic.inject({ ...fault, lie: (response) => response.writeHead(307, { location: `${trap.url}/from` }).end() }) })
const repositoryThat = (body?: () => string) => async () => {
  const { url, close } = await startLyingRepository(body?.())
  return { inputs: { 'chart-repository': url }, end: close }
}
const redirects: readonly Redirect[] = [
  { who: 'the Kubernetes API, 307 to the action', inputs: {}, outcome: 'cluster-request-failed', set: lying({ part: 'kubernetes', operation: /\/services$/, client: /milvus-alb-action/ }) },
  // client-go follows, and its transport adds the token to every request; whoever answers as this API has been given it before.
  { who: 'the Kubernetes API, 307 to helm', inputs: rehearsal, outcome: 'cluster-unreachable', but: 'token for EKS', set: lying({ part: 'kubernetes', operation: /./, client: /^Helm/i }) },
  { who: 'AWS, 307', inputs: {}, outcome: 'aws-request-failed', set: lying({ part: 'acm', operation: 'ListCertificates' }) },
  { who: 'the chart repository, 302', inputs: rehearsal, outcome: 'chart-repository-unreachable', set: repositoryThat() },
  { who: 'the chart repository, whose index names another host', inputs: rehearsal, outcome: 'chart-not-found', set: repositoryThat(() => `apiVersion: v1\nentries: {milvus: [{apiVersion: v2, name: milvus, version: 4.2.58, urls: ["${trap.url}/milvus-4.2.58.tgz"]}]}\n`) },
  { who: 'the ALB, 302', inputs: { 'probe-timeout': '1s' }, outcome: 'probe-http-error', set: async () => {
    const liar = await startLiar(world.listenPort, world.certificate)
    liar.tell({ call: (stream) => {
      stream.respond({ ':status': 302, location: `${trap.url}/login` })
      stream.end()
    } })
    await world.setNames({ '*.elb.amazonaws.com': liar.address })
    return { end: async () => {
      await world.setNames({ '*.elb.amazonaws.com': world.albAddress, [world.host]: world.albAddress })
      await liar.close()
    } }
  } },
]

test.each(redirects.filter((_each, index) => whole || index === 0))('a redirect gets no credentials: $who', async ({ who, inputs, outcome, but, set }) => {
  trap.sent.length = 0
  const { inputs: more, end } = await set()
  try {
    const given = { ...secret, ...inputs, ...more }
    const run = await act(world, given)
    expectOutcome(run, outcome)
    const found = leaksIn({ trap: trap.sent.join('\n') }, secretsOf(world, { ...world.inputs(), ...given }).filter(({ name }) => name !== but))
    expect(found).toEqual([])
    if (but === undefined) expect(trap.sent.join('\n')).not.toMatch(/^(authorization|x-amz-security-token|cookie)$/im)
    figure('no-way-in-redirects', { 'who redirects': who, outcome, 'requests at the other place': trap.sent.length, 'credentials in them': but === undefined ? 'none' : "the cluster's token, which whoever redirects has already" })
  } finally {
    await end()
  }
})

const clusterHost = 'api.production.example.com'

if (whole) test('a proxy gets tunnels only, and no credentials', async () => {
  const behind = await startSandbox({ clusterHost })
  const aws = await behindTls(behind, behind.aws.endpoint)
  const proxy = await startProxy((name) => (name.endsWith('.elb.amazonaws.com') ? behind.albAddress : /^127\.|^api\./.test(name) ? '127.0.0.1' : undefined))
  try {
    await behind.installMilvus()
    await behind.setNames({ '*.elb.amazonaws.com': '', [behind.host]: behind.albAddress })
    const run = await act(behind, secret, { environment: { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, AWS_ENDPOINT_URL: aws.url } })
    expectOutcome(run)
    expect(proxy.requests.filter((request) => !request.startsWith('CONNECT '))).toEqual([])
    expect(new Set(proxy.requests.map((request) => /^CONNECT ([^.]+)/.exec(request)?.[1]?.slice(0, 3)))).toEqual(new Set(['127', 'api', 'k8s']))
    expect(leaksIn({ proxy: [...proxy.requests, ...proxy.headers].join('\n') }, secretsOf(behind, { ...behind.inputs(), ...secret }))).toEqual([])
    expect(proxy.headers.filter((name) => /authorization|token|cookie/i.test(name))).toEqual([])
    figure('no-way-in-redirects', { 'who redirects': 'nobody: a proxy in between', outcome: 'success', 'requests at the other place': proxy.requests.length, 'credentials in them': 'none' })
  } finally {
    await proxy.close()
    aws.close()
    await behind.close()
  }
})

/** A kubeconfig whose program says that it ran. */
async function hostileKubeconfig(): Promise<{ path: string; ran: () => boolean }> {
  const [path, program, mark] = ['hostile.kubeconfig', 'program', 'program-ran'].map((name) => join(world.directory, name)) as [string, string, string]
  const { clusters: [entry], users: [user] } = JSON.parse(await readFile(world.kubeconfig, 'utf8')) as { clusters: [{ cluster: object }]; users: [{ user: { token: string } }] }
  const credential = JSON.stringify({ apiVersion: 'client.authentication.k8s.io/v1', kind: 'ExecCredential', status: { token: user.user.token } })
  await writeFile(program, `#!/bin/sh\n: > '${mark}'\necho '${credential}'\n`)
  await chmod(program, 0o755)
  await writeFile(path, JSON.stringify({
    apiVersion: 'v1', kind: 'Config', 'current-context': 'c', contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }], clusters: [{ name: 'c', cluster: entry.cluster }],
    users: [{ name: 'u', user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: program, interactiveMode: 'Never' } } }],
  }))
  return { path, ran: () => readdirSync(world.directory).includes('program-ran') }
}

test('with input cluster no kubeconfig of the environment is used, and planted links are not followed', async () => {
  const { path, ran } = await hostileKubeconfig()
  // RUNNER_TEMP itself may be a link, as on a Mac.
  const [disk, outside, temp] = ['disk', 'outside', 'temp-by-a-link'].map((name) => join(world.directory, name)) as [string, string, string]
  await Promise.all([mkdir(join(disk, 'temp'), { recursive: true }), mkdir(outside), mkdir(join(disk, 'home/.kube'), { recursive: true })])
  await Promise.all([writeFile(join(outside, 'precious'), 'precious'), symlink(join(disk, 'temp'), temp), symlink(path, join(disk, 'home/.kube/config'))])
  await Promise.all([symlink(outside, join(temp, 'milvus-alb-action-planted')), symlink(join(outside, 'precious'), join(temp, 'milvus-alb-action-file')), symlink(join(outside, 'nowhere'), join(temp, 'milvus-alb-action-broken'))])
  let own: { name: string; mode: string; files: string[] }[] = []
  void world.traffic.next(({ part, client }) => part === 'kubernetes' && /^Helm/i.test(client)).then(() => {
    const directories = readdirSync(temp).filter((name) => lstatSync(join(temp, name)).isDirectory())
    own = directories.map((name) => ({ name, mode: (statSync(join(temp, name)).mode & 0o777).toString(8), files: readdirSync(join(temp, name)).filter((file) => ['kubeconfig', 'token', 'authorities.pem'].includes(file)).map((file) => `${file} ${(lstatSync(join(temp, name, file)).mode & 0o777).toString(8)}`).sort() }))
  })
  const run = await act(world, rehearsal, { disk, environment: { RUNNER_TEMP: temp, KUBECONFIG: path } })
  expectOutcome(run)
  expect(own).toEqual([{ name: expect.stringMatching(/^milvus-alb-action-\w{6}$/), mode: '700', files: ['authorities.pem 600', 'kubeconfig 600', 'token 600'] }])
  expect(await readdir(temp)).toEqual([])
  expect(await readdir(outside)).toEqual(['precious'])
  expect(await readFile(join(outside, 'precious'), 'utf8')).toBe('precious')
  expect(ran()).toBe(false)
  const asked = await act(world, { cluster: '', kubeconfig: path, 'dry-run': 'true' })
  expect([outcomeOf(asked), ran()]).toEqual(['success', true])
  figure('no-way-in-doors', { what: 'links with the names of the action under RUNNER_TEMP, to a directory, a file and nothing', outcome: 'gone; what they led to is as it was' })
  figure('no-way-in-doors', { what: 'a program in the kubeconfig of KUBECONFIG and of HOME, with input cluster', outcome: 'not run' })
  figure('no-way-in-doors', { what: 'a program in the kubeconfig of input kubeconfig', outcome: 'run' })
})

test('the results of a fleet are not written through a link', async () => {
  const disk = join(world.directory, 'fleet-disk')
  const [temp, precious] = [join(disk, 'temp'), join(world.directory, 'precious')]
  await mkdir(temp, { recursive: true })
  await writeFile(precious, 'precious')
  await symlink(precious, join(temp, 'milvus-alb-results.json'))
  const run = await runAction({ action: join(repository, 'fleet'), directory: world.directory, disk, environment: world.environment(), inputs: { targets: '[]' } })
  expect([run.exitCode, await readFile(precious, 'utf8'), await readFile(run.outputs['results-file'] ?? '', 'utf8')]).toEqual([0, 'precious', '[]'])
  figure('no-way-in-doors', { what: 'a link in place of the results of a fleet', outcome: 'replaced; what it led to is as it was' })
})

test('post runs whatever happened, and sweeps what a main that was killed left', async () => {
  const { runs } = load(readFileSync(join(repository, 'action.yml'), 'utf8')) as { runs: Record<string, string> }
  // Source: GitHub, Metadata syntax, runs.post-if: always() when absent.
  expect(runs['post-if'] ?? 'always()').toBe('always()')
  let before: string[] = []
  const disk = join(world.directory, 'killed-disk')
  const run = await act(world, rehearsal, { disk, onStart: (child) => void world.traffic.next(({ part, client }) => part === 'kubernetes' && /^Helm/i.test(client)).then(() => {
    before = readdirSync(join(disk, 'temp'))
    killTree(child.pid ?? 0)
  }) })
  expect({ exitCode: run.exitCode, left: before.length, leftovers: run.leftovers, temp: await readdir(join(disk, 'temp')) }).toEqual({ exitCode: null, left: 1, leftovers: [], temp: [] })
  figure('no-way-in-doors', { what: 'a main that is killed while helm has its kubeconfig', outcome: 'post sweeps it' })
})
