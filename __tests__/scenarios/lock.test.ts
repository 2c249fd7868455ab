/** Runs on one target exclude each other, and complete what a dead run left in helm. */
import type { ChildProcess } from 'node:child_process'
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import {
  isRunning,
  killProcess,
  killProcessTree,
  listProcessTree,
} from '../../testing/process-tree.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import {
  listCertificates,
  updateLease,
  getObject,
  leaseName as lease,
  expireLease,
} from './manual-operations.ts'
import {
  getErrorAnnotation,
  listChanges,
  expectFailure,
  expectSuccess,
  expectUnchanged,
  simulatorScenario,
  scenario,
} from './harness.ts'

const runOptions = (id: number) => ({
  env: {
    GITHUB_REPOSITORY: 'acme/search',
    GITHUB_RUN_ID: String(id),
    GITHUB_RUN_ATTEMPT: '1',
    GITHUB_JOB: 'deploy',
  },
})
const describeRun = (id: number): string =>
  `https://github.com/acme/search/actions/runs/${id} (attempt 1, job deploy)`

/** The latest revision as helm reports it. */
async function getLatestRevision(
  environment: TestEnvironment,
): Promise<{ revision: number; status: string }> {
  const [latest] = JSON.parse(
    await environment.helm('history', 'milvus-demo', '--max', '1', '-o', 'json'),
  ) as { revision: number; status: string }[]
  if (!latest) throw new Error('there is no release')
  return latest
}

/**
 * Options of a run that is killed with all its child processes at a certain request. Its runner
 * dies too.
 */
const killWhen = (moment: Promise<unknown>) => ({
  skipPost: true,
  onStart: ({ pid = 0 }: ChildProcess) =>
    void moment.then(() => {
      killProcessTree(pid)
    }),
})

/** Until helm has applied the chart and waits for pods. */
const waitForHelmRollout = ({ requestLog: traffic }: TestEnvironment): Promise<unknown> =>
  traffic.nextRequest(
    ({ operation, userAgent: client }) =>
      client.startsWith('Helm') && /^PATCH .*\/deployments\//.test(operation),
  )

const chartUpgradeInputs = { 'chart-version': '5.0.19', 'allow-chart-change': 'true' }

scenario(
  'of two concurrent runs the second waits and finds everything done; if it times out, it names the first',
  async ({ environment, run }) => {
    const releaseLoadBalancers = environment.pauseLoadBalancerProvisioning()
    const eventsWatched = environment.requestLog.nextRequest(
      ({ operation, query }) => operation.endsWith('/events') && query.includes('watch=true'),
    )
    const first = run({}, runOptions(1))
    await eventsWatched
    const timedOutRun = expectFailure(
      await run({ 'lock-timeout': '1s' }, runOptions(2)),
      'preflight',
      'locked-by-another-run',
    )
    expect(getErrorAnnotation(timedOutRun)).toContain(describeRun(1))
    expect(listChanges(timedOutRun)).toEqual([])

    const secondHelm = run(
      {},
      {
        ...runOptions(3),
        onLine: (line) => {
          if (line.includes('Another run is working')) releaseLoadBalancers()
        },
      },
    )
    expectSuccess(await first)
    const result = await secondHelm
    expectUnchanged(result)
    expect(result.log).toContain(
      `Another run is working in namespace ${environment.namespace}: ${describeRun(1)}`,
    )
    expect(await listCertificates(environment)).toHaveLength(1)
    expect((await getObject(environment, 'lease', lease))?.['spec']).not.toHaveProperty(
      'holderIdentity',
    )
  },
)

