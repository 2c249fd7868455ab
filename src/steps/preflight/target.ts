/** The objects in the cluster that the inputs refer to. */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { settleAll, toActionError } from '../../failures/thrown.ts'
import { namespaceNotFound } from '../../failures/cluster.ts'
import type { Context } from '../step.ts'
import { findSecretValues } from '../../clients/helm/values.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { checkRestService, findRestService } from '../ingress/rest-service.ts'
import { findManagingTool, type ManagingTool } from '../../clients/kubernetes/managing-tool.ts'
import { eventsPath, namespacePath, servicesPath } from '../../clients/kubernetes/paths.ts'
import type { KubernetesObject, Event, Ingress, Service } from '../../clients/kubernetes/types.ts'
import { buildEventSelector, keepLatestStatusEvent } from '../../controller/events.ts'
import type { EndpointSettings, Settings } from '../../inputs/types.ts'
import type { ClusterRun } from '../run.ts'
import type { ClassParams, IngressClassInfo } from './ingress-class.ts'
import { rejectChartIngress, rejectForeignIngress } from './ingress-ownership.ts'
import { logOldLoadBalancerNotes } from './old-load-balancer.ts'
import { findReleaseIfReadable, type Release } from './release.ts'
import { checkEndpoints, checkService, logOtherFieldManagers } from './service-checks.ts'
import { findPort, findService, filterCandidateServices, releaseNameOf } from './service.ts'

/** The Service of Milvus' API. */
export interface MilvusService {
  readonly name: string
  readonly type: string
  /** The whole Service as it was read. */
  readonly live?: Service
}

/** What the inputs refer to. */
export interface Target {
  readonly namespace: { readonly name: string; readonly uid: string }
  /** Undefined when `service` names a Milvus without a Helm release. */
  readonly release: Release | undefined
  /** Name of the release in a check or dry run that may not read it, from its Service. */
  readonly unreadableReleaseName: string | undefined
  readonly service: MilvusService & { readonly port: number }
  /** The tool that manages the Service and would revert what Helm changes. */
  readonly manager: ManagingTool | undefined
  readonly ingressName: string
  /** The live Ingress of that name; undefined when it does not exist. */
  readonly ingress: Ingress | undefined
  /**
   * The live Service with the name of the one that this action creates for the RESTful API;
   * undefined when it does not exist.
   */
  readonly restService: Service | undefined
  /** The events of the Ingress. */
  readonly events: readonly Event[]
  /** What the class overrides. */
  readonly classParams: ClassParams
  /** The controller of the class; undefined when the class cannot be read. */
  readonly classController: string | undefined
}

/** A target while its class is not known. */
export type TargetWithoutClass = Omit<Target, 'classParams' | 'classController'>

/** Reads that several parts of preflight share. */
export interface NamespaceReads {
  readonly namespace: Promise<KubernetesObject>
  readonly ingresses: Promise<readonly Ingress[]>
}

/** The objects of a target, without what is read about them. */
export interface TargetObjects extends Pick<
  Target,
  'release' | 'unreadableReleaseName' | 'ingressName' | 'ingress' | 'restService'
> {
  readonly namespace: KubernetesObject
  readonly service: Service
}

/** @throws ActionError of every problem because of which an object is not found */
export async function findObjects(
  run: ClusterRun<EndpointSettings>,
  { namespace: namespacePromise, ingresses: ingressesPromise }: NamespaceReads,
): Promise<TargetObjects> {
  const { context, settings, clients } = run
  const { kubernetes } = clients
  const servicesPromise = listCandidateServices(kubernetes, settings)
  const [namespace, release, services, ingresses] = await settleAll([
    namespacePromise,
    settings.service === undefined
      ? findReleaseIfReadable(run, servicesPromise)
      : Promise.resolve(undefined),
    servicesPromise,
    ingressesPromise,
  ] as const)
  const service = findService(settings, services, release)
  const unreadableReleaseName =
    release || settings.service !== undefined ? undefined : releaseNameOf(service)
  const ingressName =
    settings.ingress.name ??
    release?.latestRevision.name ??
    unreadableReleaseName ??
    service.metadata.name
  const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
  const restService = findRestService(services, ingressName)
  redactSecretValues(context, release)
  return { namespace, release, unreadableReleaseName, service, ingressName, ingress, restService }
}

