/** Whose ALB an Ingress has: its group and its controller, according to the finalizer. */
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { groupAnnotation } from '../../controller/annotations.ts'
import { autoModeController, standardController } from '../preflight/ingress-class.ts'
import type { IngressRemovalTarget } from '../preflight/removal.ts'

/**
 * The controller's finalizers: `ingress.k8s.aws/resources`, `group.ingress.k8s.aws/NAME`; in EKS
 * Auto Mode with `eks.amazonaws.com`. Source: its pkg/ingress/finalizer.go.
 */
const controllerFinalizer =
  /^(?:group\.ingress\.(?:k8s\.aws|eks\.amazonaws\.com)\/(.+)|ingress\.(?:k8s\.aws|eks\.amazonaws\.com)\/resources)$/

export const isControllerFinalizer = (finalizer: string): boolean =>
  controllerFinalizer.test(finalizer)

export const getGroupName = (finalizer: string): string | undefined =>
  controllerFinalizer.exec(finalizer)?.[1]

/**
 * The group whose ALB an Ingress has: that of the controller's finalizer, because a class wins over
 * the annotation, and EKS Auto Mode ignores it.
 */
export function getLiveGroup({
  metadata: { annotations, finalizers = [] },
}: Ingress): string | undefined {
  if (!finalizers.some(isControllerFinalizer)) return annotations?.[groupAnnotation]
  return finalizers.map(getGroupName).find((name) => name !== undefined)
}

/** The controller that has an ALB for an Ingress; undefined without its finalizer. */
export function getLiveController({ metadata: { finalizers } }: Ingress): string | undefined {
  const finalizer = finalizers?.find(isControllerFinalizer)
  if (finalizer === undefined) return undefined
  return /^(?:group\.)?ingress\.eks\./.test(finalizer) ? autoModeController : standardController
}

/** A group of Ingresses with one ALB. */
export interface IngressGroup {
  readonly name: string
  /** The other members in the namespace; undefined when they were not read. */
  readonly otherMembers: readonly string[] | undefined
}

/** @returns undefined for an Ingress with an ALB of its own */
export function findGroup({
  ingress,
  otherIngresses,
}: Pick<IngressRemovalTarget, 'ingress' | 'otherIngresses'>): IngressGroup | undefined {
  for (const finalizer of ingress?.metadata.finalizers ?? []) {
    const name = getGroupName(finalizer)
    if (name === undefined) continue
    const otherMembers = otherIngresses?.filter(
      ({ metadata }) =>
        metadata.deletionTimestamp === undefined && metadata.finalizers?.includes(finalizer),
    )
    return { name, otherMembers: otherMembers?.map(({ metadata }) => metadata.name) }
  }
  return undefined
}
