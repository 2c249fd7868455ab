/** preflight of a removal: what exists, and whether this action created it. */
import type { ActionError } from '../../failures/action-error.ts'
import { toActionError, settleAll } from '../../failures/thrown.ts'
import { ingressToRemoveNotOurs } from '../../failures/ingress-ownership.ts'
import { releaseToRemoveNotFound } from '../../failures/release-lookup.ts'
import { readOptional } from '../../failures/optional-read.ts'
import { servesRest } from '../ingress/manifest.ts'
import { readRestService } from '../ingress/rest-service-operations.ts'
import { getRestServiceName } from '../ingress/rest-service.ts'
import type { Context } from '../step.ts'
import { findManagingTool, specManagers } from '../../clients/kubernetes/managing-tool.ts'
import { ingressesPath } from '../../clients/kubernetes/paths.ts'
import type { Ingress, Service } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import type { ClusterRun } from '../run.ts'
import { isAppliedByAction } from './ingress-ownership.ts'
import { removalPermissions, type PermissionChecker } from './permissions.ts'
import { findRelease, type Release } from './release.ts'
import { logOtherFieldManagers } from './service-checks.ts'
import { findService } from './service.ts'
import {
  describeService,
  findNamespace,
  listCandidateServices,
  type MilvusService,
  type Target,
} from './target.ts'

/** A Service whose type changes back, and its release. */
export type RestorableService = Pick<Target, 'namespace' | 'release' | 'manager'> & {
  readonly service: MilvusService
}

/** The Ingress of a removal, and what belongs to it. */
export interface IngressRemovalTarget {
  readonly namespace: Target['namespace']
  readonly ingressName: string
  /** The Ingress that this action created; undefined when it does not exist. */
  readonly ingress: Ingress | undefined
  /** The Service with the name of the one for the RESTful API; undefined when there is none. */
  readonly restService: Service | undefined
  /** The other Ingresses of the namespace; undefined when they were not read. */
  readonly otherIngresses: readonly Ingress[] | undefined
}

/** What the inputs of a removal refer to. */
export interface RemovalTarget extends IngressRemovalTarget {
  readonly otherIngresses: readonly Ingress[]
  /** The release whose Service gets another type; undefined when none does. */
  readonly serviceToRestore: RestorableService | undefined
}

/** @throws ActionError of every problem found */
export async function observeRemoval(
  run: ClusterRun,
  access: PermissionChecker,
): Promise<RemovalTarget> {
  const { settings } = run
  try {
    return await findRemovalTarget(run)
  } catch (thrown) {
    const storage = needsRelease(settings) ? settings.helmStorage : undefined
    throw await access.explainForbidden(
      toActionError(thrown),
      removalPermissions(settings.namespace, storage),
    )
  }
}

/** The name of the Ingress, when the inputs alone determine it. */
const ingressNameFromInputs = ({ ingress, service, release }: Settings): string | undefined =>
  ingress.name ?? service ?? release

/** Without need, a release that was uninstalled or is pending does not block the removal. */
const needsRelease = (settings: Settings): boolean =>
  ingressNameFromInputs(settings) === undefined || settings.serviceType !== undefined

async function findRemovalTarget(run: ClusterRun): Promise<RemovalTarget> {
  const { context, settings, clients } = run
  const { kubernetes } = clients
  const { namespace: name, serviceType } = settings
  const ingressesPromise = kubernetes.list<Ingress>(
    ingressesPath(name),
    {},
    `list Ingresses in namespace ${name}`,
  )
  const servicesPromise = needsRelease(settings)
    ? listCandidateServices(kubernetes, settings)
    : Promise.resolve([])
  const findReleaseOrSuggest = async (): Promise<Release> => {
    try {
      return await findRelease(run, servicesPromise)
    } catch (thrown) {
      throw suggestIngresses(toActionError(thrown), settings, await ingressesPromise)
    }
  }
  const [namespaceObject, ingresses, services, release] = await settleAll([
    findNamespace(kubernetes, name),
    ingressesPromise,
    servicesPromise,
    needsRelease(settings) ? findReleaseOrSuggest() : Promise.resolve(undefined),
  ] as const)
  const ingressName = ingressNameFromInputs(settings) ?? release?.latestRevision.name
  if (ingressName === undefined) throw new TypeError('a release names the Ingress, or an input')
  const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
  if (ingress) requireOwnIngress(settings, ingress)
  else warnOtherIngresses(context, ingressName, ingresses)
  const restService = await observeRestService(run, ingressName, ingress)
  const namespace = { name, uid: namespaceObject.metadata.uid }
  const service = serviceType === undefined ? undefined : findService(settings, services, release)
  logOtherFieldManagers(context, service)
  return {
    namespace,
    ingressName,
    ingress,
    restService,
    otherIngresses: ingresses.filter((other) => other !== ingress),
    serviceToRestore: service && describeRestoration(namespace, release, service),
  }
}

/**
 * Few deployments have the Service, and a removal of the others needs no permission for it.
 * @param ingress the one that this action created
 */
async function observeRestService(
  run: ClusterRun,
  ingressName: string,
  ingress: Ingress | undefined,
): Promise<Service | undefined> {
  const read = await readOptional(readRestService(run, ingressName))
  if (read.available) return read.value
  if (servesRest(ingress)) throw read.failure
  run.context.log.note(
    `Not allowed to read Service ${getRestServiceName(ingressName)} (get services). If an ` +
      'earlier run with rest: true left it behind, delete it by hand.',
  )
  return undefined
}

const describeRestoration = (
  namespace: Target['namespace'],
  release: Release | undefined,
  service: Service,
): RestorableService => ({
  namespace,
  release,
  service: describeService(service),
  manager: findManagingTool(service),
})

const namesOfCreatedIngresses = (ingresses: readonly Ingress[]): string[] =>
  ingresses.filter(isAppliedByAction).map(({ metadata }) => metadata.name)

/** The Ingress does not exist: warns when this action created others, which may be intended. */
function warnOtherIngresses(
  context: Context,
  ingressName: string,
  ingresses: readonly Ingress[],
): void {
  const created = namesOfCreatedIngresses(ingresses)
  if (created.length === 0) return
  const consequence =
    created.length === 1
      ? 'It remains, with its load balancer.'
      : 'They remain, with their load balancers.'
  context.log.warn(
    `Ingress ${ingressName} does not exist, but this action created ${created.join(', ')} in ` +
      `this namespace. ${consequence} Set ingress-name to the one to remove.`,
  )
}

/** A missing release is no obstacle to a removal whose inputs name the Ingress. */
const suggestIngresses = (
  error: ActionError,
  { serviceType }: Settings,
  ingresses: readonly Ingress[],
): ActionError =>
  error.code === 'release-not-found'
    ? releaseToRemoveNotFound(error, {
        restoresServiceType: serviceType !== undefined,
        createdIngresses: namesOfCreatedIngresses(ingresses),
      })
    : error

function requireOwnIngress({ namespace }: Settings, ingress: Ingress): void {
  if (isAppliedByAction(ingress)) return
  throw ingressToRemoveNotOurs(ingress.metadata.name, namespace, specManagers(ingress))
}
