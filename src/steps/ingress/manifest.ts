/** The Ingress of the guide, as an object: what the inputs say, and nothing else. Pure. */
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type {
  KubernetesObject,
  FieldsV1,
  Ingress,
  IngressSpec,
} from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'

/** Our field manager. */
export const fieldManager = 'milvus-alb-action'

/**
 * An annotation of ours that the controller does not know: changing it makes the controller look
 * again.
 */
export const reconcileRequestAnnotation = 'milvus-alb-action/nudge'

/** The Ingress to apply. */
export interface IngressManifest {
  readonly apiVersion: 'networking.k8s.io/v1'
  readonly kind: 'Ingress'
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly spec: IngressSpec
}

/** What the Ingress is about, beside the inputs. */
export interface IngressBackend {
  readonly name: string
  readonly service: string
  readonly port: number
  readonly certificateArn: string
}

/**
 * @param reconcileRequest the value of our nudge annotation, kept as it is: taking it away would
 *   be a change of its own
 */
export function buildIngressManifest(
  settings: Settings,
  backend: IngressBackend,
  reconcileRequest: string | undefined,
): IngressManifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: backend.name,
      namespace: settings.namespace,
      annotations: {
        ...annotations(settings, backend.certificateArn),
        ...(reconcileRequest !== undefined && { [reconcileRequestAnnotation]: reconcileRequest }),
      },
    },
    spec: {
      ingressClassName: settings.ingress.className,
      rules: [
        {
          host: settings.host,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: { service: { name: backend.service, port: { number: backend.port } } },
              },
            ],
          },
        },
      ],
    },
  }
}

function annotations({ ingress }: Settings, certificateArn: string): Record<string, string> {
  const optional: readonly [string, string | undefined][] = [
    ['inbound-cidrs', joinList(ingress.inboundCidrs)],
    ['subnets', joinList(ingress.subnets)],
    ['security-groups', joinList(ingress.securityGroups)],
    ['load-balancer-name', ingress.loadBalancerName],
    ['group.name', ingress.groupName],
    [
      'tags',
      joinList(
        Object.entries(ingress.tags).map(([key, value]) => `${key}=${value.replace(/,/g, '\\,')}`),
      ),
    ],
  ]
  const attributesKey = `${prefix}load-balancer-attributes`
  return {
    [`${prefix}scheme`]: ingress.scheme,
    [`${prefix}backend-protocol-version`]: 'GRPC',
    [`${prefix}target-type`]: 'ip',
    [`${prefix}listen-ports`]: JSON.stringify([{ HTTPS: ingress.listenPort }]),
    [`${prefix}certificate-arn`]: certificateArn,
    [`${prefix}ssl-policy`]: ingress.sslPolicy,
    ...Object.fromEntries(
      optional.flatMap(([key, value]) => (value === undefined ? [] : [[prefix + key, value]])),
    ),
    ...ingress.annotations,
    [attributesKey]: addIdleTimeout(ingress.annotations[attributesKey], ingress.idleTimeout),
  }
}

const joinList = (entries: readonly string[]): string | undefined =>
  entries.length === 0 ? undefined : entries.join(',')

/** The idle timeout, and the attributes that the user gives beside it. */
const addIdleTimeout = (userAttributes: string | undefined, seconds: number): string =>
  [`idle_timeout.timeout_seconds=${seconds}`, ...(userAttributes ? [userAttributes] : [])].join(',')

/** The ALB's name, as the Ingress' status has it: proof of nothing. */
export const getIngressHostname = (ingress: Ingress | undefined): string | undefined =>
  ingress?.status?.loadBalancer?.ingress?.[0]?.hostname

/** The ARNs in an Ingress' certificate-arn annotation; the first is the listener's default. */
export function parseCertificateArns(object: KubernetesObject): string[] {
  return (object.metadata.annotations?.[`${prefix}certificate-arn`] ?? '')
    .split(',')
    .map((arn) => arn.trim())
    .filter((arn) => arn !== '')
}

/**
 * The fields of an Ingress to apply, as managedFields names them. spec.rules is atomic. Source:
 * Kubernetes API reference, IngressSpec.
 */
export function buildFieldTree({ metadata }: IngressManifest): FieldsV1 {
  return {
    'f:metadata': {
      'f:annotations': Object.fromEntries(
        Object.keys(metadata.annotations).map((key) => [`f:${key}`, {}]),
      ),
    },
    'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
  }
}

/**
 * The fields of an Ingress that `desired` sets or this action set before, as they were: what an
 * apply has to say to put them back.
 */
export function buildPreviousManifest(before: Ingress, desired: IngressManifest): IngressManifest {
  const ownedKeys = new Set([
    ...ownedAnnotations(before, fieldManager),
    ...Object.keys(desired.metadata.annotations),
  ])
  const annotations = Object.entries(before.metadata.annotations ?? {}).filter(([key]) =>
    ownedKeys.has(key),
  )
  const { ingressClassName, rules } = before.spec
  return {
    ...desired,
    metadata: { ...desired.metadata, annotations: Object.fromEntries(annotations) },
    spec: { ...(ingressClassName !== undefined && { ingressClassName }), ...(rules && { rules }) },
  }
}

/** A field that is not as desired. `after` is absent for one of ours that shall go. */
export interface FieldDifference {
  readonly path: string
  readonly before?: string
  readonly after?: string
}

/**
 * What an apply of `desired` would change in `live`: fields that differ, and annotations of ours
 * that are no longer wanted.
 */
export function diffIngress(
  desired: IngressManifest,
  live: Ingress | undefined,
): FieldDifference[] {
  const desiredAnnotations = desired.metadata.annotations
  const liveAnnotations = live?.metadata.annotations ?? {}
  const removedKeys = live
    ? [...ownedAnnotations(live, fieldManager)].filter(
        (key) => !Object.hasOwn(desiredAnnotations, key) && Object.hasOwn(liveAnnotations, key),
      )
    : []
  return [
    // An annotation may have a name that every object of JavaScript has: constructor.
    ...Object.entries(desiredAnnotations).flatMap(([key, value]) =>
      diffField(
        `metadata.annotations.${key}`,
        Object.hasOwn(liveAnnotations, key) ? liveAnnotations[key] : undefined,
        value,
      ),
    ),
    ...removedKeys.flatMap((key) =>
      diffField(`metadata.annotations.${key}`, liveAnnotations[key], undefined),
    ),
    ...diffField(
      'spec.ingressClassName',
      live?.spec.ingressClassName,
      desired.spec.ingressClassName,
    ),
    ...diffField(
      'spec.rules',
      live && canonicalJson(live.spec.rules),
      canonicalJson(desired.spec.rules),
    ),
  ]
}

function diffField(
  path: string,
  before: string | undefined,
  after: string | undefined,
): FieldDifference[] {
  return before === after
    ? []
    : [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
}

/** JSON with its keys in order, so that equal values are equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
