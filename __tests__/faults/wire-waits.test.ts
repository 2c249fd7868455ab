/** What is disturbed for a while, in the middle of a run: the API server, tokens, watches, events, the clock, helm. */
import net from 'node:net'
import tls from 'node:tls'
import type { AddressInfo } from 'node:net'
import type { ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { createAuthority } from '../../sandbox/certificates.ts'
import { kill, processTree } from '../../sandbox/process-tree.ts'
import type { KubernetesObject } from '../../sandbox/kubernetes/api.ts'
import type { ActionRun } from '../../sandbox/runner.ts'
import type { Fault, RecordedRequest } from '../../sandbox/traffic.ts'
import { annotation } from '../scenarios/harness.ts'
import { figure, sample, whole } from './figures.ts'
import { expectOutcome, outcomeOf } from './outcome.ts'
import { halfAMinuteLater } from './points.ts'
import { stateOf } from './state.ts'
import { setStage, undisturbed, type Stage, type Undisturbed } from './stories.ts'
import { callsIn, disturbed, requestsOf, say } from './wire.ts'

let stage: Stage
let deploy: Undisturbed
let calls = 0
const ends: (() => void)[] = []
beforeAll(async () => {
  stage = await setStage()
  deploy = await undisturbed(stage, 'deploy')
  calls = callsIn(stage.world).length
})
afterEach(() => ends.splice(0).forEach((end) => end()))
afterAll(() => stage.world.close())

const client = /milvus-alb-action/
const inject = (fault: Partial<Fault> & Pick<Fault, 'part' | 'operation'>): void => void ends.push(stage.world.traffic.inject({ client, ...fault }))
const isApply = ({ operation, client: who }: RecordedRequest): boolean => client.test(who) && /^PATCH .*\/ingresses\//.test(operation)
/** In the wait for the load balancer, which then has something to wait for. */
const afterApply = (then: () => void): void => void stage.world.traffic.next(isApply).then(then)

/** A deployment from the beginning that is disturbed. */
async function deployed(fault: string, meets: string, inputs = {}, options = {}): Promise<ActionRun> {
  const run = await disturbed(stage.world, inputs, options)
  figure('wire-meanwhile', { 'what goes wrong': fault, where: meets, outcome: outcomeOf(run), seconds: (run.took / 1000).toFixed(1) })
  return run
}

/** It did all that an undisturbed one does. */
function expectHealed(run: ActionRun): void {
  expectOutcome(run)
  expect(stateOf(stage.world)).toEqual(deploy.state)
}

/** It said what is wrong, and the next one, undisturbed, goes on. */
async function expectSaid(run: ActionRun, code: string, says: RegExp): Promise<void> {
  expectOutcome(run, code)
  expect(annotation(run)).toMatch(says)
  ends.splice(0).forEach((end) => end())
  await halfAMinuteLater(stage.world)
  expectHealed(await act(stage.world))
}

/** The way to the API server, which can be closed, reset, and led astray. */
async function startWay() {
  const { world } = stage
  const target = new URL(world.kubernetes.url)
  const sockets = new Set<net.Socket>()
  const server = net.createServer((socket) => {
    const onward = net.connect(Number(target.port), target.hostname)
    for (const each of [socket, onward]) sockets.add(each.on('error', () => undefined).on('close', () => [socket, onward].forEach((one) => { one.destroy(); sockets.delete(one) })))
    socket.pipe(onward).pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  world.moveCluster(`https://127.0.0.1:${port}`)
  const close = (): Promise<unknown> => {
    const closed = new Promise((resolve) => server.close(resolve))
    sockets.forEach((socket) => socket.destroy())
    return closed
  }
  ends.push(() => {
    world.moveCluster(world.kubernetes.url)
    if (server.listening) void close()
  })
  return { close, open: () => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve)) }
}

/** Seconds for which an API server that is restarted is away. */
const away = 1.5
async function restart(way: Awaited<ReturnType<typeof startWay>>): Promise<void> {
  await way.close()
  setTimeout(() => void way.open(), away * 1000)
}

const begin = (): Promise<void> => stage.begin(deploy.story)

test.each(sample([
  ['before the first call', ({ part, operation }: RecordedRequest) => part === 'eks' && operation === 'DescribeCluster'],
  ['when the certificate is imported', ({ operation }: RecordedRequest) => operation === 'ImportCertificate'],
  ['when the Ingress is applied', isApply],
] as const, 3))('the API server restarts %s: the run waits for it', async (when, moment) => {
  await begin()
  const way = await startWay()
  void stage.world.traffic.next(moment).then(() => restart(way))
  expectHealed(await deployed(`the API server is away for ${away} s`, when))
})

test('the API server restarts while helm works: it is said, and the next run goes on', async () => {
  await begin()
  const way = await startWay()
  void stage.world.traffic.next(({ client: who, mutating }) => who.startsWith('Helm') && mutating).then(() => restart(way))
  const run = await deployed(`the API server is away for ${away} s`, 'while helm works')
  if (run.exitCode === 0) expectHealed(run)
  else await expectSaid(run, 'helm-upgrade-failed', /helm/)
})

test('an API server that refuses connections', async () => {
  await begin()
  const way = await startWay()
  await way.close()
  await expectSaid(await deployed('connections are refused', 'the Kubernetes API, for good'), 'cluster-unreachable', /ECONNREFUSED/)
})

test('an API server with a certificate that is not its own is asked once, and nothing is sent to it', async () => {
  await begin()
  const { world } = stage
  const stranger = await (await createAuthority({ name: 'Stranger' })).issue({ hosts: ['127.0.0.1'] })
  let handshakes = 0
  let sent = ''
  const server = tls.createServer({ cert: stranger.fullchain, key: stranger.privateKey }, (socket) => void socket.on('data', (chunk) => { sent += String(chunk) }))
  server.on('connection', () => { handshakes += 1 }).on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => { world.moveCluster(world.kubernetes.url); server.close() })
  world.moveCluster(`https://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const run = await deployed('TLS: a certificate of another authority', 'the Kubernetes API, for good')
  expect({ outcome: outcomeOf(run), sent }).toEqual({ outcome: 'cluster-unreachable', sent: '' })
  // None is tried twice.
  expect(handshakes).toBeLessThanOrEqual(calls)
})

const unauthorized = say({ status: 401, kubernetes: 'Unauthorized', aws: 'ExpiredTokenException' }, 'kubernetes')

test('401 in the middle of the wait: the Kubernetes token is made anew', async () => {
  await begin()
  afterApply(() => inject({ part: 'kubernetes', operation: /\/(events|ingresses)/, times: 2, lie: unauthorized }))
  expectHealed(await deployed('401, twice', 'the Kubernetes API, in the wait for the load balancer'))
})

test('401 in the middle of the wait, for good', async () => {
  await begin()
  afterApply(() => inject({ part: 'kubernetes', operation: /./, lie: unauthorized }))
  await expectSaid(await deployed('401, for good', 'the Kubernetes API, in the wait for the load balancer'), 'cluster-unauthorized', /credentials have ended/)
})

test('AWS credentials end in the middle of the wait', async () => {
  await begin()
  const expired = say({ status: 403, kubernetes: '', aws: 'ExpiredToken' }, 'elbv2')
  afterApply(() => inject({ part: 'elbv2', operation: /./, lie: expired }))
  await expectSaid(await deployed('ExpiredToken', 'ELB, in the wait for the load balancer'), 'aws-credentials-expired', /have ended/)
})

test.each(sample([10, -10], 2))("a runner's clock that is %d minutes off", async (minutes) => {
  await begin()
  const preload = `${stage.world.environment()['NODE_OPTIONS'] ?? ''} --import=${new URL('../../sandbox/clock.mjs', import.meta.url).href}`
  const environment = { NODE_OPTIONS: preload, CLOCK_OFFSET: String(minutes * 60_000) }
  expectHealed(await deployed(`the runner's clock is ${Math.abs(minutes)} minutes ${minutes > 0 ? 'ahead' : 'behind'}`, 'the run', {}, { environment }))
})

const isWatch = (response: ServerResponse): boolean => (response.req.url ?? '').includes('watch=true')
const events = (): KubernetesObject[] => stage.world.kubernetes.list('Event', stage.world.namespace)
/** A list says how new it is, and nobody may take what comes later for older. */
const list = (response: ServerResponse, items: readonly object[]): void => {
  const resourceVersion = String(Math.max(0, ...events().map(({ metadata }) => Number(metadata.resourceVersion))))
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ kind: 'EventList', apiVersion: 'v1', metadata: { resourceVersion }, items }))
}
const speak = (response: ServerResponse, lines: readonly object[]): void => {
  response.writeHead(200, { 'content-type': 'application/json' })
  for (const line of lines) response.write(`${JSON.stringify(line)}\n`)
}
const added = (): object[] => events().map((object) => ({ type: 'ADDED', object }))
const honest = (response: ServerResponse): void => { list(response, events()) }
/** client-go's correlator folds what repeats: one event that counts. Source: client-go, tools/record/events_cache.go. */
const folded = (): object[] => events().map((event) => ({ ...event, count: 7, series: { count: 7 } }))

