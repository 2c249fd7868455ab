/** The Ingress that the inputs describe, and how a live one differs from it. Pure. */
import { foreignAnnotations, ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type {
  FieldsV1,
  Ingress,
  IngressPath,
  IngressSpec,
  KubernetesObject,
} from '../../clients/kubernetes/types.ts'
import { annotationPrefix as prefix } from '../../controller/annotations.ts'
import { getAttributes } from '../../inputs/load-balancer-attributes.ts'
import type { EndpointSettings } from '../../inputs/types.ts'

/** The field manager of this action. */
export const fieldManager = 'milvus-alb-action'

/** An annotation that the controller does not know: changing it requests a reconcile. */
export const reconcileRequestAnnotation = 'milvus-alb-action/reconcile-requested-at'

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

/** What the Ingress routes to. */
export interface MilvusBackend {
  /** Name of the Ingress. */
  readonly name: string
  readonly service: string
  readonly port: number
  /** The Service of the RESTful API, with the same port; undefined when it is not served. */
  readonly restService: string | undefined
}

/** The paths of the RESTful API. Source: milvus, internal/distributed/proxy/service.go. */
export const restPaths = ['/v1/vector', '/v2/vectordb'] as const

const isRestPath = (path: string | undefined): boolean =>
  restPaths.some((restPath) => restPath === path)

/** Whether an Ingress routes the RESTful API. */
export const servesRest = (ingress: Pick<Ingress, 'spec'> | undefined): boolean =>
  (ingress?.spec.rules ?? []).some(({ http }) => http?.paths.some(({ path }) => isRestPath(path)))

/**
 * Builds the Ingress without its certificate.
 * @param reconcileRequest the live value of that annotation, which is kept: removing it would be a
 *   change
 */
export function buildIngressManifest(
  settings: EndpointSettings,
  backend: MilvusBackend,
  reconcileRequest: string | undefined,
): IngressManifest {
  const annotations = buildAnnotations(settings)
  if (reconcileRequest !== undefined) annotations[reconcileRequestAnnotation] = reconcileRequest
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { name: backend.name, namespace: settings.namespace, annotations },
    spec: {
      ingressClassName: settings.ingress.className,
      rules: [{ host: settings.host, http: { paths: buildPaths(backend) } }],
    },
  }
}

/** The longer paths are first, because `/` matches them too. */
function buildPaths({ service, port, restService }: MilvusBackend): IngressPath[] {
  const buildPath = (path: string, name: string): IngressPath => ({
    path,
    pathType: 'Prefix',
    backend: { service: { name, port: { number: port } } },
  })
  const paths =
    restService === undefined ? [] : restPaths.map((path) => buildPath(path, restService))
  return [...paths, buildPath('/', service)]
}

/** @returns the same manifest with more annotations */
export const withAnnotations = (
  manifest: IngressManifest,
  annotations: Readonly<Record<string, string>>,
): IngressManifest => ({
  ...manifest,
  metadata: {
    ...manifest.metadata,
    annotations: { ...manifest.metadata.annotations, ...annotations },
  },
})

/** The annotations that follow from the inputs: all but that of the certificate. */
export function buildAnnotations({
  ingress,
}: Pick<EndpointSettings, 'ingress'>): Record<string, string> {
  const annotations: Record<string, string> = {
    [`${prefix}scheme`]: ingress.scheme,
    [`${prefix}backend-protocol-version`]: 'GRPC',
    [`${prefix}target-type`]: 'ip',
    [`${prefix}listen-ports`]: JSON.stringify([{ HTTPS: ingress.listenPort }]),
    [`${prefix}ssl-policy`]: ingress.sslPolicy,
  }
  const optionalAnnotations = {
    'inbound-cidrs': joinList(ingress.inboundCidrs),
    subnets: joinList(ingress.subnets),
    'security-groups': joinList(ingress.securityGroups),
    'load-balancer-name': ingress.loadBalancerName,
    'group.name': ingress.groupName,
    tags: joinList(Object.entries(ingress.tags).map(formatTag)),
  }
  for (const [name, value] of Object.entries(optionalAnnotations))
    if (value !== undefined) annotations[prefix + name] = value
  const attributesKey = `${prefix}load-balancer-attributes`
  const attributes = formatAttributes(ingress, ingress.annotations[attributesKey])
  return { ...annotations, ...ingress.annotations, [attributesKey]: attributes }
}

/** The annotations after an apply, without that of the certificate: those of others stay. */
export const effectiveAnnotations = (
  settings: Pick<EndpointSettings, 'ingress'>,
  live: Ingress | undefined,
): Record<string, string> => ({
  ...foreignAnnotations(live, fieldManager),
  ...buildAnnotations(settings),
})

const joinList = (entries: readonly string[]): string | undefined =>
  entries.length === 0 ? undefined : entries.join(',')

/** The controller splits tags at commas that are not escaped. */
const formatTag = ([key, value]: [string, string]): string => `${key}=${value.replace(/,/g, '\\,')}`

