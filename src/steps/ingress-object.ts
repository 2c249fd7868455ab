/** The Ingress of the guide, as an object: what the inputs say, and nothing else. Pure. */
import { ownedAnnotations } from '../kubernetes/ownership.ts'
import type { AnyObject, FieldTree, Ingress, IngressSpec } from '../kubernetes/types.ts'
import { annotationPrefix as prefix } from '../settings/annotations.ts'
import type { Settings } from '../settings/types.ts'


/** Our field manager. */
export const fieldManager = 'milvus-alb-action'

/** An annotation of ours that the controller does not know: changing it makes the controller look again. */
export const nudgeAnnotation = 'milvus-alb-action/nudge'

/** The Ingress to apply. */
export interface DesiredIngress {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'Ingress'
  readonly metadata: { readonly name: string; readonly namespace: string; readonly annotations: Readonly<Record<string, string>> }
  readonly spec: IngressSpec
}

/** What the Ingress is about, beside the inputs. */
export interface Backend {
  readonly name: string
  readonly service: string
  readonly port: number
  readonly certificateArn: string
}

/** @param nudge the value of our nudge annotation, kept as it is: taking it away would be a change of its own */
export function desiredIngress(settings: Settings, backend: Backend, nudge: string | undefined): DesiredIngress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: backend.name, namespace: settings.namespace, annotations: { ...annotations(settings, backend.certificateArn), ...(nudge !== undefined && { [nudgeAnnotation]: nudge }) } },
    spec: {
      ingressClassName: settings.ingress.className,
      rules: [
        {
          host: settings.host,
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: backend.service, port: { number: backend.port } } } }] },
        },
      ],
    },
  }
}

function annotations({ ingress }: Settings, certificateArn: string): Record<string, string> {
  const optional: readonly [string, string | undefined][] = [
    ['inbound-cidrs', joined(ingress.inboundCidrs)],
    ['subnets', joined(ingress.subnets)],
    ['security-groups', joined(ingress.securityGroups)],
    ['load-balancer-name', ingress.loadBalancerName],
    ['group.name', ingress.groupName],
    ['tags', joined(Object.entries(ingress.tags).map(([key, value]) => `${key}=${value.replace(/,/g, '\\,')}`))],
  ]
  const attributes = `${prefix}load-balancer-attributes`
  return {
    [`${prefix}scheme`]: ingress.scheme,
    [`${prefix}backend-protocol-version`]: 'GRPC',
    [`${prefix}target-type`]: 'ip',
    [`${prefix}listen-ports`]: JSON.stringify([{ HTTPS: ingress.listenPort }]),
    [`${prefix}certificate-arn`]: certificateArn,
    [`${prefix}ssl-policy`]: ingress.sslPolicy,
    ...Object.fromEntries(optional.flatMap(([key, value]) => (value === undefined ? [] : [[prefix + key, value]]))),
    ...ingress.annotations,
    [attributes]: withIdleTimeout(ingress.annotations[attributes], ingress.idleTimeout),
  }
}

const joined = (entries: readonly string[]): string | undefined => (entries.length === 0 ? undefined : entries.join(','))

/** The idle timeout, and the attributes that the user gives beside it. */
const withIdleTimeout = (given: string | undefined, seconds: number): string => [`idle_timeout.timeout_seconds=${seconds}`, ...(given ? [given] : [])].join(',')

/** The ALB's name, as the Ingress' status has it: proof of nothing. */
export const hostname = (ingress: Ingress | undefined): string | undefined => ingress?.status?.loadBalancer?.ingress?.[0]?.hostname

/** The ARNs in an Ingress' certificate-arn annotation; the first is the listener's default. */
export function certificateArns(object: AnyObject): string[] {
  return (object.metadata.annotations?.[`${prefix}certificate-arn`] ?? '').split(',').map((arn) => arn.trim()).filter((arn) => arn !== '')
}

/** The fields of an Ingress to apply, as managedFields names them. spec.rules is atomic. Source: Kubernetes API reference, IngressSpec. */
export function fieldsOf({ metadata }: DesiredIngress): FieldTree {
  return {
    'f:metadata': { 'f:annotations': Object.fromEntries(Object.keys(metadata.annotations).map((key) => [`f:${key}`, {}])) },
    'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
  }
}

/** The fields of an Ingress that `desired` sets or this action set before, as they were: what an apply has to say to put them back. */
export function restored(before: Ingress, desired: DesiredIngress): DesiredIngress {
  const ours = new Set([...ownedAnnotations(before, fieldManager), ...Object.keys(desired.metadata.annotations)])
  const annotations = Object.entries(before.metadata.annotations ?? {}).filter(([key]) => ours.has(key))
  const { ingressClassName, rules } = before.spec
  return { ...desired, metadata: { ...desired.metadata, annotations: Object.fromEntries(annotations) }, spec: { ...(ingressClassName !== undefined && { ingressClassName }), ...(rules && { rules }) } }
}

/** A field that is not as desired. `after` is absent for one of ours that shall go. */
export interface Difference {
  readonly path: string
  readonly before?: string
  readonly after?: string
}

/** What an apply of `desired` would change in `live`: fields that differ, and annotations of ours that are no longer wanted. */
export function differences(desired: DesiredIngress, live: Ingress | undefined): Difference[] {
  const wanted = desired.metadata.annotations
  const present = live?.metadata.annotations ?? {}
  const dropped = live ? [...ownedAnnotations(live, fieldManager)].filter((key) => !Object.hasOwn(wanted, key) && Object.hasOwn(present, key)) : []
  return [
    // An annotation may have a name that every object of JavaScript has: constructor.
    ...Object.entries(wanted).flatMap(([key, value]) => difference(`metadata.annotations.${key}`, Object.hasOwn(present, key) ? present[key] : undefined, value)),
    ...dropped.flatMap((key) => difference(`metadata.annotations.${key}`, present[key], undefined)),
    ...difference('spec.ingressClassName', live?.spec.ingressClassName, desired.spec.ingressClassName),
    ...difference('spec.rules', live && canonical(live.spec.rules), canonical(desired.spec.rules)),
  ]
}

function difference(path: string, before: string | undefined, after: string | undefined): Difference[] {
  return before === after ? [] : [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
}

/** JSON with its keys in order, so that equal values are equal texts. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) : part)
}
