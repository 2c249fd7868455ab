/** Mode destroy waits for the deletion of the ALB and the certificate; a later run continues. */
import { expect } from '@jest/globals'
import { runAction } from '../../testing/run-action.ts'
import { listCertificateArns } from './acm-manual-operations.ts'
import { listLoadBalancerNames } from './alb-manual-operations.ts'
import { nextLeaseUpdate } from './awaited-requests.ts'
import { expectFailure, expectSuccess, getErrorAnnotation, listChanges } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'
import { cancelWhen, killMainWhen } from './interruptions.ts'
import { applyJsonPatch, expireLease, getObject } from './manual-operations.ts'
import { destroyInputs } from './run-inputs.ts'

setDefaultStart('deployed')

scenario(
  'a certificate that ACM still reports as in use is deleted later, or by the next run',
  async ({ environment, run }) => {
    expectSuccess(await run())
    const inUseFault = {
      service: 'acm',
      operation: 'DeleteCertificate',
      error: { status: 400, code: 'ResourceInUseException', message: 'The certificate is in use.' },
    } as const
    const removeFault = environment.faults.inject(inUseFault)
    const result = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '15s' }),
      'certificate',
      'certificate-in-use',
    )
    expect(getErrorAnnotation(result)).toContain('Run the job again in half an hour')
    expect(await getObject(environment, 'ingress', 'milvus-demo')).toBeUndefined()
    removeFault()
    environment.faults.inject({ ...inUseFault, times: 2 })
    // One failed poll: the SDK sends a request four times.
    environment.faults.inject({
      ...inUseFault,
      error: { status: 500, code: 'InternalFailure', message: 'try again' },
      times: 4,
    })
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
    expect(await listCertificateArns(environment)).toEqual([])
  },
)

scenario(
  'a finalizer that is never removed is named, and the next run continues to wait',
  async ({ environment, run }) => {
    expectSuccess(await run())
    await applyJsonPatch(environment, 'ingress/milvus-demo', [
      { op: 'add', path: '/metadata/finalizers/-', value: 'example.com/hold' },
    ])
    const result = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '2s' }),
      'ingress',
      'ingress-not-deleted',
    )
    expect(getErrorAnnotation(result)).toMatch(
      /within 2 s: finalizer example\.com\/hold blocks the deletion of Ingress milvus-demo; load balancer k8s-\S+ is deleted\./,
    )
    expect(getErrorAnnotation(result)).toContain(
      'Fix the component that set example.com/hold on the Ingress.',
    )
    const secondDestroy = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '1s' }),
      'ingress',
      'ingress-not-deleted',
    )
    expect(listChanges(secondDestroy)).toEqual([])
    await applyJsonPatch(environment, 'ingress/milvus-demo', [
      { op: 'remove', path: '/metadata/finalizers' },
    ])
    expect(listChanges(expectSuccess(await run(destroyInputs)))).toEqual([
      'certificate certificate',
    ])
  },
)

scenario(
  'a controller that does nothing: the wait names what still exists',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.controller.options.isPaused = true
    const result = expectFailure(
      await run({ ...destroyInputs, 'load-balancer-timeout': '2s' }),
      'ingress',
      'ingress-not-deleted',
    )
    expect(getErrorAnnotation(result)).toMatch(
      /finalizer ingress\.k8s\.aws\/resources blocks the deletion of Ingress milvus-demo; load balancer k8s-\S+ is active\./,
    )
    expect(getErrorAnnotation(result)).toContain("Fix what the controller's log reports")
    environment.controller.options.isPaused = false
    expectSuccess(await run(destroyInputs))
  },
  { requiresSimulatedController: true },
)

scenario(
  'killed at each write, or cancelled while waiting: the next run removes the rest',
  async ({ environment, run }) => {
    expectSuccess(await run())
    environment.controller.options.isPaused = true
    const ingressDeletion = environment.requestLog.nextRequest(({ operation }) =>
      /^DELETE .*\/ingresses\/milvus-demo$/.test(operation),
    )
    // Main is killed: only post and the next run can clean up.
    await runAction(environment, destroyInputs, killMainWhen(ingressDeletion))
    await expireLease(environment)
    // A run that has its Lease is done reading, and its later requests to ELB belong to the wait.
    const leaseUpdated = nextLeaseUpdate(environment)
    const elbPolled = leaseUpdated.then(() =>
      environment.requestLog.nextRequest(({ operation }) => operation === 'DescribeLoadBalancers'),
    )
    const result = expectFailure(
      await run(destroyInputs, cancelWhen(elbPolled)),
      'ingress',
      'cancelled',
    )
    expect(result.summary).toContain('Cancelled in ingress')
    environment.controller.options.isPaused = false
    const certificateDeletion = environment.requestLog.nextRequest(
      ({ operation }) => operation === 'DeleteCertificate',
    )
    await runAction(environment, destroyInputs, killMainWhen(certificateDeletion))
    await expireLease(environment)
    expectSuccess(await run(destroyInputs))
    expect(await listLoadBalancerNames(environment)).toEqual([])
    expect(await listCertificateArns(environment)).toEqual([])
  },
  { requiresSimulatedController: true },
)
