/**
 * Which Ingresses are the controller's, and in which group: pkg/ingress/group_loader.go and class_loader.go of v3.5.0.
 */
import { annotation, PREFIX } from './annotations.ts'
import type { Annotations } from './annotations.ts'
import type { Group } from './names.ts'
import { finalizerOf } from './names.ts'
import type { Ingress, IngressClass, KubernetesObject } from './objects.ts'
import { keyOf } from './objects.ts'

/** What the classes of this controller say. EKS Auto Mode's are another's: `eks.amazonaws.com/alb`. */
export const CONTROLLER = 'ingress.k8s.aws/alb'

/** elbv2.k8s.aws/v1beta1 IngressClassParams, as far as they are looked at. */
export interface IngressClassParams extends KubernetesObject {
  readonly spec?: {
    readonly scheme?: string
    readonly group?: { readonly name: string }
    readonly inboundCIDRs?: readonly string[]
    readonly sslPolicy?: string
    readonly certificateArn?: readonly string[]
    readonly targetType?: string
    readonly loadBalancerName?: string
    readonly loadBalancerAttributes?: readonly { readonly key: string; readonly value: string }[]
  }
}

/** Why an Ingress has no group: `failed load groupID due to ` comes before it. */
export class GroupError extends Error {}

/** The group of an Ingress that is the controller's, or undefined. Throws a GroupError. */
export function groupOf(ingress: Ingress, classOf: (name: string) => IngressClass | undefined, ingressClass: string, params?: IngressClassParams): Group | undefined {
  if (!isOurs(ingress, classOf, ingressClass)) return undefined
  const name = params?.spec?.group?.name ?? annotation(ingress.metadata.annotations ?? {}, 'group.name')
  if (name === undefined) return { namespace: ingress.metadata.namespace ?? '', name: ingress.metadata.name }
  if (name.length > 63) throw new GroupError('invalid ingress group: groupName must be no more than 63 characters')
  if (!/^([a-z0-9][-a-z0-9.]*)?[a-z0-9]$/.test(name)) {
    throw new GroupError("invalid ingress group: groupName must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character")
  }
  return { namespace: '', name }
}

function isOurs(ingress: Ingress, classOf: (name: string) => IngressClass | undefined, ingressClass: string): boolean {
  // The old annotation wins over the field, and no class is looked up for it.
  const old = ingress.metadata.annotations?.['kubernetes.io/ingress.class']
  if (old !== undefined) return old === ingressClass
  const name = ingress.spec?.ingressClassName
  if (name === undefined) return false
  const found = classOf(name)
  if (!found) throw new GroupError(`invalid ingress class: IngressClass.networking.k8s.io "${name}" not found`)
  return found.spec?.controller === CONTROLLER
}

/** The groups that still hold an Ingress by a finalizer. */
export function heldBy(ingress: Ingress): Group[] {
  const own: Group = { namespace: ingress.metadata.namespace ?? '', name: ingress.metadata.name }
  const prefix = finalizerOf({ namespace: '', name: '' })
  return (ingress.metadata.finalizers ?? []).flatMap((finalizer) => {
    if (finalizer === finalizerOf(own)) return [own]
    return finalizer.startsWith(prefix) ? [{ namespace: '', name: finalizer.slice(prefix.length) }] : []
  })
}

/** The order in a group: `group.order`, then the name. */
export function inGroupOrder(one: Ingress, other: Ingress): number {
  const order = (ingress: Ingress): number => Number(annotation(ingress.metadata.annotations ?? {}, 'group.order') ?? 0)
  return order(one) - order(other) || (keyOf(one) < keyOf(other) ? -1 : 1)
}

/** The Ingress with the annotations that its class's parameters put over its own. */
export function withParams(ingress: Ingress, params: IngressClassParams | undefined): Ingress {
  const spec = params?.spec
  if (!spec) return ingress
  const own: Annotations = ingress.metadata.annotations ?? {}
  const attributes = spec.loadBalancerAttributes?.map(({ key, value }) => `${key}=${value}`)
  const over: Record<string, string | undefined> = {
    scheme: spec.scheme,
    'inbound-cidrs': spec.inboundCIDRs?.join(','),
    'ssl-policy': spec.sslPolicy,
    'certificate-arn': spec.certificateArn?.join(','),
    'target-type': spec.targetType,
    'load-balancer-name': spec.loadBalancerName,
    // Merged, where the class wins.
    'load-balancer-attributes': attributes && [annotation(own, 'load-balancer-attributes'), ...attributes].filter((each) => each !== undefined).join(','),
  }
  const set = Object.entries(over).flatMap(([name, value]) => (value === undefined ? [] : [[PREFIX + name, value] as const]))
  return { ...ingress, metadata: { ...ingress.metadata, annotations: { ...own, ...Object.fromEntries(set) } } }
}

/** True when a change is one that the controller looks at: annotations, spec, or deletion (ingress_events.go:41-60). */
export function matters(after: KubernetesObject & { spec?: unknown }, before: (KubernetesObject & { spec?: unknown }) | undefined): boolean {
  const looked = (object: KubernetesObject & { spec?: unknown }): string =>
    JSON.stringify([object.metadata.annotations ?? {}, object.spec ?? {}, object.metadata.deletionTimestamp ?? null])
  return !before || before.metadata.uid !== after.metadata.uid || looked(before) !== looked(after)
}
