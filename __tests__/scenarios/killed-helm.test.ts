/** The next run completes what a killed run or an interrupted Helm process left pending. */
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { isRunning, killProcess, listProcessTree } from '../../testing/process-tree.ts'
import { runAction } from '../../testing/run-action.ts'
import { waitUntil } from '../../testing/wait.ts'
import { nextRollout } from './awaited-requests.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { scenario, simulatorScenario } from './harness.ts'
import { getLatestRevision, listHistory } from './helm-manual-operations.ts'
import { killWhen } from './interruptions.ts'
import { expireLease } from './manual-operations.ts'
import { chartUpgradeInputs, serviceOnlyInputs } from './run-inputs.ts'
import { describeRun, runOptions } from './workflow-runs.ts'

scenario(
  'killed while Helm runs: the next run waits until the Lease expires, and completes the upgrade',
  async ({ environment, run }) => {
    const releasePods = environment.pausePodReadiness()
    await runAction(environment, chartUpgradeInputs, {
      ...runOptions(1),
      ...killWhen(nextRollout(environment)),
    })
    expect(await getLatestRevision(environment)).toEqual(
      expect.objectContaining({ revision: 2, status: 'pending-upgrade' }),
    )
    releasePods()
    expect(
      getErrorAnnotation(
        expectFailure(
          await run({ ...chartUpgradeInputs, 'lock-timeout': '1s' }),
          'preflight',
          'locked-by-another-run',
        ),
      ),
    ).toContain(describeRun(1))
    await expireLease(environment)
    const result = expectSuccess(await run(chartUpgradeInputs, runOptions(2)))
    expect(listChanges(result)).toContain('release status')
    expect(await getLatestRevision(environment)).toEqual(
      expect.objectContaining({ revision: 3, status: 'deployed' }),
    )
    expectUnchanged(await run(chartUpgradeInputs))
  },
)

scenario(
  'killed while Helm runs, and inputs changed since: the next run upgrades from the last deployed revision',
  async ({ environment, run }) => {
    const releasePods = environment.pausePodReadiness()
    await runAction(environment, chartUpgradeInputs, killWhen(nextRollout(environment)))
    releasePods()
    await expireLease(environment)
    // A removal does not need the release, and must not drop the record of its pending revision.
    const removal = expectSuccess(await run({ mode: 'destroy', release: 'milvus-demo' }))
    expect(removal.summary).toContain('a killed run left release milvus-demo pending-upgrade')
    const changes = listChanges(expectSuccess(await run({ values: 'minio: {bucketName: other}' })))
    expect(changes).toEqual(
      expect.arrayContaining(['release status', 'release values.minio.bucketName']),
    )
    // The release already has the desired state, and keeps it.
    expect(changes).not.toContain('release service.type')
    expect(await getLatestRevision(environment)).toEqual(
      expect.objectContaining({ revision: 3, status: 'deployed' }),
    )
    expect(
      JSON.parse(await environment.helm('get', 'metadata', 'milvus-demo', '-o', 'json')),
    ).toMatchObject({ version: '4.2.58' })
  },
)

simulatorScenario(
  'a pending revision of someone else is only explained, although a run of this action died too',
  'it creates a revision in the simulated API directly',
  async ({ environment, run }) => {
    environment.pausePodReadiness()
    await runAction(environment, chartUpgradeInputs, killWhen(nextRollout(environment)))
    await expireLease(environment)
    // As after a later manual `helm upgrade`, whose revisions keep the action's label.
    const secret = environment.kubernetes.get(
      'Secret',
      environment.namespace,
      'sh.helm.release.v1.milvus-demo.v2',
    )
    if (!secret) throw new Error('there is no revision 2')
    const { namespace = '', labels } = secret.metadata
    environment.kubernetes.create({
      ...secret,
      metadata: {
        namespace,
        name: 'sh.helm.release.v1.milvus-demo.v3',
        labels: { ...labels, version: '3' },
      },
    })
    expectFailure(await run(chartUpgradeInputs), 'preflight', 'release-pending')
  },
)

