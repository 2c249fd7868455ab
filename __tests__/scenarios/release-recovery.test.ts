/**
 * After a killed, cancelled or rolled back upgrade, the next run leaves the release in the
 * undisturbed state. In cluster mode, between two versions of the chart with different objects,
 * with both major versions of helm.
 */
import { exec, type ChildProcess } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { killProcessTree } from '../../testing/process-tree.ts'
import { takeSnapshot } from '../../simulator/snapshot.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { expireLease, listNormalizedObjects } from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  labScenario,
  simulatorScenario,
  scenario,
  setDefaultStart,
} from './harness.ts'

setDefaultStart('empty')

const unchangedInputs = { values: '' }
const upgradeInputs = {
  'chart-version': '5.0.19',
  'allow-chart-change': 'true',
  values: 'attu: {enabled: true}\nservice: {labels: {team: search}}',
}

/** A request of helm. */
const isHelmRequest =
  (operation: RegExp) =>
  ({ userAgent: client, ...request }: RecordedRequest): boolean =>
    client.startsWith('Helm') && operation.test(request.operation)

/**
 * Right after the old load balancer is deleted; and when everything is applied, but nothing is
 * deleted yet.
 */
const interruptions = {
  'at the Service': isHelmRequest(/^PATCH .*\/services\/milvus-demo$/),
  'before what goes is deleted': isHelmRequest(/^DELETE /),
}

const killWhen = (environment: TestEnvironment, moment: (request: RecordedRequest) => boolean) => {
  const reached = environment.requestLog.nextRequest(moment)
  return {
    skipPost: true,
    onStart: ({ pid = 0 }: ChildProcess) =>
      void reached.then(() => {
        killProcessTree(pid)
      }),
  }
}
const cancelWhen = (
  environment: TestEnvironment,
  moment: (request: RecordedRequest) => boolean,
) => {
  const reached = environment.requestLog.nextRequest(moment)
  return { onStart: (child: ChildProcess) => void reached.then(() => child.kill('SIGINT')) }
}

/** helm applies before it deletes. */
const admissionFault = {
  service: 'kubernetes',
  operation: /^PATCH .*\/statefulsets\//,
  userAgent: /^Helm/,
  error: {
    status: 403,
    code: 'Forbidden',
    message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no',
  },
} as const

const listHistory = async (environment: TestEnvironment): Promise<string[]> =>
  (
    JSON.parse(await environment.helm('history', 'milvus-demo', '-o', 'json')) as {
      revision: number
      status: string
      chart: string
    }[]
  ).map(({ revision, status, chart }) => `${revision} ${status} ${chart}`)

