/** Faults that several scenarios inject. */
import type { TestEnvironment } from '../../testing/environment.ts'
import type { Fault, FaultInjector } from '../../testing/fault-injector.ts'
import { nextServiceUpdate } from './awaited-requests.ts'
import { patchObject } from './manual-operations.ts'

/** An admission policy of the cluster that denies these writes. */
export const denyAdmission = (operation: string | RegExp, message = 'no') =>
  ({
    service: 'kubernetes',
    operation,
    error: {
      status: 403,
      code: 'Forbidden',
      message: `admission webhook "validate.kyverno.svc-fail" denied the request: ${message}`,
    },
  }) as const

/** The same for the next such write of Helm. */
export const denyHelmOnce = (operation: string | RegExp) => ({
  ...denyAdmission(operation),
  userAgent: /^Helm/,
  times: 1,
})

/**
 * Holds the next such request, before its service receives it.
 * @returns a function that lets it continue
 */
export function holdNextRequest(
  faults: FaultInjector,
  request: Pick<Fault, 'service' | 'operation'>,
): () => void {
  let releaseRequest = (): void => undefined
  faults.inject({
    ...request,
    times: 1,
    gate: new Promise((resolve) => (releaseRequest = resolve)),
  })
  return releaseRequest
}

/**
 * Resets the type of the Service after Helm has changed it, and before Helm stores the status of
 * the revision.
 * @returns a function that removes the fault
 */
export function resetServiceDuringUpgrade(environment: TestEnvironment, type: string): () => void {
  const serviceReset = nextServiceUpdate(environment).then(() =>
    patchObject(environment, 'service/milvus-demo', { spec: { type } }),
  )
  return environment.faults.inject({
    service: 'kubernetes',
    operation: /^PUT .*\/secrets\/.*\.v\d+$/,
    gate: serviceReset,
  })
}
