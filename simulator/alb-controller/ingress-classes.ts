/**
 * Which Ingresses the controller manages, and in which group: pkg/ingress/group_loader.go and
 * class_loader.go of v3.5.0.
 */
import { getAnnotation, PREFIX, type Annotations } from './annotations.ts'
import { getFinalizer, type IngressGroupId } from './naming.ts'
import { getObjectKey, type Ingress, type IngressClass, type KubernetesObject } from './objects.ts'

/** The controller of its IngressClasses. Those of EKS Auto Mode are `eks.amazonaws.com/alb`. */
export const CONTROLLER = 'ingress.k8s.aws/alb'

/** The supported part of elbv2.k8s.aws/v1beta1 IngressClassParams. */
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

/** Why an Ingress has no group; events prefix it with `failed load groupID due to `. */
export class GroupError extends Error {}

/**
 * The group of an Ingress; undefined when the controller does not manage it.
 * @throws GroupError
 */
export function resolveGroup(
  ingress: Ingress,
  findClass: (name: string) => IngressClass | undefined,
  ingressClass: string,
  params?: IngressClassParams,
): IngressGroupId | undefined {
  if (!isManaged(ingress, findClass, ingressClass)) return undefined
  const name =
    params?.spec?.group?.name ?? getAnnotation(ingress.metadata.annotations ?? {}, 'group.name')
  if (name === undefined)
    return { namespace: ingress.metadata.namespace ?? '', name: ingress.metadata.name }
  if (name.length > 63)
    throw new GroupError('invalid ingress group: groupName must be no more than 63 characters')
  if (!/^([a-z0-9][-a-z0-9.]*)?[a-z0-9]$/.test(name)) {
    throw new GroupError(
      'invalid ingress group: groupName must consist of lower case alphanumeric characters, ' +
        "'-' or '.', and must start and end with an alphanumeric character",
    )
  }
  return { namespace: '', name }
}

function isManaged(
  ingress: Ingress,
  findClass: (name: string) => IngressClass | undefined,
  ingressClass: string,
): boolean {
  // The legacy annotation takes precedence over the field, and names no IngressClass.
  const legacyClass = ingress.metadata.annotations?.['kubernetes.io/ingress.class']
  if (legacyClass !== undefined) return legacyClass === ingressClass
  const name = ingress.spec?.ingressClassName
  if (name === undefined) return false
  const ingressClassObject = findClass(name)
  if (!ingressClassObject)
    throw new GroupError(
      `invalid ingress class: IngressClass.networking.k8s.io "${name}" not found`,
    )
  return ingressClassObject.spec?.controller === CONTROLLER
}

/** The groups whose finalizer an Ingress has. */
export function getFinalizerGroups(ingress: Ingress): IngressGroupId[] {
  const implicitGroup: IngressGroupId = {
    namespace: ingress.metadata.namespace ?? '',
    name: ingress.metadata.name,
  }
  const prefix = getFinalizer({ namespace: '', name: '' })
  return (ingress.metadata.finalizers ?? []).flatMap((finalizer) => {
    if (finalizer === getFinalizer(implicitGroup)) return [implicitGroup]
    return finalizer.startsWith(prefix)
      ? [{ namespace: '', name: finalizer.slice(prefix.length) }]
      : []
  })
}

/** Compares Ingresses of a group by `group.order`, then by name. */
export function compareGroupOrder(a: Ingress, b: Ingress): number {
  const getOrder = (ingress: Ingress): number =>
    Number(getAnnotation(ingress.metadata.annotations ?? {}, 'group.order') ?? 0)
  return getOrder(a) - getOrder(b) || (getObjectKey(a) < getObjectKey(b) ? -1 : 1)
}

/** The Ingress with the annotations that the parameters of its class override. */
export function applyClassParams(
  ingress: Ingress,
  params: IngressClassParams | undefined,
): Ingress {
  const spec = params?.spec
  if (!spec) return ingress
  const ownAnnotations: Annotations = ingress.metadata.annotations ?? {}
  const attributes = spec.loadBalancerAttributes?.map(({ key, value }) => `${key}=${value}`)
  const overrides: Record<string, string | undefined> = {
    scheme: spec.scheme,
    'inbound-cidrs': spec.inboundCIDRs?.join(','),
    'ssl-policy': spec.sslPolicy,
    'certificate-arn': spec.certificateArn?.join(','),
    'target-type': spec.targetType,
    'load-balancer-name': spec.loadBalancerName,
    // These are merged. The parameters of the class take precedence.
    'load-balancer-attributes':
      attributes &&
      [getAnnotation(ownAnnotations, 'load-balancer-attributes'), ...attributes]
        .filter((each) => each !== undefined)
        .join(','),
  }
  const entries = Object.entries(overrides).flatMap(([name, value]) =>
    value === undefined ? [] : [[PREFIX + name, value] as const],
  )
  return {
    ...ingress,
    metadata: {
      ...ingress.metadata,
      annotations: { ...ownAnnotations, ...Object.fromEntries(entries) },
    },
  }
}

/**
 * Whether the controller reconciles a change: of annotations, the spec, or a deletion
 * (ingress_events.go:41-60).
 */
export function isRelevantChange(
  after: KubernetesObject & { spec?: unknown },
  before: (KubernetesObject & { spec?: unknown }) | undefined,
): boolean {
  const serializeRelevantFields = (object: KubernetesObject & { spec?: unknown }): string =>
    JSON.stringify([
      object.metadata.annotations ?? {},
      object.spec ?? {},
      object.metadata.deletionTimestamp ?? null,
    ])
  return (
    !before ||
    before.metadata.uid !== after.metadata.uid ||
    serializeRelevantFields(before) !== serializeRelevantFields(after)
  )
}