for (const helm of [3, 4] as const) {
  simulatorScenario(
    'the cluster is set back to where it began',
    `helm ${helm}: after a killed or cancelled upgrade, the next run reaches the undisturbed state`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      const restoreSnapshot = takeSnapshot(environment)
      const expected = new Map<object, Record<string, object>>()
      for (const inputs of [unchangedInputs, upgradeInputs]) {
        expectSuccess(await run(inputs))
        expected.set(inputs, await listNormalizedObjects(environment))
        await restoreSnapshot()
      }
      for (const [ending, name, nextInputs] of [
        ['killed', 'at the Service', upgradeInputs],
        ['killed', 'before what goes is deleted', unchangedInputs],
        ['cancelled', 'at the Service', unchangedInputs],
        ['cancelled', 'before what goes is deleted', upgradeInputs],
      ] as const) {
        const interruptedRun = await runAction(
          environment,
          upgradeInputs,
          ending === 'killed'
            ? killWhen(environment, interruptions[name])
            : cancelWhen(environment, interruptions[name]),
        )
        expect({ end: ending, name, code: interruptedRun.outputs['failure-code'] }).toEqual({
          end: ending,
          name,
          code: ending === 'killed' ? undefined : 'cancelled',
        })
        if (ending === 'killed') await expireLease(environment)
        const requestOffset = environment.requestLog.requests.length
        const result = expectSuccess(await run(nextInputs))
        expect(listChanges(result)).toContain('release status')
        expect({ end: ending, name, objects: await listNormalizedObjects(environment) }).toEqual({
          end: ending,
          name,
          objects: expected.get(nextInputs),
        })
        expect(await listHistory(environment)).toEqual([
          '1 superseded milvus-4.2.58',
          '2 failed milvus-5.0.19',
          `3 deployed milvus-${nextInputs === upgradeInputs ? '5.0.19' : '4.2.58'}`,
        ])
        // The old load balancer is not recreated.
        const services = environment.requestLog.requests
          .slice(requestOffset)
          .filter(isHelmRequest(/^(PATCH|PUT) .*\/services\/milvus-demo$/))
        if (name === 'at the Service')
          expect(services.filter(({ body }) => body.includes('"type":"LoadBalancer"'))).toEqual([])
        await restoreSnapshot()
      }
    },
  )

  simulatorScenario(
    'the cluster is set back to where it began',
    `helm ${helm}: on-failure: rollback of an upgrade that failed before helm deleted anything, or after helm finished`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      const restoreSnapshot = takeSnapshot(environment)
      expectSuccess(await run(upgradeInputs))
      const deployed = await listNormalizedObjects(environment)
      await restoreSnapshot()
      // The differences that any upgrade makes to an installation.
      await environment.helm(
        'upgrade',
        'milvus-demo',
        'milvus',
        '--repo',
        environment.chartRepository.url,
        '--version',
        '4.2.58',
        '--reuse-values',
        '--wait',
      )
      const before = await listNormalizedObjects(environment)
      await restoreSnapshot()
      const rollback = { ...upgradeInputs, 'on-failure': 'rollback', 'probe-timeout': '1s' }
      const objects = Array.from({ length: 4 }, () => 'release object')
      for (const [step, code] of [
        ['release', 'helm-upgrade-failed'],
        ['probe', 'probe-target-failed'],
      ] as const) {
        const removeFault =
          step === 'release'
            ? environment.requestLog.injectFault({ ...admissionFault, times: 1 })
            : () => undefined
        await environment.overrideAlb({ fixedStatus: step === 'probe' ? 502 : undefined })
        const result = expectFailure(await run(rollback), step, code)
        removeFault()
        await environment.overrideAlb({ fixedStatus: undefined })
        expect(getErrorAnnotation(result)).not.toContain('rollback is incomplete')
        // Beside what helm reverts: an object that only the failed revision contains and, if helm
        // applies client-side, a field.
        const cleared = listChanges(result)
          .filter((change) => /^release (object|metadata)/.test(change))
          .sort()
        const orphanedFields = helm === 3 ? ['release metadata.labels.team'] : []
        expect({ step, cleared }).toEqual({
          step,
          cleared: step === 'probe' ? [] : [...orphanedFields, ...objects],
        })
        expect({ step, objects: await listNormalizedObjects(environment) }).toEqual({
          step,
          objects: before,
        })
        expect((await listHistory(environment)).at(-1)).toBe('3 deployed milvus-4.2.58')
        expect(result.outputs['release-revision']).toBe('3')
        if (step === 'release') {
          expectSuccess(await run(upgradeInputs))
          expect(await listNormalizedObjects(environment)).toEqual(deployed)
        }
        await restoreSnapshot()
      }
    },
  )

  labScenario(
    'the simulator plays more of it',
    `helm ${helm}: on a real API server, a killed upgrade and a rolled back one leave nothing behind`,
    async ({ environment, run }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode: 'cluster' })
      expectSuccess(await run(unchangedInputs))
      const before = await listNormalizedObjects(environment)
      await runAction(
        environment,
        upgradeInputs,
        killWhen(environment, interruptions['before what goes is deleted']),
      )
      await expireLease(environment)
      expect(listChanges(expectSuccess(await run(unchangedInputs)))).toContain('release status')
      expect(await listNormalizedObjects(environment)).toEqual(before)
      environment.requestLog.injectFault({ ...admissionFault, times: 1 })
      expectFailure(
        await run({ ...upgradeInputs, 'on-failure': 'rollback' }),
        'release',
        'helm-upgrade-failed',
      )
      expect(await listNormalizedObjects(environment)).toEqual(before)
      expect((await listHistory(environment)).at(-1)).toMatch(/deployed milvus-4\.2\.58$/)
    },
  )
}

