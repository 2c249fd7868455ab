/**
 * helm: what is found before it changes anything, what its errors mean, and other tools that
 * operate on the release.
 */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect } from '@jest/globals'
import { startChartRegistry } from '../../simulator/charts/oci-registry.ts'
import { modeValues } from '../../simulator/charts/installation-modes.ts'
import { buildMilvusChart } from '../../simulator/charts/package.ts'
import { installHelm3 } from '../../testing/cli-tools.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  createMilvusObjects,
  getObject,
  replaceObject,
  upgradeRelease,
} from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectFailureWithoutWrites,
  expectSuccess,
  expectUnchanged,
  scenario,
} from './harness.ts'

const allowChartChange = { 'allow-chart-change': 'true' }
/** Without the settings that the harness adds: helm runs only for the Service. */
const serviceOnlyInputs = { values: '' }

scenario(
  'a release locked by another helm: since when, and which revision to roll back to',
  async (scenario) => {
    await upgradeRelease(scenario.environment)
    await setPending(scenario.environment, 2, new Date(Date.now() - 14 * 60_000 - 5_000))
    const text = await expectFailureWithoutWrites(scenario, {}, 'release-pending')
    for (const part of [
      'has been pending-upgrade for 14 minutes (revision 2)',
      'helm never clears this state',
      'helm rollback milvus-demo 1 -n milvus --wait',
    ])
      expect(text).toContain(part)
    await scenario.environment.helm('rollback', 'milvus-demo', '1', '--wait')
    expectSuccess(await scenario.run())
  },
)

scenario(
  'a first upgrade of a cluster left pending by another helm: the printed command works, where a rollback does not',
  async (scenario) => {
    const { environment } = scenario
    await environment.installMilvus({ mode: 'cluster' })
    await upgradeRelease(environment)
    await setPending(environment, 2, new Date())
    const command = 'kubectl delete secret sh.helm.release.v1.milvus-demo.v2 -n milvus'
    expect(
      await expectFailureWithoutWrites(scenario, serviceOnlyInputs, 'release-pending'),
    ).toContain(`run "${command}"`)
    await environment.kubectl(...command.split(' ').slice(1))
    expectSuccess(await scenario.run(serviceOnlyInputs))
  },
  { start: 'empty' },
)

scenario(
  'another helm starts while this run reads: rejected with nothing changed',
  async (scenario) => {
    const { environment } = scenario
    await upgradeRelease(environment)
    let releaseRequest = (): void => undefined
    environment.requestLog.injectFault({
      service: 'charts',
      operation: 'GET /index.yaml',
      gate: new Promise((resolve) => (releaseRequest = resolve)),
      times: 1,
    })
    const repositoryContacted = environment.requestLog.nextRequest(
      ({ service: part }) => part === 'charts',
    )
    const rejection = expectFailureWithoutWrites(scenario, {}, 'release-pending')
    await repositoryContacted
    await setPending(environment, 2, new Date())
    releaseRequest()
    expect(await rejection).toContain('Another helm operation started during this run')
  },
)

scenario('an installation or uninstallation that never finished: what to do', async (scenario) => {
  await setPending(scenario.environment, 1, new Date(Date.now() - 3 * 3_600_000), 'pending-install')
  const text = await expectFailureWithoutWrites(scenario, {}, 'release-pending')
  for (const part of ['for 3 hours', 'no revision to roll back to']) expect(text).toContain(part)
  await setPending(scenario.environment, 1, new Date(), 'uninstalling')
  expect(await expectFailureWithoutWrites(scenario, {}, 'release-pending')).toContain(
    'and the release should stay, run "helm rollback milvus-demo 1 -n milvus --wait"',
  )
})

scenario('another chart version is previewed, and applied only when allowed', async (scenario) => {
  const text = await expectFailureWithoutWrites(
    scenario,
    { 'chart-version': '5.0.19' },
    'release-changes-more',
  )
  for (const part of [
    'from chart 4.2.58 (Milvus 2.5.16) to 5.0.19 (Milvus 2.6.15)',
    'Deployment milvus-demo-standalone',
    'only from 2.5.16 or later with mixCoordinator on',
  ])
    expect(text).toContain(part)
  const allowed = expectSuccess(
    await scenario.run({ 'chart-version': '5.0.19', ...allowChartChange }),
  )
  expect(allowed.summary).toContain(
    'Chart 4.2.58 (Milvus 2.5.16) to 5.0.19 (Milvus 2.6.15): helm would',
  )
  expectUnchanged(await scenario.run({ 'chart-version': '5.0.19' }))
})

