/**
 * Deletion protection. The controller reports a deletion that it prevents nowhere, and when it
 * replaces an ALB, it turns the protection off itself.
 */
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import { protectedFromReplacement } from '../../failures/ingress.ts'
import type { LoadBalancerSnapshot } from '../load-balancer/snapshot.ts'
import { isDeletionProtected } from './deletion.ts'
import { replacesLoadBalancer, type IngressOperation } from './operations.ts'

export const attributesAnnotation = `${annotationPrefix}load-balancer-attributes`

/** A live Ingress, or one that is to be applied. */
interface AnnotatedObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> }
}

/**
 * Whether the annotation turns protection on, which blocks the deletion of any Ingress, even of one
 * that only leaves a group. Source: the controller's pkg/ingress/model_builder.go,
 * getDeletionProtectionViaAnnotation.
 */
export function isProtectedByAnnotation({ metadata }: AnnotatedObject): boolean {
  const attributes = parseAttributes(metadata.annotations?.[attributesAnnotation] ?? '') ?? []
  return attributes.some(([key, value]) => isDeletionProtected({ [key]: value }))
}

/**
 * Source: the controller's load_balancer_synthesizer.go, which deletes the ALB that it replaces,
 * and turns its protection off before.
 * @throws ActionError `load-balancer-protected`
 */
export function checkReplacement(
  operations: readonly IngressOperation[],
  snapshot: LoadBalancerSnapshot | undefined,
): void {
  if (!replacesLoadBalancer(operations)) return
  const apply = operations.find((operation) => operation.action === 'apply')
  const before = apply?.before
  if (!before) return
  const isProtected =
    isProtectedByAnnotation(before) || isDeletionProtected(snapshot?.configuration.attributes)
  if (isProtected) throw protectedFromReplacement(before.metadata.name, snapshot?.loadBalancer)
}
