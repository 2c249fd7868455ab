/** helm: what is found before it changes anything, what its errors mean, and who else has the release in hand. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect } from '@jest/globals'
import { startChartRegistry } from '../../sandbox/charts/registry.ts'
import { modeValues } from '../../sandbox/charts/modes.ts'
import { milvusChart } from '../../sandbox/charts/package.ts'
import { helmThree } from '../../sandbox/tools.ts'
import type { World } from '../../sandbox/world.ts'
import { createMilvusObjects, get, replace, upgradeByHand } from './hands.ts'
import { annotation, changed, expectFailure, expectRefusal, expectSuccess, expectUnchanged, scenario } from './harness.ts'

const allow = { 'allow-chart-change': 'true' }
/** None of those that the harness sets by itself: helm is run for the Service only. */
const noValues = { values: '' }

scenario('a release that another helm has in hand: how long, and what to go back to', async (scenario) => {
  await upgradeByHand(scenario.world)
  await setPending(scenario.world, 2, new Date(Date.now() - 14 * 60_000 - 5_000))
  const text = await expectRefusal(scenario, {}, 'release-pending')
  for (const part of ['has been pending-upgrade for 14 minutes (revision 2)', 'helm itself never clears', 'helm rollback milvus-demo 1 -n milvus --wait']) expect(text).toContain(part)
  await scenario.world.helm('rollback', 'milvus-demo', '1', '--wait')
  expectSuccess(await scenario.run())
})

scenario('a first upgrade of a cluster that another helm left pending: the command that is named works, where a rollback does not', async (scenario) => {
  const { world } = scenario
  await world.installMilvus({ mode: 'cluster' })
  await upgradeByHand(world)
  await setPending(world, 2, new Date())
  const command = 'kubectl delete secret sh.helm.release.v1.milvus-demo.v2 -n milvus'
  expect(await expectRefusal(scenario, noValues, 'release-pending')).toContain(`run "${command}"`)
  await world.kubectl(...command.split(' ').slice(1))
  expectSuccess(await scenario.run(noValues))
}, { start: 'empty' })

scenario('another helm begins while this run looks: refused with nothing changed', async (scenario) => {
  const { world } = scenario
  await upgradeByHand(world)
  let open = (): void => undefined
  world.traffic.inject({ part: 'charts', operation: 'GET /index.yaml', until: new Promise((resolve) => (open = resolve)), times: 1 })
  const reached = world.traffic.next(({ part }) => part === 'charts')
  const refused = expectRefusal(scenario, {}, 'release-pending')
  await reached
  await setPending(world, 2, new Date())
  open()
  expect(await refused).toContain('Another helm has begun since this run looked')
})

scenario('an installation or a removal that never ended: what is left to do', async (scenario) => {
  await setPending(scenario.world, 1, new Date(Date.now() - 3 * 3_600_000), 'pending-install')
  const text = await expectRefusal(scenario, {}, 'release-pending')
  for (const part of ['for 3 hours', 'nothing to roll back to']) expect(text).toContain(part)
  await setPending(scenario.world, 1, new Date(), 'uninstalling')
  expect(await expectRefusal(scenario, {}, 'release-pending')).toContain('and the release was meant to stay, run "helm rollback milvus-demo 1 -n milvus --wait"')
})

scenario('another chart version is shown before anything changes, and taken only when that is allowed', async (scenario) => {
  const text = await expectRefusal(scenario, { 'chart-version': '5.0.19' }, 'release-changes-more')
  for (const part of ['from chart 4.2.58 (Milvus 2.5.16) to 5.0.19 (Milvus 2.6.15)', 'Deployment milvus-demo-standalone', 'only from 2.5.16 or later with mixCoordinator on']) expect(text).toContain(part)
  const allowed = expectSuccess(await scenario.run({ 'chart-version': '5.0.19', ...allow }))
  expect(allowed.summary).toContain('Chart 4.2.58 (Milvus 2.5.16) to 5.0.19 (Milvus 2.6.15): helm would')
  expectUnchanged(await scenario.run({ 'chart-version': '5.0.19' }))
})

const extra = (kind: string, more: string): Record<string, string> => ({ 'templates/extra.yaml': `{{- if ne (.Values.extra | default "on") "off" }}\n${kind}\nmetadata:\n  name: {{ .Release.Name }}-extra\n  namespace: {{ .Release.Namespace }}\n${more}{{- end }}\n` })
const configMap = extra('apiVersion: v1\nkind: ConfigMap', 'data: {a: b}\n')