scenario(
  'a release left pending by a killed Helm process is recovered by the next run',
  async ({ environment, run }) => {
    let pid = 0
    const releasePods = environment.pausePodReadiness()
    void nextRollout(environment).then(() => listProcessTree(pid).slice(1).forEach(killProcess))
    const failed = expectFailure(
      await run(chartUpgradeInputs, {
        onStart: (child) => {
          pid = child.pid ?? 0
        },
      }),
      'release',
      'helm-upgrade-failed',
    )
    expect(getErrorAnnotation(failed)).toContain('Helm')
    expect((await getLatestRevision(environment)).status).toBe('pending-upgrade')
    releasePods()
    const result = expectSuccess(await run(chartUpgradeInputs))
    expect(listChanges(result)).toContain('release status')
    expect((await getLatestRevision(environment)).status).toBe('deployed')
    expectUnchanged(await run(chartUpgradeInputs))
  },
)

simulatorScenario(
  'the Helm process of a dead run, which still waits for pods, does not disturb the recovery',
  'the lab cannot end a Helm process that outlives its run',
  async ({ environment, run }) => {
    const releasePods = environment.pausePodReadiness()
    let orphanedPids: number[] = []
    const firstRollout = nextRollout(environment)
    await runAction(environment, chartUpgradeInputs, {
      skipPost: true,
      onStart: (child) =>
        void firstRollout.then(() => {
          orphanedPids = listProcessTree(child.pid ?? 0).slice(1)
          child.kill('SIGKILL')
        }),
    })
    await expireLease(environment)
    const secondRollout = nextRollout(environment)
    const nextRun = run(chartUpgradeInputs)
    await secondRollout
    releasePods()
    expectSuccess(await nextRun)
    await waitUntil(() => !orphanedPids.some(isRunning))
    expect((await getLatestRevision(environment)).status).toBe('deployed')
    expectUnchanged(await run(chartUpgradeInputs))
  },
)

scenario(
  'a run that is killed right after it started Helm has passed all values to it, and leaves none on the disk',
  async ({ environment }) => {
    const preload = new URL('../../testing/killed-after-spawn.mjs', import.meta.url).href
    const nodeOptions = `${environment.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${preload}`
    const values = `minio: {bucketName: other}\nextraConfigFiles: {user.yaml: "${'#'.repeat(100_000)}"}`
    const killed = await runAction(
      environment,
      { ...chartUpgradeInputs, values },
      {
        env: { NODE_OPTIONS: nodeOptions },
        skipPost: true,
        // Helm goes on working there.
        runnerDirectory: join(environment.directory, 'runner'),
      },
    )
    expect(killed.exitCode).toBeNull()
    expect(Object.values(killed.files).join('')).not.toContain('bucketName')
    await waitUntil(
      async () =>
        (await getLatestRevision(environment)).status === 'deployed' &&
        (await listHistory(environment)).length === 2,
    )
    const deployed = JSON.parse(
      await environment.helm('get', 'values', 'milvus-demo', '-o', 'json'),
    ) as object
    expect(deployed).toMatchObject({
      minio: { bucketName: 'other' },
      extraConfigFiles: { 'user.yaml': '#'.repeat(100_000) },
    })
  },
)

scenario(
  'an upgrade whose last write was lost because the API was unavailable is completed',
  async ({ environment, run }) => {
    await environment.installMilvus({ mode: 'cluster' })
    const removeFault = environment.faults.inject({
      service: 'kubernetes',
      operation: /^PUT .*\/secrets\/sh\.helm\.release\.v1\.milvus-demo\.v2$/,
      userAgent: /^Helm/,
      error: { status: 500, code: 'InternalError', message: 'the server is away' },
    })
    expectFailure(await run(serviceOnlyInputs), 'release', 'helm-upgrade-failed')
    removeFault()
    expect(await listHistory(environment)).toEqual([
      '1 superseded milvus-4.2.58',
      '2 pending-upgrade milvus-4.2.58',
    ])
    expect(listChanges(expectSuccess(await run(serviceOnlyInputs)))).not.toContain(
      'release service.type',
    )
    expect(await listHistory(environment)).toEqual([
      '1 superseded milvus-4.2.58',
      '2 deployed milvus-4.2.58',
    ])
  },
  { start: 'empty' },
)
