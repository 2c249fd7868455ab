/**
 * Names, tags, labels and finalizers of AWS Load Balancer Controller v3.5.0. Sources:
 * pkg/deploy/tracking/provider.go, buildLoadBalancerName and buildTargetGroupName of pkg/ingress,
 * group_loader.go.
 */
import { createHash } from 'node:crypto'

/** Identifies an IngressGroup: the implicit one of a single Ingress, or an explicit one. */
export interface IngressGroupId {
  /** Of the Ingress; empty for an explicit group. */
  readonly namespace: string
  /** Of the Ingress, or of the explicit group. */
  readonly name: string
}

/** `namespace/name`, or the name of an explicit group. Tags call this the stack. */
export function formatGroupKey({ namespace, name }: IngressGroupId): string {
  return namespace === '' ? name : `${namespace}/${name}`
}

/** Parses the result of formatGroupKey. */
export function parseGroupKey(key: string): IngressGroupId {
  const slash = key.indexOf('/')
  return slash < 0
    ? { namespace: '', name: key }
    : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

/** The finalizer of an Ingress in a group. */
export function getFinalizer({ namespace, name }: IngressGroupId): string {
  return namespace === '' ? `group.ingress.k8s.aws/${name}` : 'ingress.k8s.aws/resources'
}

const hash = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('')).digest('hex').slice(0, 10)
const toAlphanumeric = (text: string, length: number): string =>
  text.replace(/[^A-Za-z0-9]/g, '').slice(0, length)

/** The name of a group's load balancer. */
export function buildLoadBalancerName(
  cluster: string,
  group: IngressGroupId,
  scheme: string,
): string {
  const id = hash(cluster, formatGroupKey(group), scheme)
  return group.namespace === ''
    ? `k8s-${toAlphanumeric(group.name, 17)}-${id}`
    : `k8s-${toAlphanumeric(group.namespace, 8)}-${toAlphanumeric(group.name, 8)}-${id}`
}

/**
 * The name of a target group and of its TargetGroupBinding. A change of any value in `identity`
 * results in another target group.
 */
export function buildTargetGroupName(
  cluster: string,
  group: IngressGroupId,
  service: { readonly namespace: string; readonly name: string },
  identity: readonly string[],
): string {
  const prefix = `k8s-${toAlphanumeric(service.namespace, 8)}-${toAlphanumeric(service.name, 8)}`
  return `${prefix}-${hash(cluster, formatGroupKey(group), ...identity)}`
}

/** The tags that all resources of a group share, and by which they are found. */
export function buildStackTags(cluster: string, group: IngressGroupId): Record<string, string> {
  return { 'elbv2.k8s.aws/cluster': cluster, 'ingress.k8s.aws/stack': formatGroupKey(group) }
}

/**
 * The tags of a resource of a group.
 * @param resource `LoadBalancer`, `443` for a listener, `443:1` for a rule, or the resource of a
 *   target group
 */
export function buildTags(
  cluster: string,
  group: IngressGroupId,
  resource: string,
): Record<string, string> {
  return { ...buildStackTags(cluster, group), 'ingress.k8s.aws/resource': resource }
}

/** The labels of a group's TargetGroupBindings. */
export function buildLabels({ namespace, name }: IngressGroupId): Record<string, string> {
  return namespace === ''
    ? { 'ingress.k8s.aws/stack': name }
    : { 'ingress.k8s.aws/stack-namespace': namespace, 'ingress.k8s.aws/stack-name': name }
}
