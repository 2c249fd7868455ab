/** The Service of Milvus' API: which one, its port, and what on it would spoil the target group. */
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import {
  apiComponents,
  findApiServices,
  milvusChartName,
  hasMilvusComponents,
  hasMilvusPort,
  isApiComponent,
  isMilvusComponent,
  nameLabel,
  findServices,
  serviceTypePath,
  findValuesPath,
} from '../../clients/helm/milvus-chart.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { findManagingTool, unknownFieldManagers } from '../../clients/kubernetes/managing-tool.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { EndpointSlice, Service } from '../../clients/kubernetes/types.ts'
import { fallbackIfForbidden } from '../../clients/kubernetes/api-errors.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Release } from './release.ts'

/**
 * The release that an object belongs to, as helm marks it. Source: helm, pkg/action/validate.go.
 */
export const releaseNameOf = ({ metadata }: Service): string | undefined =>
  metadata.annotations?.['meta.helm.sh/release-name']

const isApiServiceOf = ({ metadata }: Service, release: string): boolean =>
  isApiComponent(metadata.labels) && isMilvusComponent(metadata.labels, release)

/**
 * The possible values of that label in a release of the chart; undefined for a chart that contains
 * it, where an alias may change the label.
 */
function possibleNameLabels(release: Release): readonly unknown[] | undefined {
  if (release.deployedRevision.chart.name !== milvusChartName) return undefined
  return [release.deployedRevision, release.latestRevision].map(
    ({ values }) => values['nameOverride'] || milvusChartName,
  )
}

/** Whether its ports look like those of Milvus. */
export const hasMilvusPorts = ({ spec }: Service): boolean => hasMilvusPort(spec.ports)

/**
 * Of Services as they come, those that can be meant, or named in their place: the others are not
 * kept.
 */
export const filterCandidateServices =
  (settings: Settings) =>
  (services: readonly Service[]): Service[] =>
    services.filter(
      (service) =>
        service.metadata.name === settings.service ||
        isApiComponent(service.metadata.labels) ||
        hasMilvusPorts(service),
    )

/**
 * @param release undefined without one, or when it may not be read: its Service is then known by
 *   its marks
 * @throws ActionError `service-not-found`, `service-ambiguous`, `release-chart-unsupported`
 */
export function findService(
  settings: Settings,
  services: readonly Service[],
  release: Release | undefined,
): Service {
  const isCandidate = (service: Service): boolean => {
    if (release)
      return (
        isApiServiceOf(service, release.latestRevision.name) &&
        (possibleNameLabels(release)?.includes(service.metadata.labels?.[nameLabel]) ?? true)
      )
    if (settings.service !== undefined) return service.metadata.name === settings.service
    const owner = releaseNameOf(service)
    return (
      owner !== undefined && (settings.release ?? owner) === owner && isApiServiceOf(service, owner)
    )
  }
  const candidates = services.filter(isCandidate)
  const likeliest = preferLikeliest(candidates)
  const [first, second] = likeliest
  if (!first)
    throw release && settings.service === undefined
      ? missingServiceError(settings, services, release)
      : serviceNotFoundError(settings)
  if (!second) return first
  throw new ActionError({
    code: 'service-ambiguous',
    problem: `${release ? `Release ${release.latestRevision.name}` : `Namespace ${settings.namespace}`} has ${likeliest.length} Services of Milvus' API: ${likeliest.map(({ metadata }) => metadata.name).join(', ')}.`,
    remedy: 'Set service in place of release to the one that is meant.',
  })
}

/**
 * Of several, the one that is more likely. Without the values nobody knows of a nameOverride, and a
 * subchart may have any alias: the chart's own name and Milvus' port decide only between several.
 */
function preferLikeliest(candidates: readonly Service[]): readonly Service[] {
  return [
    (service: Service) => service.metadata.labels?.[nameLabel] === milvusChartName,
    hasMilvusPorts,
  ].reduce((remaining, isPreferred) => {
    const preferred = remaining.filter(isPreferred)
    return remaining.length > 1 && preferred.length > 0 ? preferred : remaining
  }, candidates)
}

const serviceNotFoundError = (settings: Settings): ActionError =>
  new ActionError({
    code: 'service-not-found',
    problem:
      settings.service === undefined
        ? `Release ${settings.release ?? 'of the chart milvus'} has no Service of Milvus' API in namespace ${settings.namespace} (labels ${nameLabel} and app.kubernetes.io/instance, component ${apiComponents.join(' or ')}).`
        : `There is no Service ${settings.service} in namespace ${settings.namespace}.`,
    remedy: `Look at "kubectl get services -n ${settings.namespace} --show-labels"; in cluster mode the chart makes it only with proxy.enabled.`,
  })