const createExtraTemplate = (kind: string, body: string): Record<string, string> => ({
  'templates/extra.yaml': `{{- if ne (.Values.extra | default "on") "off" }}\n${kind}\nmetadata:\n  name: {{ .Release.Name }}-extra\n  namespace: {{ .Release.Namespace }}\n${body}{{- end }}\n`,
})
const configMap = createExtraTemplate('apiVersion: v1\nkind: ConfigMap', 'data: {a: b}\n')

scenario('a chart republished under its version is rejected unless allowed', async (scenario) => {
  await scenario.environment.chartRepository.publish('4.2.58', '2.5.16', configMap)
  const text = await expectFailureWithoutWrites(scenario, serviceOnlyInputs, 'release-changes-more')
  expect(text).toContain(
    'Chart milvus 4.2.58 is not the one that release milvus-demo was installed with: any upgrade with it would add ConfigMap milvus-demo-extra,',
  )
  const allowed = expectSuccess(await scenario.run({ ...serviceOnlyInputs, ...allowChartChange }))
  expect(allowed.log).toContain(
    'helm would add ConfigMap milvus-demo-extra; change Service milvus-demo',
  )
})

scenario(
  'values that would delete unrelated objects are rejected, with names and without values',
  async (scenario) => {
    const { environment } = scenario
    await environment.chartRepository.publish('4.2.58', '2.5.16', configMap)
    await upgradeRelease(environment)
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: 'extra: "off"' },
      'release-changes-more',
    )
    expect(text).toContain('ConfigMap milvus-demo-extra is more than setting values')
    expectSuccess(await scenario.run({ values: 'extra: "off"', ...allowChartChange }))
    expect(await getObject(environment, 'configmap', 'milvus-demo-extra')).toBeUndefined()
  },
)

scenario(
  'a chart version missing from the repository, and a local copy that works',
  async (scenario) => {
    const { environment, run } = scenario
    environment.chartRepository.unpublish('4.2.58')
    expect(await expectFailureWithoutWrites(scenario, {}, 'chart-not-found')).toContain(
      'chart "milvus" version "4.2.58" not found',
    )
    const text = await expectFailureWithoutWrites(
      scenario,
      { 'chart-version': '9.9.9' },
      'chart-not-found',
    )
    expect(text).toContain('set chart-version to an available version')
    const chart = join(environment.directory, 'milvus.tgz')
    await writeFile(chart, await buildMilvusChart('5.0.19'))
    expect(await expectFailureWithoutWrites(scenario, { chart }, 'release-changes-more')).toContain(
      'to 5.0.19',
    )
    await writeFile(chart, await buildMilvusChart('4.2.58'))
    expectSuccess(await run({ chart }))
  },
)

scenario(
  'a repository that is down, broken, not a repository, or interrupted',
  async (scenario) => {
    const { chartRepository: charts, requestLog: traffic } = scenario.environment
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { 'chart-repository': 'http://127.0.0.1:1' },
        'chart-repository-unreachable',
      ),
    ).toContain('connection refused')
    const error = { status: 503, code: '', message: 'away' }
    for (const [fault, expectedText] of [
      [{ operation: 'GET /index.yaml', error }, `Run the job again when ${charts.url} answers`],
      [{ operation: /tgz$/, reset: true }, 'EOF'],
      [
        { operation: 'GET /index.yaml', error: { ...error, status: 404 } },
        `There is no chart repository at ${charts.url}`,
      ],
    ] as const) {
      const removeFault = traffic.injectFault({ service: 'charts', ...fault })
      expect(
        await expectFailureWithoutWrites(scenario, {}, 'chart-repository-unreachable'),
      ).toContain(expectedText)
      removeFault()
    }
    expectSuccess(await scenario.run())
  },
)

const chartCredentials = { 'chart-username': 'charts', 'chart-password': 'canary-71d0c2f4-chart' }

scenario(
  'a private repository rejects missing and wrong credentials, and its password is sent nowhere else',
  async (scenario) => {
    scenario.environment.chartRepository.credentials = {
      username: 'charts',
      password: chartCredentials['chart-password'],
    }
    expect(
      await expectFailureWithoutWrites(scenario, {}, 'chart-repository-unreachable'),
    ).toContain('Set chart-username and chart-password')
    expect(
      await expectFailureWithoutWrites(
        scenario,
        { ...chartCredentials, 'chart-password': 'canary-of-another' },
        'chart-repository-unreachable',
      ),
    ).toContain('rejects chart-username and chart-password')
    expectSuccess(await scenario.run(chartCredentials))
  },
)

