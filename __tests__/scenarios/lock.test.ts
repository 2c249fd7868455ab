/** Runs on one target exclude each other, and what a dead one left in helm is finished. */
import type { ChildProcess } from 'node:child_process'
import { expect } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { isRunning, kill, killTree, processTree } from '../../sandbox/process-tree.ts'
import type { World } from '../../sandbox/world.ts'
import { certificates, changeLease, get, leaseName as lease, letLeaseRunOut } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, expectUnchanged, sandboxScenario, scenario } from './harness.ts'

const asRun = (id: number) => ({ environment: { GITHUB_REPOSITORY: 'acme/search', GITHUB_RUN_ID: String(id), GITHUB_RUN_ATTEMPT: '1', GITHUB_JOB: 'deploy' } })
const nameOfRun = (id: number): string => `https://github.com/acme/search/actions/runs/${id} (attempt 1, job deploy)`

/** The newest revision, as helm says it. */
async function newestRevision(world: World): Promise<{ revision: number; status: string }> {
  const [newest] = JSON.parse(await world.helm('history', 'milvus-demo', '--max', '1', '-o', 'json')) as { revision: number; status: string }[]
  if (!newest) throw new Error('there is no release')
  return newest
}

/** Options of a run that is killed, with all that it started, when a request is there; its runner dies too. */
const killedAt = (moment: Promise<unknown>) => ({ runnerDies: true, onStart: ({ pid = 0 }: ChildProcess) => void moment.then(() => { killTree(pid) }) })