/** How the events may come: by the watch, and by lists. */
const streams: readonly (readonly [fault: string, watch: (response: ServerResponse) => void, lists?: (response: ServerResponse) => void])[] = [
  ['a watch that is closed at once', (response) => void response.writeHead(200).end()],
  ['a watch that never speaks', (response) => { response.writeHead(200).flushHeaders() }],
  ['a watch that never answers', () => undefined],
  ['410 Gone in answer to a watch', say({ status: 410, kubernetes: 'Expired', aws: '' }, 'kubernetes')],
  ['410 Gone in a watch', (response) => { speak(response, [{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]); response.end() }],
  ['a watch of bytes that are no JSON', (response) => { response.writeHead(200).write('\u0000}{\n<html>\n') }],
  ['events twice', (response) => { speak(response, [...added(), ...added()]) }, (response) => { list(response, [...events(), ...events()]) }],
  ['events out of order', (response) => { speak(response, added().reverse()) }, (response) => { list(response, events().reverse()) }],
  ['events folded into one that counts', (response) => { speak(response, folded().map((object) => ({ type: 'MODIFIED', object }))) }, (response) => { list(response, folded()) }],
  ['events dropped: none is told at all', (response) => { response.writeHead(200).flushHeaders() }, (response) => { list(response, []) }],
]

test.each(sample(streams, 9))('a wait with %s', async (fault, watch, lists = honest) => {
  const { world } = stage
  const disturb = (): void => inject({ part: 'kubernetes', operation: /^GET .*\/events$/, lie: (response) => (isWatch(response) ? watch : lists)(response) })
  await begin()
  disturb()
  expectHealed(await deployed(fault, 'the wait for a controller that succeeds'))
  // Dropped, a controller's no is not to be had from events: what the wait then says is that it waited.
  const isDropped = fault.startsWith('events dropped')
  world.controller.options.unknownIds = ['sg-unknown']
  ends.push(() => { world.controller.options.unknownIds = [] })
  const refused = await deployed(fault, 'the wait for a controller that refuses', { 'security-groups': 'sg-unknown', 'load-balancer-timeout': isDropped ? '3s' : '20s' })
  expect({ outcome: outcomeOf(refused), log: refused.outputs['failure-code'] === undefined ? refused.log : '' }).toEqual({ outcome: isDropped ? 'load-balancer-timeout' : 'controller-refused', log: '' })
})

test('helm is killed while it works: it is said, and the next run goes on', async () => {
  await begin()
  const { world } = stage
  let pid = 0
  void world.traffic.next(({ client: who, mutating }) => who.startsWith('Helm') && mutating).then(() => processTree(pid).slice(1).forEach(kill))
  const run = await deployed('helm is killed', 'helm upgrade, at its first write', {}, { onStart: (child: { pid?: number }) => { pid = child.pid ?? 0 } })
  await expectSaid(run, 'helm-upgrade-failed', /helm/)
})

// It takes half a minute, or twice as much, and little else: the action's own limits are met as they are.
if (whole) {
  test('30 s of silence of each call of the look: all are asked again', async () => {
    await begin()
    for (const operation of ['GET /api/v1/namespaces/milvus/services', 'GET /apis/networking.k8s.io/v1/namespaces/milvus/ingresses', 'GET /api/v1/namespaces/milvus/secrets', 'GET /api/v1/namespaces/milvus']) inject({ part: 'kubernetes', operation, times: 1, lie: () => undefined })
    inject({ part: 'acm', operation: 'ListCertificates', times: 1, lie: () => undefined })
    expectHealed(await deployed('30 s of silence', 'calls of the look, once'))
    expect(requestsOf(stage.world, { part: 'acm', operation: 'ListCertificates' })).toBe(2)
  })

  test('30 s of silence of the import: it is looked for, and not made twice', async () => {
    await begin()
    inject({ part: 'acm', operation: 'ImportCertificate', times: 1, lie: () => undefined })
    expectHealed(await deployed('30 s of silence', 'acm ImportCertificate, once'))
  })
}