scenario(
  'a private OCI registry rejects missing credentials, and works with them',
  async (scenario) => {
    const { environment } = scenario
    const registry = await startChartRegistry({
      requestLog: environment.requestLog,
      authority: environment.certificateAuthority,
      credentials: { username: 'charts', password: chartCredentials['chart-password'] },
      version: '4.2.58',
    })
    try {
      const chart = registry.reference
      expect(
        await expectFailureWithoutWrites(scenario, { chart }, 'chart-repository-unreachable'),
      ).toContain('Set chart-username and chart-password')
      expect(
        await expectFailureWithoutWrites(
          scenario,
          { chart: chart.replace('charts/milvus', 'other/milvus'), ...chartCredentials },
          'chart-not-found',
        ),
      ).toContain('not found')
      expect(
        listChanges(expectSuccess(await scenario.run({ chart, ...chartCredentials }))),
      ).toContain('release service.type')
    } finally {
      await registry.close()
    }
  },
)

scenario(
  'a Service managed by Argo CD, Flux or the Milvus Operator: an upgrade is rejected, and nothing to change is a note',
  async (scenario) => {
    const { environment, run } = scenario
    const runKubectl = (...what: string[]): Promise<string> => environment.kubectl(...what)
    for (const [addMark, removeMark, expectedText] of [
      [
        [
          'annotate',
          'service',
          'milvus-demo',
          'argocd.argoproj.io/tracking-id=vectors:/Service:milvus/milvus-demo',
        ],
        ['annotate', 'service', 'milvus-demo', 'argocd.argoproj.io/tracking-id-'],
        'Argo CD (Application vectors)',
      ],
      [
        ['label', 'service', 'milvus-demo', 'argocd.argoproj.io/instance=vectors'],
        ['label', 'service', 'milvus-demo', 'argocd.argoproj.io/instance-'],
        'Argo CD (Application vectors)',
      ],
      [
        ['label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name=milvus'],
        ['label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name-'],
        'Flux (HelmRelease milvus)',
      ],
    ] as const) {
      await runKubectl(...addMark)
      const text = await expectFailureWithoutWrites(scenario, {}, 'release-managed-elsewhere')
      for (const part of [expectedText, 'set service: milvus-demo instead of release'])
        expect(text).toContain(part)
      await runKubectl(...removeMark)
    }
    expectSuccess(await run())
    await runKubectl('label', 'service', 'milvus-demo', 'helm.toolkit.fluxcd.io/name=milvus')
    const unchangedRun = await run()
    expectUnchanged(unchangedRun)
    expect(unchangedRun.summary).toContain(
      'is managed by Flux (HelmRelease milvus), and needs no change',
    )
  },
)

scenario(
  'a Milvus without a Helm release: the message names the Service to set',
  async (scenario) => {
    await createMilvusObjects(scenario.environment, 'operated')
    await scenario.environment.kubectl(
      'label',
      'service',
      'operated',
      'app.kubernetes.io/managed-by=milvus-operator',
    )
    expect(await expectFailureWithoutWrites(scenario, {}, 'release-not-found')).toContain(
      'set service to its Service, probably operated (of the Milvus Operator)',
    )
  },
  { start: 'empty' },
)

scenario(
  'names and a port overridden by the values of the release',
  async ({ environment, run }) => {
    await environment.installMilvus({
      values: { fullnameOverride: 'vec', nameOverride: 'vectors' },
    })
    await environment.helm(
      'upgrade',
      'milvus-demo',
      'milvus',
      '--repo',
      environment.chartRepository.url,
      '--version',
      '4.2.58',
      '--reuse-values',
      '--set',
      'service.port=19999',
      '--set',
      'service.portName=grpc',
    )
    expect(
      getErrorAnnotation(expectFailure(await run(), 'preflight', 'service-port-not-found')),
    ).toContain('19999 (grpc)')
    expectSuccess(await run({ 'service-port': '19999' }))
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toMatchObject({
      spec: {
        rules: [
          { http: { paths: [{ backend: { service: { name: 'vec', port: { number: 19999 } } } }] } },
        ],
      },
    })
  },
  { start: 'empty' },
)

