/**
 * After an upgrade that was killed, cancelled or rolled back, the next run leaves the release as if nothing had happened. In
 * cluster mode, between two versions of the chart with different objects, with both majors of helm.
 */
import { exec, type ChildProcess } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from '@jest/globals'
import { act } from '../../sandbox/act.ts'
import { killTree } from '../../sandbox/process-tree.ts'
import { snapshot } from '../../sandbox/snapshot.ts'
import type { RecordedRequest } from '../../sandbox/traffic.ts'
import type { World } from '../../sandbox/world.ts'
import { letLeaseRunOut, objectsIn } from './hands.ts'
import { annotation, changed, expectFailure, expectSuccess, labScenario, sandboxScenario, scenario, scenariosStart } from './harness.ts'

scenariosStart('empty')

const same = { values: '' }
const other = { 'chart-version': '5.0.19', 'allow-chart-change': 'true', values: 'attu: {enabled: true}\nservice: {labels: {team: search}}' }

/** A request of helm. */
const byHelm = (operation: RegExp) => ({ client, ...request }: RecordedRequest): boolean => client.startsWith('Helm') && operation.test(request.operation)

/** Right after the old load balancer is gone; and when all is applied, and nothing that goes is gone. */
const moments = { 'at the Service': byHelm(/^PATCH .*\/services\/milvus-demo$/), 'before what goes is deleted': byHelm(/^DELETE /) }

const killedAt = (world: World, moment: (request: RecordedRequest) => boolean) => {
  const there = world.traffic.next(moment)
  return { runnerDies: true, onStart: ({ pid = 0 }: ChildProcess) => void there.then(() => { killTree(pid) }) }
}
const cancelledAt = (world: World, moment: (request: RecordedRequest) => boolean) => {
  const there = world.traffic.next(moment)
  return { onStart: (child: ChildProcess) => void there.then(() => child.kill('SIGINT')) }
}

/** helm applies before it deletes. */
const refusal = { part: 'kubernetes', operation: /^PATCH .*\/statefulsets\//, client: /^Helm/, error: { status: 403, code: 'Forbidden', message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no' } } as const

const history = async (world: World): Promise<string[]> =>
  (JSON.parse(await world.helm('history', 'milvus-demo', '-o', 'json')) as { revision: number; status: string; chart: string }[]).map(({ revision, status, chart }) => `${revision} ${status} ${chart}`)

for (const helm of [3, 4] as const) {
  sandboxScenario('the cluster is set back to where it began', `helm ${helm}: an upgrade that was killed or cancelled, and the next run: as if nothing had happened`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus({ mode: 'cluster' })
    const back = snapshot(world)
    const expected = new Map<object, Record<string, object>>()
    for (const inputs of [same, other]) {
      expectSuccess(await run(inputs))
      expected.set(inputs, await objectsIn(world))
      await back()
    }
    for (const [end, name, next] of [['killed', 'at the Service', other], ['killed', 'before what goes is deleted', same], ['cancelled', 'at the Service', same], ['cancelled', 'before what goes is deleted', other]] as const) {
      const begun = await act(world, other, end === 'killed' ? killedAt(world, moments[name]) : cancelledAt(world, moments[name]))
      expect({ end, name, code: begun.outputs['failure-code'] }).toEqual({ end, name, code: end === 'killed' ? undefined : 'cancelled' })
      if (end === 'killed') await letLeaseRunOut(world)
      const seen = world.traffic.requests.length
      const result = expectSuccess(await run(next))
      expect(changed(result)).toContain('release status')
      expect({ end, name, objects: await objectsIn(world) }).toEqual({ end, name, objects: expected.get(next) })
      expect(await history(world)).toEqual(['1 superseded milvus-4.2.58', '2 failed milvus-5.0.19', `3 deployed milvus-${next === other ? '5.0.19' : '4.2.58'}`])
      // The old load balancer is not made again.
      const services = world.traffic.requests.slice(seen).filter(byHelm(/^(PATCH|PUT) .*\/services\/milvus-demo$/))
      if (name === 'at the Service') expect(services.filter(({ body }) => body.includes('"type":"LoadBalancer"'))).toEqual([])
      await back()
    }
  })

  sandboxScenario('the cluster is set back to where it began', `helm ${helm}: on-failure: rollback of an upgrade that failed before helm deleted anything, and after it ended`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus({ mode: 'cluster' })
    const back = snapshot(world)
    expectSuccess(await run(other))
    const deployed = await objectsIn(world)
    await back()
    // What any upgrade does to an installation, and nothing else.
    await world.helm('upgrade', 'milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--reuse-values', '--wait')
    const before = await objectsIn(world)
    await back()
    const rollback = { ...other, 'on-failure': 'rollback', 'probe-timeout': '1s' }
    const objects = Array.from({ length: 4 }, () => 'release object')
    for (const [step, code] of [['release', 'helm-upgrade-failed'], ['probe', 'probe-target-failed']] as const) {
      const restore = step === 'release' ? world.traffic.inject({ ...refusal, times: 1 }) : () => undefined
      await world.overrideAlb({ respond: step === 'probe' ? 502 : undefined })
      const result = expectFailure(await run(rollback), step, code)
      restore()
      await world.overrideAlb({ respond: undefined })
      expect(annotation(result)).not.toContain('put back')
      // Beside what helm takes back by itself: an object that only the failed revision has and, where helm applies client-side, a field.
      const cleared = changed(result).filter((change) => /^release (object|metadata)/.test(change)).sort()
      expect({ step, cleared }).toEqual({ step, cleared: step === 'probe' ? [] : helm === 3 ? ['release metadata.labels.team', ...objects] : objects })
      expect({ step, objects: await objectsIn(world) }).toEqual({ step, objects: before })
      expect((await history(world)).at(-1)).toBe('3 deployed milvus-4.2.58')
      expect(result.outputs['release-revision']).toBe('3')
      if (step === 'release') {
        expectSuccess(await run(other))
        expect(await objectsIn(world)).toEqual(deployed)
      }
      await back()
    }
  })

  labScenario('the sandbox plays more of it', `helm ${helm}: on a real API server, an upgrade that was killed, and one that failed and is rolled back, leave nothing behind`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus({ mode: 'cluster' })
    expectSuccess(await run(same))
    const before = await objectsIn(world)
    await act(world, other, killedAt(world, moments['before what goes is deleted']))
    await letLeaseRunOut(world)
    expect(changed(expectSuccess(await run(same)))).toContain('release status')
    expect(await objectsIn(world)).toEqual(before)
    world.traffic.inject({ ...refusal, times: 1 })
    expectFailure(await run({ ...other, 'on-failure': 'rollback' }), 'release', 'helm-upgrade-failed')
    expect(await objectsIn(world)).toEqual(before)
    expect((await history(world)).at(-1)).toMatch(/deployed milvus-4\.2\.58$/)
  })
}

