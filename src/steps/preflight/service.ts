/** Finds the Service of Milvus' API and its port. */
import type { ActionError } from '../../failures/action-error.ts'
import {
  chartUnsupported,
  milvusServiceNotFound,
  serviceAmbiguous,
  serviceDeleted,
  serviceNotFound,
  servicePortNotFound,
} from '../../failures/service.ts'
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
} from '../../clients/helm/milvus-chart.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import { isRestService, mayBeRestService } from '../ingress/rest-service.ts'
import type { Release } from './release.ts'

/** The release that an object belongs to. Source: Helm, pkg/action/validate.go. */
export const releaseNameOf = ({ metadata }: Service): string | undefined =>
  metadata.annotations?.['meta.helm.sh/release-name']

const isApiServiceOf = ({ metadata }: Service, release: string): boolean =>
  isApiComponent(metadata.labels) && isMilvusComponent(metadata.labels, release)

/**
 * The possible values of the name label in a release of the chart; undefined for a chart that
 * contains it as a dependency, where an alias can change the label.
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
 * A filter for lists: Services that may be Milvus' API, or are worth suggesting, and those for the
 * RESTful API.
 */
export const filterCandidateServices =
  (settings: Settings) =>
  (services: readonly Service[]): Service[] =>
    services.filter(
      (service) =>
        service.metadata.name === settings.service ||
        isApiComponent(service.metadata.labels) ||
        hasMilvusPorts(service) ||
        mayBeRestService(service),
    )

/**
 * @param release undefined when `service` names a Milvus without one, and when it cannot be read:
 *   its Service is then identified by labels and annotations
 * @throws ActionError `service-not-found`, `service-ambiguous`, `release-chart-unsupported`
 */
export function findService(
  settings: Settings,
  services: readonly Service[],
  release: Release | undefined,
): Service {
  const candidates = preferLikeliest(
    services.filter((service) => isCandidate(settings, service, release)),
  )
  const [first, second] = candidates
  if (!first) throw createNotFoundError(settings, services, release)
  if (!second) return first
  const owner = release
    ? `Release ${release.latestRevision.name}`
    : `Namespace ${settings.namespace}`
  throw serviceAmbiguous(
    owner,
    candidates.map(({ metadata }) => metadata.name),
  )
}

function isCandidate(settings: Settings, service: Service, release: Release | undefined): boolean {
  if (release) {
    const nameLabels = possibleNameLabels(release)
    return (
      isApiServiceOf(service, release.latestRevision.name) &&
      (nameLabels?.includes(service.metadata.labels?.[nameLabel]) ?? true)
    )
  }
  if (settings.service !== undefined) return service.metadata.name === settings.service
  const owner = releaseNameOf(service)
  return (
    owner !== undefined && (settings.release ?? owner) === owner && isApiServiceOf(service, owner)
  )
}

/**
 * Narrows several candidates down. A nameOverride is not known without the values, and a subchart
 * can have any alias: the chart's own name and Milvus' port only decide between several.
 */
function preferLikeliest(candidates: readonly Service[]): readonly Service[] {
  const hasChartName = ({ metadata }: Service): boolean =>
    metadata.labels?.[nameLabel] === milvusChartName
  let remaining = candidates
  for (const isPreferred of [hasChartName, hasMilvusPorts]) {
    const preferred = remaining.filter(isPreferred)
    if (remaining.length > 1 && preferred.length > 0) remaining = preferred
  }
  return remaining
}

function createNotFoundError(
  settings: Settings,
  services: readonly Service[],
  release: Release | undefined,
): ActionError {
  const { service, namespace } = settings
  if (service !== undefined)
    return serviceNotFound(
      service,
      namespace,
      services
        .filter((candidate) => hasMilvusPorts(candidate) && !isRestService(candidate))
        .map(({ metadata }) => metadata.name),
    )
  return release
    ? createMissingServiceError(namespace, services, release)
    : apiServiceNotFound(namespace, settings.release)
}

const apiServiceNotFound = (namespace: string, release: string | undefined): ActionError =>
  milvusServiceNotFound({
    release,
    namespace,
    labels:
      `labels ${nameLabel} and app.kubernetes.io/instance, ` +
      `component ${apiComponents.join(' or ')}`,
  })

/**
 * Why a release has no Service for Milvus' API: it was deleted, the chart is another vendor's, or
 * the values disable it.
 */
function createMissingServiceError(
  namespace: string,
  services: readonly Service[],
  { latestRevision, deployedRevision }: Release,
): ActionError {
  const release = latestRevision.name
  const [renderedService] = findApiServices(deployedRevision)
  if (renderedService) return serviceDeleted({ name: renderedService.name, release, namespace })
  const isOfOtherVendor =
    !hasMilvusComponents(deployedRevision) &&
    findServices(deployedRevision.manifest).some((service) => service.hasMilvusPort)
  if (!isOfOtherVendor) return apiServiceNotFound(namespace, release)
  const serviceNames = services
    .filter((service) => releaseNameOf(service) === release && hasMilvusPorts(service))
    .map(({ metadata }) => metadata.name)
  return chartUnsupported({ release, chart: deployedRevision.chart, serviceNames })
}

/**
 * The port of the gRPC API: input service-port, or else the port with the chart's name, or else the
 * default port.
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
  const availablePorts = ports.map(({ name, port }) => (name ? `${port} (${name})` : String(port)))
  throw servicePortNotFound(service.metadata.name, requestedPort, availablePorts)
}