/** Until helm has applied the chart, and waits for pods. */
const waitingHelm = ({ traffic }: World): Promise<unknown> => traffic.next(({ operation, client }) => client.startsWith('Helm') && /^PATCH .*\/deployments\//.test(operation))

const otherChart = { 'chart-version': '5.0.19', 'allow-chart-change': 'true' }

scenario('two runs at once: the second waits and finds all done; one that may wait no longer names the first', async ({ world, run }) => {
  const provision = world.holdLoadBalancers()
  const working = world.traffic.next(({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'))
  const first = run({}, asRun(1))
  await working
  const impatient = expectFailure(await run({ 'lock-timeout': '1s' }, asRun(2)), 'preflight', 'locked-by-another-run')
  expect(annotation(impatient)).toContain(nameOfRun(1))
  expect(changed(impatient)).toEqual([])

  const second = run({}, { ...asRun(3), onLine: (line) => { if (line.includes('Another run works')) provision() } })
  expectSuccess(await first)
  const result = await second
  expectUnchanged(result)
  expect(result.log).toContain(`Another run works in namespace ${world.namespace}: ${nameOfRun(1)}`)
  expect(await certificates(world)).toHaveLength(1)
  expect((await get(world, 'lease', lease))?.['spec']).not.toHaveProperty('holderIdentity')
})

scenario('killed while helm works: the next run waits until the Lease has run out, and finishes what was begun', async ({ world, run }) => {
  const ready = world.holdPods()
  await act(world, otherChart, { ...asRun(1), ...killedAt(waitingHelm(world)) })
  expect(await newestRevision(world)).toEqual(expect.objectContaining({ revision: 2, status: 'pending-upgrade' }))
  ready()
  expect(annotation(expectFailure(await run({ ...otherChart, 'lock-timeout': '1s' }), 'preflight', 'locked-by-another-run'))).toContain(nameOfRun(1))
  await letLeaseRunOut(world)
  const result = expectSuccess(await run(otherChart, asRun(2)))
  expect(changed(result)).toContain('release status')
  expect(await newestRevision(world)).toEqual(expect.objectContaining({ revision: 3, status: 'deployed' }))
  expectUnchanged(await run(otherChart))
})

scenario('killed while helm works, and asked for something else since: from the last revision that was deployed', async ({ world, run }) => {
  const ready = world.holdPods()
  await act(world, otherChart, killedAt(waitingHelm(world)))
  ready()
  await letLeaseRunOut(world)
  const changes = changed(expectSuccess(await run({ values: 'minio: {bucketName: other}' })))
  expect(changes).toEqual(expect.arrayContaining(['release status', 'release values.minio.bucketName']))
  // It is as wanted already, and stays so.
  expect(changes).not.toContain('release service.type')
  expect(await newestRevision(world)).toEqual(expect.objectContaining({ revision: 3, status: 'deployed' }))
  expect(JSON.parse(await world.helm('get', 'metadata', 'milvus-demo', '-o', 'json'))).toMatchObject({ version: '4.2.58' })
})

sandboxScenario('helm is stopped in the middle by hand there: nothing in it is of the lab', 'a revision that somebody else left pending is only explained, though a run of ours has died too', async ({ world, run }) => {
  world.holdPods()
  await act(world, otherChart, killedAt(waitingHelm(world)))
  await letLeaseRunOut(world)
  // As after the own helm of somebody who came later, whose revisions keep our label.
  const secret = world.kubernetes.get('Secret', world.namespace, 'sh.helm.release.v1.milvus-demo.v2')
  if (!secret) throw new Error('there is no revision 2')
  const { namespace = '', labels } = secret.metadata
  world.kubernetes.create({ ...secret, metadata: { namespace, name: 'sh.helm.release.v1.milvus-demo.v3', labels: { ...labels, version: '3' } } })
  expectFailure(await run(otherChart), 'preflight', 'release-pending')
})

scenario('a run whose Lease another one has taken changes nothing more', async ({ world, run }) => {
  const helm = world.traffic.next(({ operation, client }) => client.startsWith('Helm') && /^PATCH .*\/services\//.test(operation))
  const ready = world.holdPods()
  void helm.then(async () => {
    await changeLease(world, { holderIdentity: 'somebody', renewTime: '2100-01-01T00:00:00.000000Z' })
    await world.traffic.next(({ operation, client }) => client.startsWith('milvus-alb-action') && /^PUT .*\/leases\//.test(operation))
    ready()
  })
  const result = expectFailure(await run(otherChart, asRun(1)), 'ingress', 'lock-lost')
  expect(await get(world, 'ingress', 'milvus-demo')).toBeUndefined()
  expect(annotation(result)).toContain(lease)
})

scenario('without the right to Leases a note says what is left of the exclusion', async ({ world, run }) => {
  // In a cluster the roles are one for all: each run has those that were bound last.
  const asAll = async () => ({ environment: await world.assumeRole() })
  for (const permission of ['get leases', 'create leases']) {
    const result = expectSuccess(await run({}, { environment: await world.assumeRole(permission) }))
    expect({ permission, noted: result.summary.includes('may not get, create and update Leases') }).toEqual({ permission, noted: true })
    expectSuccess(await run({ mode: 'destroy' }, await asAll()))
    expect(await get(world, 'lease', lease)).toBeUndefined()
  }
  expectSuccess(await run({}, await asAll()))
  const renewed = await world.authority.issue({ hosts: [world.host] })
  const result = expectSuccess(await run({ certificate: renewed.fullchain, 'private-key': renewed.privateKey }, { environment: await world.assumeRole('update leases') }))
  expect(result.summary).toContain('may not get, create and update Leases')
})

scenario('a run that looks while another one takes the Lease waits for it, and does not mistake its helm for a stranger', async ({ world }) => {
  let open = (): void => undefined
  world.traffic.inject({ part: 'kubernetes', operation: /^GET .*\/secrets$/, times: 1, until: new Promise((resolve) => (open = resolve)) })
  const reading = world.traffic.next(({ operation }) => /^GET .*\/leases\//.test(operation))
  const ready = world.holdPods()
  const slow = act(world, otherChart, { ...asRun(2), onLine: (line) => { if (line.includes('Another run works')) ready() } })
  await reading
  const helm = waitingHelm(world)
  const quick = act(world, otherChart, asRun(1))
  await helm
  open()
  expectUnchanged(await slow)
  expectSuccess(await quick)
})

scenario('a release that helm left pending because it was killed is recovered by the next run', async ({ world, run }) => {
  let pid = 0
  const ready = world.holdPods()
  void waitingHelm(world).then(() => processTree(pid).slice(1).forEach(kill))
  const failed = expectFailure(await run(otherChart, { onStart: (child) => { pid = child.pid ?? 0 } }), 'release', 'helm-upgrade-failed')
  expect(annotation(failed)).toContain('helm')
  expect((await newestRevision(world)).status).toBe('pending-upgrade')
  ready()
  const result = expectSuccess(await run(otherChart))
  expect(changed(result)).toContain('release status')
  expect((await newestRevision(world)).status).toBe('deployed')
  expectUnchanged(await run(otherChart))
})

sandboxScenario('a helm that outlives whoever called it is nobody there to end', 'the helm of a dead run that still waits for pods does no harm to the run that recovers', async ({ world, run }) => {
  const ready = world.holdPods()
  let alone: number[] = []
  const helm = waitingHelm(world)
  await act(world, otherChart, { runnerDies: true, onStart: (child) => void helm.then(() => {
    alone = processTree(child.pid ?? 0).slice(1)
    child.kill('SIGKILL')
  }) })
  await letLeaseRunOut(world)
  const second = waitingHelm(world)
  const next = run(otherChart)
  await second
  ready()
  expectSuccess(await next)
  while (alone.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 20))
  expect((await newestRevision(world)).status).toBe('deployed')
  expectUnchanged(await run(otherChart))
})