scenario('a chart that was published anew under its version is refused, unless that is allowed', async (scenario) => {
  await scenario.world.charts.publish('4.2.58', '2.5.16', configMap)
  const text = await expectRefusal(scenario, noValues, 'release-changes-more')
  expect(text).toContain('Chart milvus 4.2.58 is not the one that release milvus-demo was made with: any upgrade with it would add ConfigMap milvus-demo-extra,')
  const allowed = expectSuccess(await scenario.run({ ...noValues, ...allow }))
  expect(allowed.log).toContain('helm would add ConfigMap milvus-demo-extra; change Service milvus-demo')
})

scenario('values by which objects go that nobody named are refused, with the names and without a value', async (scenario) => {
  const { world } = scenario
  await world.charts.publish('4.2.58', '2.5.16', configMap)
  await upgradeByHand(world)
  const text = await expectRefusal(scenario, { values: 'extra: "off"' }, 'release-changes-more')
  expect(text).toContain('more than to set values: ConfigMap milvus-demo-extra')
  expectSuccess(await scenario.run({ values: 'extra: "off"', ...allow }))
  expect(await get(world, 'configmap', 'milvus-demo-extra')).toBeUndefined()
})

scenario('a chart version that is gone from the repository or never was there, and a copy of it that does', async (scenario) => {
  const { world, run } = scenario
  world.charts.withdraw('4.2.58')
  expect(await expectRefusal(scenario, {}, 'chart-not-found')).toContain('chart "milvus" version "4.2.58" not found')
  const text = await expectRefusal(scenario, { 'chart-version': '9.9.9' }, 'chart-not-found')
  expect(text).toContain('set chart-version to one that is there')
  const chart = join(world.directory, 'milvus.tgz')
  await writeFile(chart, await milvusChart('5.0.19'))
  expect(await expectRefusal(scenario, { chart }, 'release-changes-more')).toContain('to 5.0.19')
  await writeFile(chart, await milvusChart('4.2.58'))
  expectSuccess(await run({ chart }))
})

scenario('a repository that is down, broken, no repository or cut off in the middle', async (scenario) => {
  const { charts, traffic } = scenario.world
  expect(await expectRefusal(scenario, { 'chart-repository': 'http://127.0.0.1:1' }, 'chart-repository-unreachable')).toContain('connection refused')
  const error = { status: 503, code: '', message: 'away' }
  for (const [fault, says] of [
    [{ operation: 'GET /index.yaml', error }, `Run the job again when ${charts.url} answers`],
    [{ operation: /tgz$/, reset: true }, 'EOF'],
    [{ operation: 'GET /index.yaml', error: { ...error, status: 404 } }, `There is no chart repository at ${charts.url}`],
  ] as const) {
    const mend = traffic.inject({ part: 'charts', ...fault })
    expect(await expectRefusal(scenario, {}, 'chart-repository-unreachable')).toContain(says)
    mend()
  }
  expectSuccess(await scenario.run())
})

const secret = { 'chart-username': 'charts', 'chart-password': 'canary-71d0c2f4-chart' }

scenario('a private repository: refused without credentials and with wrong ones, and its password goes nowhere else', async (scenario) => {
  scenario.world.charts.credentials = { username: 'charts', password: secret['chart-password'] }
  expect(await expectRefusal(scenario, {}, 'chart-repository-unreachable')).toContain('Give chart-username and chart-password')
  expect(await expectRefusal(scenario, { ...secret, 'chart-password': 'canary-of-another' }, 'chart-repository-unreachable')).toContain('does not take chart-username and chart-password')
  expectSuccess(await scenario.run(secret))
})

scenario('a private OCI registry: refused without credentials, and read with them', async (scenario) => {
  const { world } = scenario
  const registry = await startChartRegistry({ traffic: world.traffic, authority: world.authority, credentials: { username: 'charts', password: secret['chart-password'] }, version: '4.2.58' })
  try {
    const chart = registry.reference
    expect(await expectRefusal(scenario, { chart }, 'chart-repository-unreachable')).toContain('Give chart-username and chart-password')
    expect(await expectRefusal(scenario, { chart: chart.replace('charts/milvus', 'other/milvus'), ...secret }, 'chart-not-found')).toContain('not found')
    expect(changed(expectSuccess(await scenario.run({ chart, ...secret })))).toContain('release service.type')
  } finally {
    await registry.close()
  }
})