scenario(
  'an upgrade whose last write was lost because the API was unavailable is completed',
  async ({ environment, run }) => {
    await environment.installMilvus({ mode: 'cluster' })
    const removeFault = environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: /^PUT .*\/secrets\/sh\.helm\.release\.v1\.milvus-demo\.v2$/,
      userAgent: /^Helm/,
      error: { status: 500, code: 'InternalError', message: 'the server is away' },
    })
    expectFailure(await run(unchangedInputs), 'release', 'helm-upgrade-failed')
    removeFault()
    expect(await listHistory(environment)).toEqual([
      '1 superseded milvus-4.2.58',
      '2 pending-upgrade milvus-4.2.58',
    ])
    expect(listChanges(expectSuccess(await run(unchangedInputs)))).not.toContain(
      'release service.type',
    )
    expect(await listHistory(environment)).toEqual([
      '1 superseded milvus-4.2.58',
      '2 deployed milvus-4.2.58',
    ])
  },
)

/** A ConfigMap that the chart adds with attu. */
const renderConfigMapTemplate = (name: string, annotations: string): string =>
  `{{- if .Values.attu.enabled }}\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Release.Name }}-${name}, annotations: ${annotations}}\ndata: {a: b}\n{{- end }}\n`

scenario(
  'a rollback keeps claims and resources with the keep policy',
  async ({ environment, run }) => {
    await environment.chartRepository.publish('4.2.58', '2.5.16', {
      'templates/kept.yaml': renderConfigMapTemplate('kept', '{helm.sh/resource-policy: keep}'),
      'templates/extra.yaml': renderConfigMapTemplate('extra', '{}'),
    })
    await environment.installMilvus({ values: { standalone: { persistence: { enabled: false } } } })
    environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: /^PATCH .*\/deployments\//,
      userAgent: /^Helm/,
      times: 1,
      error: {
        status: 403,
        code: 'Forbidden',
        message: 'admission webhook "validate.kyverno.svc-fail" denied the request: no',
      },
    })
    const values =
      'attu: {enabled: true}\nstandalone: {persistence: {enabled: true, annotations: null}}'
    expectFailure(
      await run({ values, 'allow-chart-change': 'true', 'on-failure': 'rollback' }),
      'release',
      'helm-upgrade-failed',
    )
    const objects = Object.keys(await listNormalizedObjects(environment))
    expect(objects).toEqual(
      expect.arrayContaining(['ConfigMap milvus-demo-kept', 'PersistentVolumeClaim milvus-demo']),
    )
    expect(objects.filter((object) => /-extra|-attu/.test(object))).toEqual([])
  },
)

simulatorScenario(
  'the chart is unpublished',
  'a rollback whose chart is unavailable is announced before the first change, and the printed command works',
  async ({ environment, run }) => {
    await environment.installMilvus({ mode: 'cluster' })
    environment.chartRepository.unpublish('4.2.58')
    await environment.overrideAlb({ fixedStatus: 502 })
    const result = expectFailure(
      await run({ ...upgradeInputs, 'on-failure': 'rollback', 'probe-timeout': '1s' }),
      'probe',
      'probe-target-failed',
    )
    expect(result.log).toContain('Chart 4.2.58 of revision 1 is not available')
    expect(result.log.indexOf('Chart 4.2.58 of revision 1 is not available')).toBeLessThan(
      result.log.indexOf('✓ certificate'),
    )
    const command =
      /roll back manually: "(helm get values [^"]+)"/.exec(getErrorAnnotation(result))?.[1] ?? ''
    await environment.chartRepository.publish('4.2.58')
    await promisify(exec)(command, {
      cwd: environment.directory,
      env: {
        ...environment.runnerEnv(),
        HOME: environment.directory,
        KUBECONFIG: environment.kubeconfig,
      },
    })
    expect((await listHistory(environment)).at(-1)).toBe('3 deployed milvus-4.2.58')
    expect(await environment.helm('get', 'values', 'milvus-demo', '--revision', '3')).toEqual(
      await environment.helm('get', 'values', 'milvus-demo', '--revision', '1'),
    )
  },
)
