/** Checks of the Service: what on it would break the target group, and what manages it. */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { undefinedIfDenied } from '../../failures/optional-read.ts'
import { inputInvalid } from '../../failures/inputs.ts'
import {
  serviceAnnotationsConflict,
  serviceWithoutPods,
  type ConflictingAnnotation,
} from '../../failures/service.ts'
import type { Context } from '../step.ts'
import { serviceTypePath, findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import { findManagingTool, unknownFieldManagers } from '../../clients/kubernetes/managing-tool.ts'
import { endpointSlicesPath } from '../../clients/kubernetes/paths.ts'
import type { EndpointSlice, Service } from '../../clients/kubernetes/types.ts'
import { isPortName, truncateForError } from '../../controller/annotation-validators.ts'
import {
  annotationPrefix,
  describeRejected,
  findDeclaration,
  findRejectedAnnotations,
  type RejectedAnnotation,
} from '../../controller/annotations.ts'
import { annotationsRejected } from '../../inputs/annotations.ts'
import type { EndpointSettings, Settings } from '../../inputs/types.ts'
import { buildAnnotations } from '../ingress/manifest.ts'
import type { ClusterRun } from '../run.ts'
import type { Release } from './release.ts'

/** The only value, by name of the annotation, with which gRPC to pods works. */
const requiredValues: Readonly<Record<string, string>> = {
  'target-type': 'ip',
  'backend-protocol-version': 'GRPC',
}

/** The Service that the ALB sends requests to. */
export interface CheckedService {
  readonly service: Service
  /** The port of Milvus' API; undefined when there is none. */
  readonly port: number | undefined
  readonly release: Release | undefined
}

/**
 * Checks the Service itself, and warns of annotations that only change something.
 * @throws ActionError `service-unsupported`, `service-annotations-conflict`, and `input-invalid`
 *   for annotations of the inputs that only the Service decides about
 */
export function checkService(
  context: Context,
  settings: EndpointSettings,
  checked: CheckedService,
): void {
  const { service } = checked
  const { name } = service.metadata
  const problems: ActionError[] = []
  if (service.spec.type === 'ExternalName')
    problems.push(serviceWithoutPods(name, service.spec.externalName ?? ''))
  problems.push(...checkAnnotations(context, settings, checked))
  warnTlsPort(context, settings, checked)
  if (problems.length > 0) throw combineErrors(problems)
}

function checkAnnotations(
  context: Context,
  settings: EndpointSettings,
  { service, port, release }: CheckedService,
): ActionError[] {
  const { name, annotations = {} } = service.metadata
  const servicePath = release ? findValuesPath(release.deployedRevision, name) : []
  const annotationsPath = [...serviceTypePath(servicePath).slice(0, -1), 'annotations']
  const overriding = Object.fromEntries(
    Object.entries(annotations).filter(
      ([key]) =>
        findDeclaration(key)?.isReadFromService === true &&
        !isRemovedByValues(settings, annotationsPath, key),
    ),
  )
  const ingress = {
    annotations: { ...buildAnnotations(settings), ...overriding },
    listenPort: settings.ingress.listenPort,
    service: name,
    servicePort: port,
  }
  const rejected = [
    ...findRejectedAnnotations(ingress, overriding),
    ...findRejectedHealthCheckPort(ingress.annotations, service),
  ]
  const isOnService = ({ key }: RejectedAnnotation): boolean => Object.hasOwn(overriding, key)
  const conflicts = [
    ...findContradictions(overriding),
    ...rejected.filter(isOnService).map(({ key, value, problem }) => ({
      key,
      value: truncateForError(value),
      reason: `which ${problem}`,
    })),
  ]
  for (const [key, value] of Object.entries(overriding))
    if (!conflicts.some((conflict) => conflict.key === key))
      context.log.warn(
        `Service ${name} sets ${key}: ${truncateForError(value)}, which overrides the Ingress ` +
          'for its target group.',
      )
  const problems: ActionError[] = []
  if (conflicts.length > 0)
    problems.push(
      serviceAnnotationsConflict({
        service: name,
        namespace: settings.namespace,
        annotations: conflicts,
        valuesPath: annotationsPath.join('.'),
      }),
    )
  const inputProblems = rejected.filter((each) => !isOnService(each)).map(describeRejected)
  if (inputProblems.length > 0)
    problems.push(inputInvalid('annotations', annotationsRejected(inputProblems)))
  return problems
}

/**
 * The name of a port that the controller does not resolve for ip targets. Source: its
 * model_build_target_group.go, buildTargetGroupHealthCheckPort.
 */
function findRejectedHealthCheckPort(
  annotations: Readonly<Record<string, string>>,
  { metadata, spec }: Service,
): RejectedAnnotation[] {
  const key = `${annotationPrefix}healthcheck-port`
  const value = annotations[key]
  if (value === undefined || !isPortName(value)) return []
  const port = spec.ports?.find(({ name }) => name === value)
  if (!port)
    return [{ key, value, problem: `is not the name of a port of Service ${metadata.name}` }]
  if (typeof port.targetPort !== 'string') return []
  const problem = `is a port whose targetPort is a name (${port.targetPort})`
  return [{ key, value, problem: `${problem}: use traffic-port or a number` }]
}

/** Values that contradict what this action sets on the Ingress. */
function findContradictions(overriding: Readonly<Record<string, string>>): ConflictingAnnotation[] {
  const conflicts: ConflictingAnnotation[] = []
  for (const [name, requiredValue] of Object.entries(requiredValues)) {
    const key = annotationPrefix + name
    const value = overriding[key] ?? requiredValue
    if (value !== requiredValue)
      conflicts.push({ key, value, reason: `the Ingress requires ${requiredValue}` })
  }
  return conflicts
}

/** Whether input values removes an annotation from the Service: Helm removes what is null. */
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

function warnTlsPort(
  context: Context,
  { ingress }: Settings,
  { service, port }: CheckedService,
): void {
  const servicePort = service.spec.ports?.find((candidate) => candidate.port === port)
  const appProtocol = servicePort?.appProtocol ?? ''
  const protocolAnnotation = `${annotationPrefix}backend-protocol`
  const isTlsRequested = ingress.annotations[protocolAnnotation] === 'HTTPS'
  if (port === undefined || !/https|tls|ssl/i.test(appProtocol) || isTlsRequested) return
  context.log.warn(
    `Port ${port} of Service ${service.metadata.name} declares appProtocol ${appProtocol}, but ` +
      'the ALB would send plaintext to Milvus. If Milvus serves TLS itself, add ' +
      `"${protocolAnnotation}: HTTPS" to input annotations.`,
  )
}

/** Logs unknown field managers of the Service, which may revert what Helm changes. */
export function logOtherFieldManagers(context: Context, service: Service | undefined): void {
  if (!service || findManagingTool(service) !== undefined) return
  const otherManagers = unknownFieldManagers(service)
  if (otherManagers.length > 0)
    context.log.note(
      `Fields of Service ${service.metadata.name} were set by ${otherManagers.join(', ')}, which ` +
        'this action does not know. A program that manages the Service reverts what Helm ' +
        'changes; the type then has to be changed there.',
    )
}

/** Warns when no pod behind the Service is ready; does nothing when that cannot be read. */
export async function checkEndpoints(
  { context, settings: { namespace }, clients: { kubernetes } }: ClusterRun,
  service: Service,
): Promise<void> {
  const { name } = service.metadata
  const slices = await undefinedIfDenied(
    kubernetes.list<EndpointSlice>(
      endpointSlicesPath(namespace),
      { labelSelector: `kubernetes.io/service-name=${name}` },
      `list EndpointSlices in namespace ${namespace}`,
    ),
  )
  if (slices === undefined || service.spec.type === 'ExternalName') return
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? [])
  // Unknown means ready. Source: discovery.k8s.io/v1, EndpointConditions.
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false).length
  context.recordTopology({ pods: { ready, total: endpoints.length } })
  if (ready > 0) return
  const reason =
    endpoints.length > 0
      ? `its ${endpoints.length} pods are not ready`
      : 'its selector matches no pod'
  context.log.warn(
    `Service ${name} has no ready endpoint: ${reason}. Until one is ready, the ALB answers with ` +
      'HTTP 503.',
  )
}