/**
 * Checks the objects, reads the events of the Ingress, and checks the endpoints of the Service.
 * @throws ActionError of every problem
 */
export async function completeTarget(
  run: ClusterRun<EndpointSettings>,
  objectsPromise: Promise<TargetObjects>,
  ingressClass: Promise<IngressClassInfo>,
): Promise<TargetWithoutClass> {
  const { context, settings, clients } = run
  // A problem of the class is reported by its own check.
  const classInfo = await ingressClass.catch(() => undefined)
  const { namespace, service, ...objects } = await objectsPromise
  const { release, ingressName, ingress } = objects
  const port = checkObjects(context, settings, {
    ...objects,
    service,
    controller: classInfo?.controller,
  })
  if (release) {
    logOldLoadBalancerNotes(context, service, settings.host)
    logOtherFieldManagers(context, service)
  }
  const [events] = await settleAll([
    listIngressEvents(clients.kubernetes, settings.namespace, { ingressName, ingress }),
    checkEndpoints(run, service),
  ] as const)
  return {
    ...objects,
    namespace: { name: settings.namespace, uid: namespace.metadata.uid },
    service: { ...describeService(service), port },
    manager: findManagingTool(service),
    events,
  }
}

export const describeService = (live: Service): MilvusService => ({
  name: live.metadata.name,
  type: live.spec.type ?? 'ClusterIP',
  live,
})

/** Lists the Services that may be Milvus' API, or are worth suggesting. */
export const listCandidateServices = (
  kubernetes: KubernetesClient,
  settings: Settings,
): Promise<Service[]> =>
  kubernetes.list<Service>(
    servicesPath(settings.namespace),
    {},
    `list Services in namespace ${settings.namespace}`,
    filterCandidateServices(settings),
  )

/** Lists only the latest status event of the Ingress, because a namespace may have many events. */
const listIngressEvents = (
  kubernetes: KubernetesClient,
  namespace: string,
  { ingressName, ingress }: Pick<Target, 'ingressName' | 'ingress'>,
): Promise<Event[]> =>
  kubernetes.list<Event>(
    eventsPath(namespace),
    buildEventSelector(ingressName),
    `list Events in namespace ${namespace}`,
    keepLatestStatusEvent(({ involvedObject }) => involvedObject.uid === ingress?.metadata.uid),
  )

function redactSecretValues(context: Context, release: Release | undefined): void {
  for (const values of [release?.deployedRevision.values, release?.latestRevision.values])
    for (const secret of findSecretValues(values)) context.redactSuspectedSecret(secret)
}

/**
 * @returns the port of Milvus' API
 * @throws ActionError of every problem
 */
function checkObjects(
  context: Context,
  settings: EndpointSettings,
  objects: Pick<Target, 'release' | 'ingress' | 'ingressName' | 'restService'> & {
    readonly service: Service
    readonly controller: string | undefined
  },
): number {
  const { release, service, ingress, ingressName, restService, controller } = objects
  const problems: ActionError[] = []
  const collect = <T>(check: () => T): T | undefined => {
    try {
      return check()
    } catch (thrown) {
      problems.push(toActionError(thrown))
      return undefined
    }
  }
  const port = collect(() => findPort(settings, service))
  collect(() => checkService(context, settings, { service, port, release }))
  const serviceName = service.metadata.name
  const milvus = port === undefined ? undefined : { service, port }
  if (ingress) collect(() => rejectForeignIngress(settings, ingress, { milvus, controller }))
  else collect(() => rejectChartIngress(settings, release, { serviceName, ingressName }))
  if (settings.ingress.rest) collect(() => checkRestService(service, restService, ingressName))
  if (problems.length > 0 || port === undefined) throw combineErrors(problems)
  return port
}

/** @throws ActionError `namespace-not-found` */
export async function findNamespace(
  kubernetes: KubernetesClient,
  name: string,
): Promise<KubernetesObject> {
  const namespace = await kubernetes.get<KubernetesObject>(
    namespacePath(name),
    `read namespace ${name}`,
  )
  if (!namespace) throw namespaceNotFound(name)
  return namespace
}