/** @param userAttributes from input annotations */
function formatAttributes(
  ingress: EndpointSettings['ingress'],
  userAttributes: string | undefined,
): string {
  const attributes = getAttributes(ingress).map(({ attribute, value }) => `${attribute}=${value}`)
  if (userAttributes) attributes.push(userAttributes)
  return attributes.join(',')
}

/**
 * The ALB's DNS name in the status of an Ingress. It does not mean that the ALB works: it is set
 * before that, and stays after a failed change.
 */
export const getIngressHostname = (ingress: Ingress | undefined): string | undefined =>
  getStatusHostname(ingress, 0)

/** Only a DNS name: workflows may interpolate the outputs that contain it into scripts. */
function getStatusHostname(ingress: Ingress | undefined, index: number): string | undefined {
  const hostname = ingress?.status?.loadBalancer?.ingress?.[index]?.hostname
  return hostname !== undefined && /^[a-z0-9.-]{1,253}$/i.test(hostname) ? hostname : undefined
}

/** The DNS names of an endpoint. */
export interface Addresses {
  readonly alb: string
  /** Of the Network Load Balancer in front of the ALB (annotation enable-frontend-nlb). */
  readonly nlb: string | undefined
}

/** Source: the controller's group_controller.go, updateIngressStatus: the ALB, then the NLB. */
export function getAddresses(ingress: Ingress | undefined): Addresses | undefined {
  const alb = getIngressHostname(ingress)
  if (alb === undefined) return undefined
  return { alb, nlb: getStatusHostname(ingress, 1) }
}

export const certificateArnAnnotation = `${prefix}certificate-arn`

/** The ARNs in an Ingress' certificate-arn annotation; the first is the listener's default. */
export function parseCertificateArns(object: KubernetesObject): string[] {
  return (object.metadata.annotations?.[certificateArnAnnotation] ?? '')
    .split(',')
    .map((arn) => arn.trim())
    .filter((arn) => arn !== '')
}

/**
 * The fields that a manifest with these annotations sets, in the format of managedFields.
 * spec.rules is atomic. Source: Kubernetes API reference, IngressSpec.
 */
export function buildFieldTree(annotations: readonly string[]): FieldsV1 {
  return {
    'f:metadata': {
      'f:annotations': Object.fromEntries(annotations.map((key) => [`f:${key}`, {}])),
    },
    'f:spec': { 'f:ingressClassName': {}, 'f:rules': {} },
  }
}

/**
 * The manifest that restores an Ingress: the previous values of all fields that `desired` sets, or
 * that this action set before.
 */
export function buildPreviousManifest(before: Ingress, desired: IngressManifest): IngressManifest {
  const ownedKeys = new Set([
    ...ownedAnnotations(before, fieldManager),
    ...Object.keys(desired.metadata.annotations),
  ])
  const annotations = Object.fromEntries(
    Object.entries(before.metadata.annotations ?? {}).filter(([key]) => ownedKeys.has(key)),
  )
  const { ingressClassName, rules } = before.spec
  return {
    ...desired,
    metadata: { ...desired.metadata, annotations },
    spec: { ...(ingressClassName !== undefined && { ingressClassName }), ...(rules && { rules }) },
  }
}

/** A field that an apply would change. `after` is absent for one that is removed. */
export interface FieldDifference {
  readonly path: string
  readonly before?: string
  readonly after?: string
}

/**
 * What an apply of `desired` would change: fields that differ, and annotations that this action set
 * and that are no longer desired.
 */
export function diffIngress(
  desired: IngressManifest,
  live: Ingress | undefined,
): FieldDifference[] {
  return [
    ...diffAnnotations(desired.metadata.annotations, live),
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

export function diffAnnotations(
  desired: Readonly<Record<string, string>>,
  live: KubernetesObject | undefined,
): FieldDifference[] {
  const liveAnnotations = live?.metadata.annotations ?? {}
  // An annotation may be called like a property of Object.prototype: constructor.
  const getLiveValue = (key: string) =>
    Object.hasOwn(liveAnnotations, key) ? liveAnnotations[key] : undefined
  const ownedKeys = live ? [...ownedAnnotations(live, fieldManager)] : []
  const removedKeys = ownedKeys.filter((key) => !Object.hasOwn(desired, key))
  return [
    ...Object.entries(desired).flatMap(([key, value]) =>
      diffField(`metadata.annotations.${key}`, getLiveValue(key), value),
    ),
    ...removedKeys.flatMap((key) =>
      diffField(`metadata.annotations.${key}`, getLiveValue(key), undefined),
    ),
  ]
}

export function diffField(
  path: string,
  before: string | undefined,
  after: string | undefined,
): FieldDifference[] {
  if (before === after) return []
  return [{ path, ...(before !== undefined && { before }), ...(after !== undefined && { after }) }]
}

/** JSON with sorted keys, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
