/** The operation of step load-balancer, and the changes that show it to people. Pure. */
import { withCertificateArn, type DesiredIngress } from '../ingress/desired.ts'
import { reconcileRequestAnnotation } from '../ingress/manifest.ts'
import type { Change } from '../step.ts'
import type { Drift } from './drift.ts'

/** Makes the controller reconcile the Ingress, by an annotation that it does not know. */
export interface RequestReconcile {
  readonly action: 'request-reconcile'
  /** The Ingress to apply again, with the annotation. */
  readonly desired: DesiredIngress
  /** The value of the annotation. */
  readonly requestedAt: string
  readonly previouslyRequestedAt: string | undefined
  /** What differs in AWS, and the controller restores. */
  readonly drift: readonly Drift[]
  /** Whether it only follows a change of the Service, which a check reports itself. */
  readonly followsService: boolean
  readonly why: string
}

export type LoadBalancerOperation = RequestReconcile

/** The changes of operations, in order. */
export const toChanges = (operations: readonly LoadBalancerOperation[]): Change[] =>
  operations.flatMap((operation) => [
    ...operation.drift.map(describeDrift),
    describeRequest(operation),
  ])

/**
 * What a check reports in place of operations. To fix drift, or after a change of the Service, a
 * deploy requests a reconcile, and the request itself is no difference then.
 */
export const toDifferences = (operations: readonly LoadBalancerOperation[]): Change[] =>
  operations.flatMap((operation) =>
    operation.drift.length > 0 || operation.followsService
      ? operation.drift.map(describeDrift)
      : [describeRequest(operation)],
  )

const describeDrift = (drift: Drift): Change => ({
  step: 'load-balancer',
  ...drift,
  why: 'changed in AWS, not by the controller, which restores it when it reconciles again',
})

function describeRequest(operation: RequestReconcile): Change {
  const { desired, requestedAt, previouslyRequestedAt, why } = operation
  const { namespace, name } = desired.template.metadata
  return {
    step: 'load-balancer',
    object: `Ingress ${namespace}/${name}`,
    path: `metadata.annotations.${reconcileRequestAnnotation}`,
    ...(previouslyRequestedAt !== undefined && { before: previouslyRequestedAt }),
    after: requestedAt,
    why,
  }
}

/** Sets the ARN that operations did not know when they were planned. */
export const resolveCertificate = (
  operations: readonly LoadBalancerOperation[],
  arn: string,
): LoadBalancerOperation[] =>
  operations.map((operation) => ({
    ...operation,
    desired: withCertificateArn(operation.desired, arn),
  }))