/**
 * Why a release has no Service of Milvus' API: it was deleted, the chart is of another vendor, or
 * it makes none with these values.
 */
function missingServiceError(
  settings: Settings,
  services: readonly Service[],
  { latestRevision: last, deployedRevision: current }: Release,
): ActionError {
  const [renderedService] = findApiServices(current)
  if (renderedService) {
    return new ActionError({
      code: 'service-not-found',
      problem: `Service ${renderedService.name} of release ${last.name} is not in namespace ${settings.namespace}: somebody deleted it.`,
      remedy: `Create it again as "helm get manifest ${last.name} -n ${settings.namespace}" shows it (a helm upgrade of the release does so too), then run the job again.`,
    })
  }
  const isOfOtherVendor =
    !hasMilvusComponents(current) &&
    findServices(current.manifest).some((service) => service.hasMilvusPort)
  if (!isOfOtherVendor) return serviceNotFoundError({ ...settings, release: last.name })
  const { name, version, origin } = current.chart
  const milvusServiceNames = services
    .filter((service) => releaseNameOf(service) === last.name && hasMilvusPorts(service))
    .map(({ metadata }) => metadata.name)
  return new ActionError({
    code: 'release-chart-unsupported',
    problem: `Release ${last.name} was made with chart ${name} ${version}${origin === undefined ? '' : ` of ${origin}`}, which is not Milvus' own (https://github.com/zilliztech/milvus-helm): its objects have other labels, and its values other paths.`,
    remedy: `Set service${milvusServiceNames.length === 0 ? " to the Service of Milvus' API" : `: ${milvusServiceNames.join(' or ')}`} in place of release: helm is then left alone. Make that Service ClusterIP in the values of the release.`,
  })
}

/**
 * The port of the gRPC API: the one asked for, else by the name that the chart gives it, else by
 * its usual number.
 * @throws ActionError `service-port-not-found`
 */
export function findPort(settings: Settings, service: Service): number {
  const ports = service.spec.ports ?? []
  const requestedPort = settings.servicePort
  const servicePort =
    requestedPort === undefined
      ? (ports.find(({ name }) => name === 'milvus') ?? ports.find(({ port }) => port === 19530))
      : ports.find(({ port }) => port === requestedPort)
  if (servicePort) return servicePort.port
  throw new ActionError({
    code: 'service-port-not-found',
    problem: `Service ${service.metadata.name} has no port ${requestedPort ?? 'named milvus, nor 19530'}; it has ${ports.map(({ name, port }) => (name ? `${port} (${name})` : String(port))).join(', ') || 'none'}.`,
    remedy: "Set service-port to the port of Milvus' gRPC API.",
  })
}

/**
 * Annotations of a Service that win over the same ones of the Ingress. Source: the controller's
 * model_build_target_group.go, MergeStringMap.
 */
const targetGroupAnnotation =
  /^alb\.ingress\.kubernetes\.io\/(target-type|backend-protocol|backend-protocol-version|success-codes|healthcheck-[a-z-]+|healthy-threshold-count|unhealthy-threshold-count|target-group-attributes|target-node-labels)$/

/** What of those would break the way to Milvus: annotation -> what the Ingress needs. */
const requiredAnnotationValues: Readonly<
  Record<
    string,
    { readonly isCompatible: (value: string) => boolean; readonly requirement: string }
  >
> = {
  'target-type': { isCompatible: (value) => value === 'ip', requirement: 'ip' },
  'backend-protocol-version': { isCompatible: (value) => value === 'GRPC', requirement: 'GRPC' },
  // Source: ELBv2, Matcher.GrpcCode: 0 to 99.
  'success-codes': {
    isCompatible: (value) => (value.match(/\d+/g) ?? []).every((code) => Number(code) <= 99),
    requirement: 'codes of gRPC, 0 to 99',
  },
  'healthcheck-protocol': {
    isCompatible: (value) => /^HTTPS?$/.test(value),
    requirement: 'HTTP or HTTPS',
  },
}

/**
 * What is wrong with the Service itself. Warns of what only changes something.
 * @throws ActionError `service-unsupported`, `service-annotations-conflict`
 */