scenario('a Service that Argo CD, Flux or the Milvus Operator keeps: helm is refused, and left alone with a note when nothing is to be done', async (scenario) => {
  const { world, run } = scenario
  const mark = (...what: string[]): Promise<string> => world.kubectl(...what)
  for (const [set, unset, says] of [
    [['annotate', 'service', 'milvus-demo', 'argocd.argoproj.io/tracking-id=vectors:/Service:milvus/milvus-demo'], ['annotate', 'service', 'milvus-demo', 'argocd.argoproj.io/tracking-id-'], 'Argo CD (Application vectors)'],
    [['label', 'service', 'milvus-demo', 'argocd.argoproj.io/instance=vectors'], ['label', 'service', 'milvus-demo', 'argocd.argoproj.io/instance-'], 'Argo CD (Application vectors)'],
    [['label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name=milvus'], ['label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name-'], 'Flux (HelmRelease milvus)'],
  ] as const) {
    await mark(...set)
    const text = await expectRefusal(scenario, {}, 'release-managed-elsewhere')
    for (const part of [says, 'give service: milvus-demo in place of release']) expect(text).toContain(part)
    await mark(...unset)
  }
  expectSuccess(await run())
  await mark('label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name=milvus')
  const left = await run()
  expectUnchanged(left)
  expect(left.summary).toContain('is managed by Flux (HelmRelease milvus), and is as it should be')
})

scenario('a Milvus without a helm release: the Service to name is named', async (scenario) => {
  await createMilvusObjects(scenario.world, 'operated')
  await scenario.world.kubectl('label', 'service', 'operated', 'app.kubernetes.io/managed-by=milvus-operator')
  expect(await expectRefusal(scenario, {}, 'release-not-found')).toContain('set service to its Service, which here looks like operated (of the Milvus Operator)')
}, { start: 'empty' })

scenario('names and a port that the values of the release override', async ({ world, run }) => {
  await world.installMilvus({ values: { fullnameOverride: 'vec', nameOverride: 'vectors' } })
  await world.helm('upgrade', 'milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--reuse-values', '--set', 'service.port=19999', '--set', 'service.portName=grpc')
  expect(annotation(expectFailure(await run(), 'preflight', 'service-port-not-found'))).toContain('19999 (grpc)')
  expectSuccess(await run({ 'service-port': '19999' }))
  expect(await get(world, 'ingress', 'milvus-demo')).toMatchObject({ spec: { rules: [{ http: { paths: [{ backend: { service: { name: 'vec', port: { number: 19999 } } } }] } }] } })
}, { start: 'empty' })

scenario("helm's refusals in the middle of an upgrade: each with its own way out", async ({ world, run }) => {
  for (const [status, reason, message, code, says] of [
    [500, 'InternalError', 'Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://aws-load-balancer-webhook-service.kube-system.svc:443/mutate-v1-service?timeout=10s": no endpoints available for service "aws-load-balancer-webhook-service"', 'controller-webhook-unavailable', 'Make the AWS Load Balancer Controller run'],
    [403, 'Forbidden', 'admission webhook "validate.kyverno.svc-fail" denied the request: no', 'helm-upgrade-failed', 'A policy of the cluster refuses it'],
    [409, 'Conflict', 'Operation cannot be fulfilled on services "milvus-demo": the object has been modified; please apply your changes to the latest version and try again', 'helm-upgrade-failed', 'Somebody else changed the object at the same moment'],
    [403, 'Forbidden', 'services "milvus-demo" is forbidden: User "runner" cannot patch resource "services" in API group "" in the namespace "milvus"', 'cluster-forbidden', 'docs/permissions/rbac.yaml'],
  ] as const) {
    const mend = world.traffic.inject({ part: 'kubernetes', operation: 'PATCH /api/v1/namespaces/milvus/services/milvus-demo', error: { status, code: reason, message } })
    expect(annotation(expectFailure(await run(), 'release', code))).toContain(says)
    mend()
  }
  expectSuccess(await run())
})

scenario('values that the chart cannot be rendered with are refused before anything is changed', async (scenario) => {
  await scenario.world.charts.publish('4.2.58', '2.5.16', { 'templates/guard.yaml': '{{- if eq .Values.standalone.messageQueue "none" }}{{ fail "Milvus needs a message queue" }}{{ end }}\n' })
  const text = await expectRefusal(scenario, { values: 'standalone: {messageQueue: none}' }, 'helm-upgrade-failed')
  for (const part of ['needs a message queue', 'correct values']) expect(text).toContain(part)
})

scenario('a hook that fails is named, with its log to look at', async ({ world, run }) => {
  const hook = 'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-check\n  namespace: {{ .Release.Namespace }}\n  annotations: {helm.sh/hook: pre-upgrade}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: check, image: busybox}]}}}\n'
  await world.charts.publish('4.2.58', '2.5.16', { 'templates/hook.yaml': hook })
  world.holdPods() // that of the hook would end well
  const result = expectFailure(await run({ 'release-timeout': '1s' }), 'release', 'helm-hook-failed')
  expect(annotation(result)).toContain('kubectl logs job/NAME -n milvus')
})

