/** Runs on one target exclude each other. */
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { listCertificates } from './acm-manual-operations.ts'
import { isHelmRequest, nextEventWatch, nextLeaseUpdate, nextRollout } from './awaited-requests.ts'
import { certificateInputs } from './certificate-inputs.ts'
import {
  expectFailure,
  expectSuccess,
  expectUnchanged,
  getErrorAnnotation,
  listChanges,
} from './expectations.ts'
import { holdNextRequest } from './faults.ts'
import { scenario } from './harness.ts'
import { getObject, leaseName, updateLease } from './manual-operations.ts'
import { chartUpgradeInputs } from './run-inputs.ts'
import { describeRun, runOptions } from './workflow-runs.ts'

scenario(
  'of two concurrent runs the second waits and finds everything done; if it times out, it names the first',
  async ({ environment, run }) => {
    const releaseLoadBalancers = environment.pauseLoadBalancerProvisioning()
    const eventsWatched = nextEventWatch(environment)
    const first = run({}, runOptions(1))
    await eventsWatched
    const timedOutRun = expectFailure(
      await run({ 'lock-timeout': '1s' }, runOptions(2)),
      'preflight',
      'locked-by-another-run',
    )
    expect(getErrorAnnotation(timedOutRun)).toContain(describeRun(1))
    expect(listChanges(timedOutRun)).toEqual([])

    const waitingRun = run(
      {},
      {
        ...runOptions(3),
        onLine: (line) => {
          if (line.includes('Another run is working')) releaseLoadBalancers()
        },
      },
    )
    expectSuccess(await first)
    const result = await waitingRun
    expectUnchanged(result)
    expect(result.log).toContain(
      `Another run is working in namespace ${environment.namespace}: ${describeRun(1)}`,
    )
    expect(await listCertificates(environment)).toHaveLength(1)
    expect((await getObject(environment, 'lease', leaseName))?.['spec']).not.toHaveProperty(
      'holderIdentity',
    )
  },
)

scenario('a run that lost its Lease changes nothing more', async ({ environment, run }) => {
  const helmRequest = environment.requestLog.nextRequest(isHelmRequest(/^PATCH .*\/services\//))
  const releasePods = environment.pausePodReadiness()
  void helmRequest.then(async () => {
    await updateLease(environment, {
      holderIdentity: 'another run',
      renewTime: '2100-01-01T00:00:00.000000Z',
    })
    await nextLeaseUpdate(environment)
    releasePods()
  })
  const result = expectFailure(await run(chartUpgradeInputs, runOptions(1)), 'ingress', 'lock-lost')
  expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
  expect(getErrorAnnotation(result)).toContain(leaseName)
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
      expect(await getObject(environment, 'lease', leaseName)).toBeUndefined()
    }
    expectSuccess(await run({}, await useFullRole()))
    const renewed = await environment.certificateAuthority.issue({ hosts: [environment.host] })
    const result = expectSuccess(
      await run(certificateInputs(renewed), { env: await environment.assumeRole('update leases') }),
    )
    expect(result.summary).toContain('is not allowed to get, create and update Leases')
  },
)

scenario(
  'a run that reads while another acquires the Lease waits for it, and recognizes its Helm operation',
  async ({ environment }) => {
    const releaseRequest = holdNextRequest(environment.faults, {
      service: 'kubernetes',
      operation: /^GET .*\/secrets$/,
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
    const helmRequest = nextRollout(environment)
    const quickRun = runAction(environment, chartUpgradeInputs, runOptions(1))
    await helmRequest
    releaseRequest()
    expectUnchanged(await slowRun)
    expectSuccess(await quickRun)
  },
)
