/**
 * The releases that Milvus' chart creates: each version and mode, with both major versions of Helm.
 * `npm run matrix` runs all of them and writes docs/compatibility.md. The tests run those that
 * differ most.
 */
import { appendFileSync } from 'node:fs'
import { expect } from '@jest/globals'
import { type InstallationMode, modeValues } from '../../simulator/charts/installation-modes.ts'
import type { HelmMajorVersion } from '../../testing/cli-tools.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('empty')

/** A release before the action's first run. */
interface InitialRelease {
  readonly chart: string
  readonly mode: InstallationMode
  readonly helm: HelmMajorVersion
}

const initialReleases: readonly InitialRelease[] = ['4.0.34', '4.1.36', '4.2.58', '5.0.19'].flatMap(
  (chart) =>
    (Object.keys(modeValues) as InstallationMode[]).flatMap((mode) =>
      ([4, 3] as const).map((helm) => ({ chart, mode, helm })),
    ),
)

const isFullMatrix = process.env['MATRIX'] === 'whole'

const isMostDifferent = ({ chart, mode }: InitialRelease): boolean =>
  chart === '4.2.58' && mode === 'cluster'

for (const initialRelease of initialReleases.filter(
  (each) => isFullMatrix || isMostDifferent(each),
)) {
  const { chart, mode, helm } = initialRelease
  scenario(
    `chart ${chart}, ${mode}, Helm ${helm}: deployed without any input for its chart, checked, destroyed`,
    async ({ environment, run, writes }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ mode, chartVersion: chart })
      // These values must not change.
      const inputs = { values: '' }
      const restartNotice =
        mode === 'standalone'
          ? undefined
          : 'restart pods: StatefulSet milvus-demo-etcd: 3 pods, one after the other'
      const checkResult = await run({ ...inputs, mode: 'check', 'probe-timeout': '1s' })
      expect(checkResult.summary).toContain(
        restartNotice === undefined
          ? 'This check cannot tell which pods the upgrade would restart: a check does not render the chart'
          : `The upgrade would ${restartNotice}. Every first upgrade of this release does so.`,
      )
      const deployResult = expectSuccess(await run(inputs))
      expect(listChanges(deployResult).filter((change) => change.startsWith('release'))).toEqual([
        'release service.type',
      ])
      if (restartNotice === undefined) expect(deployResult.summary).not.toContain('restarts pods')
      else
        expect(deployResult.summary).toContain(
          `The upgrade ${restartNotice.replace('restart', 'restarts')}; `,
        )
      expectUnchanged(await run(inputs))
      expect(writes()).toEqual([])
      expect(expectSuccess(await run({ ...inputs, mode: 'check' })).outputs['drift']).toBe('false')
      // In cluster mode the annotations of the EKS guide assign the Service to the AWS Load
      // Balancer Controller.
      if (mode === 'cluster')
        expect(deployResult.summary).toContain(
          'The controller may keep it when the Service becomes ClusterIP',
        )
      expectSuccess(
        await run({
          ...inputs,
          mode: 'destroy',
          'restore-service-type': 'LoadBalancer',
          ...(mode === 'cluster' ? {} : { 'restore-load-balancer-class': 'service.k8s.aws/nlb' }),
        }),
      )
      const [service, release] = await Promise.all([
        environment.kubectl('get', 'service', 'milvus-demo', '-o', 'jsonpath={.spec.type}'),
        environment.helm('get', 'metadata', 'milvus-demo', '-o', 'json'),
      ])
      expect({ service, release: JSON.parse(release) as object }).toMatchObject({
        service: 'LoadBalancer',
        release: { version: chart, status: 'deployed' },
      })
      const file = process.env['MATRIX_RECORD'] ?? ''
      if (file !== '') appendFileSync(file, `${JSON.stringify(initialRelease)}\n`)
    },
  )
}

for (const helm of [4, 3] as const) {
  scenario(
    `Helm ${helm}: an unready pod beside Milvus does not block a change of the Service, and is named before any other change`,
    async ({ environment, run, writes }) => {
      await environment.useHelm(helm)
      await environment.installMilvus({ values: { attu: { enabled: true } } })
      const release = environment.pausePodReadiness()
      await environment.kubectl('delete', 'pods', '--selector', 'component=attu', '--wait=false')
      await environment.kubectl(
        'wait',
        'deployment/milvus-demo-attu',
        '--for=jsonpath={.status.unavailableReplicas}=1',
        '--timeout=30s',
      )
      const failedRun = expectFailure(
        await run({ values: 'minio: {bucketName: other}' }),
        'preflight',
        'release-not-ready',
      )
      expect(getErrorAnnotation(failedRun)).toContain(
        'Deployment milvus-demo-attu (0 of 1 pods ready)',
      )
      expect(writes()).toEqual([])
      expectSuccess(await run({ values: '' }))
      release()
    },
  )
}