for (const helm of [4, 3] as const) {
  scenario(`helm ${helm}: a null in values takes the default of the chart away, once`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus({ serviceType: 'ClusterIP' })
    const values = { values: 'standalone: {persistence: {annotations: null}}' }
    const claim = async (): Promise<unknown> => (await get(world, 'persistentvolumeclaim', 'milvus-demo'))?.metadata.annotations
    expect(await claim()).toMatchObject({ 'helm.sh/resource-policy': 'keep' })
    expect(changed(expectSuccess(await run(values)))).toContain('release values.standalone.persistence.annotations')
    expect(await claim()).not.toHaveProperty('helm.sh/resource-policy')
    expectUnchanged(await run(values))
  }, { start: 'empty' })

  scenario(`helm ${helm}: a Service that kubectl patched: the values of the release follow, so that no later upgrade brings the load balancer back`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus()
    await world.kubectl('patch', 'service', 'milvus-demo', '--type', 'merge', '-p', '{"spec":{"type":"ClusterIP","loadBalancerSourceRanges":null}}')
    const result = expectSuccess(await run(noValues))
    expect(changed(result)).toContain('release service.type')
    expect(result.outputs['changes']).toContain('the next helm upgrade would make it LoadBalancer again')
    expect(await world.helm('get', 'values', 'milvus-demo')).toContain('type: ClusterIP')
    expectUnchanged(await run(noValues))
  }, { start: 'empty' })

  scenario(`helm ${helm}: a history of more than ten revisions is kept whole, unless HELM_MAX_HISTORY says how long it is`, async ({ world, run }) => {
    await world.useHelm(helm)
    await world.installMilvus()
    const revisions = async (): Promise<number> => (await world.kubectl('get', 'secrets', '-l', 'owner=helm', '-o', 'name')).trim().split('\n').length
    for (let revision = 2; revision <= 11; revision++) await world.helm('upgrade', 'milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--reuse-values', '--history-max', '0')
    expect(await revisions()).toBe(11)
    expectSuccess(await run(noValues))
    expect(await revisions()).toBe(12)
    expectSuccess(await run({ values: 'proxy: {replicas: 2}' }, { environment: { HELM_MAX_HISTORY: '5' } }))
    expect(await revisions()).toBe(5)
  }, { start: 'empty' })
}

scenario('a release that helm 3 installed: force-conflicts is for the Ingress, and helm 4 goes on client-side, there and back', async ({ world, run }) => {
  const values = join(world.directory, 'values.json')
  await writeFile(values, JSON.stringify(modeValues.standalone))
  const chart = ['milvus-demo', 'milvus', '--repo', world.charts.url, '--version', '4.2.58', '--namespace', world.namespace]
  await promisify(execFile)(await helmThree(), ['install', ...chart, '--values', values, '--set', 'service.type=LoadBalancer', '--wait'], { env: { HOME: world.directory, KUBECONFIG: world.kubeconfig } })
  await world.overrideAlb({ respond: 504 })
  const failed = await run({ ...noValues, 'force-conflicts': 'true', 'on-failure': 'rollback', 'probe-timeout': '1s' })
  expectFailure(failed, 'probe', 'probe-target-timeout')
  expect(await get(world, 'service', 'milvus-demo')).toMatchObject({ spec: { type: 'LoadBalancer' } })
  await world.overrideAlb({ respond: undefined })
  expectSuccess(await run({ ...noValues, 'force-conflicts': 'true' }))
  expect((await world.helmCalls()).filter((call) => call.includes('--force-conflicts'))).toEqual([])
}, { start: 'empty' })

/** Makes a revision what a helm leaves that is killed. */
async function setPending(world: World, revision: number, begun: Date, status = 'pending-upgrade'): Promise<void> {
  const name = `sh.helm.release.v1.milvus-demo.v${revision}`
  const secret = await get(world, 'secret', name)
  if (!secret) throw new Error(`helm kept no revision ${revision}`)
  const release = JSON.parse(gunzip(String((secret['data'] as Record<string, string>)['release']))) as { info: { status: string; last_deployed: string } }
  Object.assign(release.info, { status, last_deployed: begun.toISOString() })
  await replace(world, { ...secret, metadata: { ...secret.metadata, labels: { ...secret.metadata.labels, status } }, data: { release: gzip(JSON.stringify(release)) } })
  if (revision === 1) return
  // helm marks the one before superseded only at the end of an upgrade.
  const before = await get(world, 'secret', 'sh.helm.release.v1.milvus-demo.v1')
  if (before) await replace(world, { ...before, metadata: { ...before.metadata, labels: { ...before.metadata.labels, status: 'deployed' } } })
}

/** The JSON that helm keeps in a Secret, and back: base64 by the API, base64 and gzip by helm. */
const gunzip = (data: string): string => gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')).toString()
const gzip = (text: string): string => Buffer.from(gzipSync(text).toString('base64')).toString('base64')