scenario(
  'errors of helm during an upgrade, each with its own remedy',
  async ({ environment, run }) => {
    for (const [status, reason, message, code, expectedText] of [
      [
        500,
        'InternalError',
        'Internal error occurred: failed calling webhook "mservice.elbv2.k8s.aws": failed to call webhook: Post "https://aws-load-balancer-webhook-service.kube-system.svc:443/mutate-v1-service?timeout=10s": no endpoints available for service "aws-load-balancer-webhook-service"',
        'controller-webhook-unavailable',
        'Check that the AWS Load Balancer Controller is running',
      ],
      [
        403,
        'Forbidden',
        'admission webhook "validate.kyverno.svc-fail" denied the request: no',
        'helm-upgrade-failed',
        'A policy of the cluster rejects the upgrade',
      ],
      [
        409,
        'Conflict',
        'Operation cannot be fulfilled on services "milvus-demo": the object has been modified; please apply your changes to the latest version and try again',
        'helm-upgrade-failed',
        'modified by someone else at the same time',
      ],
      [
        403,
        'Forbidden',
        'services "milvus-demo" is forbidden: User "runner" cannot patch resource "services" in API group "" in the namespace "milvus"',
        'cluster-forbidden',
        'docs/permissions/rbac.yaml',
      ],
    ] as const) {
      const removeFault = environment.requestLog.injectFault({
        service: 'kubernetes',
        operation: 'PATCH /api/v1/namespaces/milvus/services/milvus-demo',
        error: { status, code: reason, message },
      })
      expect(getErrorAnnotation(expectFailure(await run(), 'release', code))).toContain(
        expectedText,
      )
      removeFault()
    }
    expectSuccess(await run())
  },
)

scenario(
  'values that the chart cannot render are rejected before anything is changed',
  async (scenario) => {
    await scenario.environment.chartRepository.publish('4.2.58', '2.5.16', {
      'templates/guard.yaml':
        '{{- if eq .Values.standalone.messageQueue "none" }}{{ fail "Milvus needs a message queue" }}{{ end }}\n',
    })
    const text = await expectFailureWithoutWrites(
      scenario,
      { values: 'standalone: {messageQueue: none}' },
      'helm-upgrade-failed',
    )
    for (const part of ['needs a message queue', 'Correct values']) expect(text).toContain(part)
  },
)

scenario('a failed hook is named with its log', async ({ environment, run }) => {
  const hookTemplate =
    'apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-check\n  namespace: {{ .Release.Namespace }}\n  annotations: {helm.sh/hook: pre-upgrade}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: check, image: busybox}]}}}\n'
  await environment.chartRepository.publish('4.2.58', '2.5.16', {
    'templates/hook.yaml': hookTemplate,
  })
  environment.pausePodReadiness() // The run with the hook would succeed.
  const result = expectFailure(
    await run({ 'release-timeout': '1s' }),
    'release',
    'helm-hook-failed',
  )
  expect(getErrorAnnotation(result)).toContain('kubectl logs job/NAME -n milvus')
})

for (const helm of [4, 3] as const) {
  scenario(
    `helm ${helm}: a null in values removes a chart default, once`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ serviceType: 'ClusterIP' })
      const values = { values: 'standalone: {persistence: {annotations: null}}' }
      const getClaimAnnotations = async (): Promise<unknown> =>
        (await getObject(environment, 'persistentvolumeclaim', 'milvus-demo'))?.metadata.annotations
      expect(await getClaimAnnotations()).toMatchObject({ 'helm.sh/resource-policy': 'keep' })
      expect(listChanges(expectSuccess(await run(values)))).toContain(
        'release values.standalone.persistence.annotations',
      )
      expect(await getClaimAnnotations()).not.toHaveProperty('helm.sh/resource-policy')
      expectUnchanged(await run(values))
    },
    { start: 'empty' },
  )

  scenario(
    `helm ${helm}: a Service patched with kubectl: the release's values are updated, so that no later upgrade recreates the load balancer`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus()
      await environment.kubectl(
        'patch',
        'service',
        'milvus-demo',
        '--type',
        'merge',
        '-p',
        '{"spec":{"type":"ClusterIP","loadBalancerSourceRanges":null}}',
      )
      const result = expectSuccess(await run(serviceOnlyInputs))
      expect(listChanges(result)).toContain('release service.type')
      expect(result.outputs['changes']).toContain(
        'the next helm upgrade would make it LoadBalancer again',
      )
      expect(await environment.helm('get', 'values', 'milvus-demo')).toContain('type: ClusterIP')
      expectUnchanged(await run(serviceOnlyInputs))
    },
    { start: 'empty' },
  )

  scenario(
    `helm ${helm}: a history of more than ten revisions is kept, unless HELM_MAX_HISTORY limits it`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus()
      const countRevisions = async (): Promise<number> =>
        (await environment.kubectl('get', 'secrets', '-l', 'owner=helm', '-o', 'name'))
          .trim()
          .split('\n').length
      for (let revision = 2; revision <= 11; revision++)
        await environment.helm(
          'upgrade',
          'milvus-demo',
          'milvus',
          '--repo',
          environment.chartRepository.url,
          '--version',
          '4.2.58',
          '--reuse-values',
          '--history-max',
          '0',
        )
      expect(await countRevisions()).toBe(11)
      expectSuccess(await run(serviceOnlyInputs))
      expect(await countRevisions()).toBe(12)
      expectSuccess(
        await run({ values: 'proxy: {replicas: 2}' }, { env: { HELM_MAX_HISTORY: '5' } }),
      )
      expect(await countRevisions()).toBe(5)
    },
    { start: 'empty' },
  )
}