export function checkService(
  context: Context,
  settings: Settings,
  service: Service,
  port: number,
  release?: Release,
): void {
  const { name, annotations = {} } = service.metadata
  const problems: ActionError[] = []
  if (service.spec.type === 'ExternalName') {
    problems.push(
      new ActionError({
        code: 'service-unsupported',
        problem: `Service ${name} is of type ExternalName (${service.spec.externalName ?? ''}): it has no pods that an ALB with ip targets could reach.`,
        remedy: 'Set service (or release) to the Service of the Milvus in this cluster.',
      }),
    )
  }
  const annotationsPath = [
    ...serviceTypePath(release ? findValuesPath(release.deployedRevision, name) : []).slice(0, -1),
    'annotations',
  ]
  const overriding = Object.entries(annotations).filter(
    ([key]) =>
      targetGroupAnnotation.test(key) && !isRemovedByValues(settings, annotationsPath, key),
  )
  const conflicting = overriding.filter(
    ([key, value]) =>
      requiredAnnotationValues[key.split('/')[1] ?? '']?.isCompatible(value) === false,
  )
  if (conflicting.length > 0) {
    problems.push(
      new ActionError({
        code: 'service-annotations-conflict',
        problem: `Annotations of Service ${name} win over those of the Ingress for its target group: ${conflicting.map(([key, value]) => `${key}: ${value}, where the Ingress needs ${requiredAnnotationValues[key.split('/')[1] ?? '']?.requirement ?? ''}`).join('; ')}.`,
        remedy: `Take them off: in the release's values under ${annotationsPath.join('.')}, or with "kubectl annotate service ${name} -n ${settings.namespace} ${conflicting.map(([key]) => `${key}-`).join(' ')}".`,
      }),
    )
  }
  overriding
    .filter((entry) => !conflicting.includes(entry))
    .forEach(([key, value]) =>
      context.log.warn(
        `Service ${name} has ${key}: ${value}: for the target group it wins over the Ingress.`,
      ),
    )
  const appProtocol =
    service.spec.ports?.find((candidate) => candidate.port === port)?.appProtocol ?? ''
  if (
    /https|tls|ssl/i.test(appProtocol) &&
    settings.ingress.annotations['alb.ingress.kubernetes.io/backend-protocol'] !== 'HTTPS'
  ) {
    context.log.warn(
      `Port ${port} of Service ${name} says appProtocol ${appProtocol}, and the ALB would send Milvus plaintext: if Milvus serves TLS itself, add "alb.ingress.kubernetes.io/backend-protocol: HTTPS" to input annotations.`,
    )
  }
  if (problems.length > 0) throw combineErrors(problems)
}

/** Whether the input values takes an annotation off the Service: null is helm's word for that. */
function isRemovedByValues(
  { values }: Settings,
  annotationsPath: readonly string[],
  key: string,
): boolean {
  return (
    getHelmValue(values, annotationsPath) === null ||
    getHelmValue(values, [...annotationsPath, key]) === null
  )
}

/**
 * Names who else writes the Service of a release, where nobody here knows whether it sets back what
 * helm changes.
 */
export function logOtherFieldManagers(context: Context, service: Service | undefined): void {
  if (!service || findManagingTool(service) !== undefined) return
  const otherManagers = unknownFieldManagers(service)
  if (otherManagers.length > 0)
    context.log.note(
      `Fields of Service ${service.metadata.name} were set by ${otherManagers.join(', ')}, which this action does not know: a program that keeps the Service sets back what helm changes, and then the type has to be changed there.`,
    )
}

/**
 * Warns when there is nothing behind the Service, which an ALB answers with 503; says nothing when
 * that may not be read.
 */
export async function checkEndpoints(
  context: Context,
  { namespace }: Settings,
  kubernetes: KubernetesClient,
  service: Service,
): Promise<void> {
  const { name } = service.metadata
  const request = kubernetes.list<EndpointSlice>(
    paths.endpointSlicesPath(namespace),
    { labelSelector: `kubernetes.io/service-name=${name}` },
    `list EndpointSlices in namespace ${namespace}`,
  )
  const slices = await fallbackIfForbidden(request, () => undefined)
  if (slices === undefined || service.spec.type === 'ExternalName') return
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? [])
  // Unknown is ready. Source: discovery.k8s.io/v1, EndpointConditions.
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false).length
  context.recordTopology({ pods: { ready, total: endpoints.length } })
  if (ready > 0) return
  const reason =
    endpoints.length > 0
      ? `its ${endpoints.length} pods are not ready`
      : 'its selector finds no pod'
  context.log.warn(
    `Service ${name} has no ready endpoint: ${reason}. Until that changes the ALB answers 503.`,
  )
}