scenario(
  'killed while helm runs: the next run waits until the Lease expires, and completes the upgrade',
  async ({ environment, run }) => {
    const releasePods = environment.pausePodReadiness()
    await runAction(environment, chartUpgradeInputs, {
      ...runOptions(1),
      ...killWhen(waitForHelmRollout(environment)),
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
  'killed while helm runs, and inputs changed since: the next run upgrades from the last deployed revision',
  async ({ environment, run }) => {
    const releasePods = environment.pausePodReadiness()
    await runAction(environment, chartUpgradeInputs, killWhen(waitForHelmRollout(environment)))
    releasePods()
    await expireLease(environment)
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
  'helm is stopped in the middle by hand there: nothing in it is of the lab',
  'a pending revision of someone else is only explained, although a run of this action died too',
  async ({ environment, run }) => {
    environment.pausePodReadiness()
    await runAction(environment, chartUpgradeInputs, killWhen(waitForHelmRollout(environment)))
    await expireLease(environment)
    // As after a later manual helm upgrade, whose revisions keep the action's label.
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

scenario('a run that lost its Lease changes nothing more', async ({ environment, run }) => {
  const helmRequest = environment.requestLog.nextRequest(
    ({ operation, userAgent: client }) =>
      client.startsWith('Helm') && /^PATCH .*\/services\//.test(operation),
  )
  const releasePods = environment.pausePodReadiness()
  void helmRequest.then(async () => {
    await updateLease(environment, {
      holderIdentity: 'somebody',
      renewTime: '2100-01-01T00:00:00.000000Z',
    })
    await environment.requestLog.nextRequest(
      ({ operation, userAgent: client }) =>
        client.startsWith('milvus-alb-action') && /^PUT .*\/leases\//.test(operation),
    )
    releasePods()
  })
  const result = expectFailure(await run(chartUpgradeInputs, runOptions(1)), 'ingress', 'lock-lost')
  expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
  expect(getErrorAnnotation(result)).toContain(lease)
})

scenario(
  'without permission for Leases, a note says what still excludes concurrent runs',
  async ({ environment, run }) => {
    // A cluster has one set of roles: each run has those that were bound last.
    const useFullRole = async () => ({ env: await environment.assumeRole() })
    for (const permission of ['get leases', 'create leases']) {
      const result = expectSuccess(await run({}, { env: await environment.assumeRole(permission) }))
      expect({
        permission,
        noted: result.summary.includes('is not allowed to get, create and update Leases'),
      }).toEqual({ permission, noted: true })
      expectSuccess(await run({ mode: 'destroy' }, await useFullRole()))
      expect(await getObject(environment, 'lease', lease)).toBeUndefined()
    }
    expectSuccess(await run({}, await useFullRole()))
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const result = expectSuccess(
      await run(
        { certificate: renewed.fullchain, 'private-key': renewed.privateKey },
        { env: await environment.assumeRole('update leases') },
      ),
    )
    expect(result.summary).toContain('is not allowed to get, create and update Leases')
  },
)

scenario(
  'a run that reads while another acquires the Lease waits for it, and recognizes its helm operation',
  async ({ environment }) => {
    let releaseRequest = (): void => undefined
    environment.requestLog.injectFault({
      service: 'kubernetes',
      operation: /^GET .*\/secrets$/,
      times: 1,
      gate: new Promise((resolve) => (releaseRequest = resolve)),
    })
    const leaseRead = environment.requestLog.nextRequest(({ operation }) =>
      /^GET .*\/leases\//.test(operation),
    )
    const releasePods = environment.pausePodReadiness()
    const slowRun = runAction(environment, chartUpgradeInputs, {
      ...runOptions(2),
      onLine: (line) => {
        if (line.includes('Another run is working')) releasePods()
      },
    })
    await leaseRead
    const helmRequest = waitForHelmRollout(environment)
    const quickRun = runAction(environment, chartUpgradeInputs, runOptions(1))
    await helmRequest
    releaseRequest()
    expectUnchanged(await slowRun)
    expectSuccess(await quickRun)
  },
)

scenario(
  'a release left pending by a killed helm is recovered by the next run',
  async ({ environment, run }) => {
    let pid = 0
    const releasePods = environment.pausePodReadiness()
    void waitForHelmRollout(environment).then(() =>
      listProcessTree(pid).slice(1).forEach(killProcess),
    )
    const failed = expectFailure(
      await run(chartUpgradeInputs, {
        onStart: (child) => {
          pid = child.pid ?? 0
        },
      }),
      'release',
      'helm-upgrade-failed',
    )
    expect(getErrorAnnotation(failed)).toContain('helm')
    expect((await getLatestRevision(environment)).status).toBe('pending-upgrade')
    releasePods()
    const result = expectSuccess(await run(chartUpgradeInputs))
    expect(listChanges(result)).toContain('release status')
    expect((await getLatestRevision(environment)).status).toBe('deployed')
    expectUnchanged(await run(chartUpgradeInputs))
  },
)

simulatorScenario(
  'a helm that outlives whoever called it is nobody there to end',
  'the helm of a dead run that still waits for pods does not disturb the recovery',
  async ({ environment, run }) => {
    const releasePods = environment.pausePodReadiness()
    let orphanedPids: number[] = []
    const helmRequest = waitForHelmRollout(environment)
    await runAction(environment, chartUpgradeInputs, {
      skipPost: true,
      onStart: (child) =>
        void helmRequest.then(() => {
          orphanedPids = listProcessTree(child.pid ?? 0).slice(1)
          child.kill('SIGKILL')
        }),
    })
    await expireLease(environment)
    const secondHelm = waitForHelmRollout(environment)
    const nextRun = run(chartUpgradeInputs)
    await secondHelm
    releasePods()
    expectSuccess(await nextRun)
    while (orphanedPids.some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 20))
    expect((await getLatestRevision(environment)).status).toBe('deployed')
    expectUnchanged(await run(chartUpgradeInputs))
  },
)