scenario(
  'a release installed by helm 3: force-conflicts applies to the Ingress, and helm 4 stays client-side',
  async ({ environment, run }) => {
    const values = join(environment.directory, 'values.json')
    await writeFile(values, JSON.stringify(modeValues.standalone))
    const chart = [
      'milvus-demo',
      'milvus',
      '--repo',
      environment.chartRepository.url,
      '--version',
      '4.2.58',
      '--namespace',
      environment.namespace,
    ]
    await promisify(execFile)(
      await installHelm3(),
      ['install', ...chart, '--values', values, '--set', 'service.type=LoadBalancer', '--wait'],
      { env: { HOME: environment.directory, KUBECONFIG: environment.kubeconfig } },
    )
    await environment.overrideAlb({ fixedStatus: 504 })
    const failed = await run({
      ...serviceOnlyInputs,
      'force-conflicts': 'true',
      'on-failure': 'rollback',
      'probe-timeout': '1s',
    })
    expectFailure(failed, 'probe', 'probe-target-timeout')
    expect(await getObject(environment, 'service', 'milvus-demo')).toMatchObject({
      spec: { type: 'LoadBalancer' },
    })
    await environment.overrideAlb({ fixedStatus: undefined })
    expectSuccess(await run({ ...serviceOnlyInputs, 'force-conflicts': 'true' }))
    expect(
      (await environment.helmCalls()).filter((call) => call.includes('--force-conflicts')),
    ).toEqual([])
  },
  { start: 'empty' },
)

/** Puts a revision into the state that a killed helm leaves. */
async function setPending(
  environment: TestEnvironment,
  revision: number,
  startedAt: Date,
  status = 'pending-upgrade',
): Promise<void> {
  const name = `sh.helm.release.v1.milvus-demo.v${revision}`
  const revisionSecret = await getObject(environment, 'secret', name)
  if (!revisionSecret) throw new Error(`helm kept no revision ${revision}`)
  const release = JSON.parse(
    decodeRelease(String((revisionSecret['data'] as Record<string, string>)['release'])),
  ) as { info: { status: string; last_deployed: string } }
  Object.assign(release.info, { status, last_deployed: startedAt.toISOString() })
  await replaceObject(environment, {
    ...revisionSecret,
    metadata: { ...revisionSecret.metadata, labels: { ...revisionSecret.metadata.labels, status } },
    data: { release: encodeRelease(JSON.stringify(release)) },
  })
  if (revision === 1) return
  // helm marks the previous revision as superseded only at the end of an upgrade.
  const previousSecret = await getObject(environment, 'secret', 'sh.helm.release.v1.milvus-demo.v1')
  if (previousSecret)
    await replaceObject(environment, {
      ...previousSecret,
      metadata: {
        ...previousSecret.metadata,
        labels: { ...previousSecret.metadata.labels, status: 'deployed' },
      },
    })
}

/**
 * Decodes and encodes the JSON that helm stores in a Secret: base64 by the API, base64 and gzip by
 * helm.
 */
const decodeRelease = (data: string): string =>
  gunzipSync(Buffer.from(Buffer.from(data, 'base64').toString(), 'base64')).toString()
const encodeRelease = (text: string): string =>
  Buffer.from(gzipSync(text).toString('base64')).toString('base64')