scenario('an upgrade of which only the last write is missing, because the API was away: it is deployed', async ({ world, run }) => {
  await world.installMilvus({ mode: 'cluster' })
  const mend = world.traffic.inject({ part: 'kubernetes', operation: /^PUT .*\/secrets\/sh\.helm\.release\.v1\.milvus-demo\.v2$/, client: /^Helm/, error: { status: 500, code: 'InternalError', message: 'the server is away' } })
  expectFailure(await run(same), 'release', 'helm-upgrade-failed')
  mend()
  expect(await history(world)).toEqual(['1 superseded milvus-4.2.58', '2 pending-upgrade milvus-4.2.58'])
  expect(changed(expectSuccess(await run(same)))).not.toContain('release service.type')
  expect(await history(world)).toEqual(['1 superseded milvus-4.2.58', '2 deployed milvus-4.2.58'])
})

/** A ConfigMap of the chart that comes with attu. */
const configMap = (name: string, annotations: string): string => `{{- if .Values.attu.enabled }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-${name}, annotations: ${annotations}}\ndata: {a: b}\n{{- end }}\n`

scenario('of a failed upgrade that is taken back, claims and what is to be kept stay', async ({ world, run }) => {
  await world.charts.publish('4.2.58', '2.5.16', { 'templates/kept.yaml': configMap('kept', '{helm.sh/resource-policy: keep}'), 'templates/extra.yaml': configMap('extra', '{}') })
  await world.installMilvus({ values: { standalone: { persistence: { enabled: false } } } })
  world.traffic.inject({ part: 'kubernetes', operation: /^PATCH .*\/deployments\//, client: /^Helm/, times: 1, error: { status: 403, code: 'Forbidden', message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no' } })
  const values = 'attu: {enabled: true}\nstandalone: {persistence: {enabled: true, annotations: null}}'
  expectFailure(await run({ values, 'allow-chart-change': 'true', 'on-failure': 'rollback' }), 'release', 'helm-upgrade-failed')
  const objects = Object.keys(await objectsIn(world))
  expect(objects).toEqual(expect.arrayContaining(['ConfigMap milvus-demo-kept', 'PersistentVolumeClaim milvus-demo']))
  expect(objects.filter((object) => /-extra|-attu/.test(object))).toEqual([])
})

sandboxScenario('the chart is taken away', 'a way back whose chart is gone is said before the first change, and the command that is named then works', async ({ world, run }) => {
  await world.installMilvus({ mode: 'cluster' })
  world.charts.withdraw('4.2.58')
  await world.overrideAlb({ respond: 502 })
  const result = expectFailure(await run({ ...other, 'on-failure': 'rollback', 'probe-timeout': '1s' }), 'probe', 'probe-target-failed')
  expect(result.log).toContain('there is no way back to chart 4.2.58 of revision 1')
  expect(result.log.indexOf('there is no way back to chart')).toBeLessThan(result.log.indexOf('✓ certificate'))
  const command = /by hand: "(helm get values [^"]+)"/.exec(annotation(result))?.[1] ?? ''
  await world.charts.publish('4.2.58')
  await promisify(exec)(command, { cwd: world.directory, env: { ...world.environment(), HOME: world.directory, KUBECONFIG: world.kubeconfig } })
  expect((await history(world)).at(-1)).toBe('3 deployed milvus-4.2.58')
  expect(await world.helm('get', 'values', 'milvus-demo', '--revision', '3')).toEqual(await world.helm('get', 'values', 'milvus-demo', '--revision', '1'))
})
