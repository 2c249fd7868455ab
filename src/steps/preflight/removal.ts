/**
 * preflight of a removal: what of this target is there, and whether it is this action's to remove.
 */
import { ActionError } from '../../failures/action-error.ts'
import { toActionError, settleAll } from '../../failures/thrown.ts'
import type { Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { findManagingTool } from '../../clients/kubernetes/managing-tool.ts'
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import type { Ingress, Service } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import { findNamespace, type Target } from './preflight.ts'
import { removalPermissions, type PermissionChecker } from './permissions.ts'
import { findRelease } from './release.ts'
import { findService, filterCandidateServices, logOtherFieldManagers } from './service.ts'

/** What the inputs name, as far as a removal looks at it. */
export interface RemovalTarget {
  readonly namespace: Target['namespace']
  readonly ingressName: string
  /** The Ingress that this action made; undefined when there is none. */
  readonly ingress: Ingress | undefined
  /** The other Ingresses of the namespace. */
  readonly otherIngresses: readonly Ingress[]
  /** The release whose Service gets another type; undefined when none does. */
  readonly serviceToRestore:
    Pick<Target, 'namespace' | 'release' | 'service' | 'manager'> | undefined
}

/** @throws ActionError of every problem found */
export async function observeRemoval(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  access: PermissionChecker,
): Promise<RemovalTarget> {
  const { namespace: name, serviceType } = settings
  const inputName = settings.ingress.name ?? settings.service ?? settings.release
  // Where the inputs name the Ingress, a release that is gone or pending keeps nobody from removing
  // it.
  const needsRelease = inputName === undefined || serviceType !== undefined
  try {
    const ingressesPromise = kubernetes.list<Ingress>(
      paths.ingressesPath(name),
      {},
      `list Ingresses in namespace ${name}`,
    )
    const servicesPromise = needsRelease
      ? kubernetes.list<Service>(
          paths.servicesPath(name),
          {},
          `list Services in namespace ${name}`,
          filterCandidateServices(settings),
        )
      : Promise.resolve([])
    const [namespace, ingresses, services, release] = await settleAll([
      findNamespace(kubernetes, name),
      ingressesPromise,
      servicesPromise,
      needsRelease
        ? findRelease(context, settings, kubernetes, servicesPromise).catch(
            async (thrown: unknown) =>
              Promise.reject(
                withAlternative(toActionError(thrown), settings, await ingressesPromise),
              ),
          )
        : Promise.resolve(undefined),
    ] as const)
    const ingressName = inputName ?? release?.latestRevision.name ?? ''
    const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
    if (ingress) requireOwnIngress(settings, ingress)
    const otherIngresses = ingresses.filter((other) => other !== ingress)
    warnOtherIngresses(context, ingressName, ingresses)
    const namespaceRef = { name, uid: namespace.metadata.uid }
    const service = serviceType === undefined ? undefined : findService(settings, services, release)
    logOtherFieldManagers(context, service)
    return {
      namespace: namespaceRef,
      ingressName,
      ingress,
      otherIngresses,
      serviceToRestore: service && {
        namespace: namespaceRef,
        release,
        service: {
          name: service.metadata.name,
          type: service.spec.type ?? 'ClusterIP',
          port: 0,
          live: service,
        },
        manager: findManagingTool(service),
      },
    }
  } catch (thrown) {
    throw await access.explainForbidden(
      toActionError(thrown),
      removalPermissions(name, needsRelease ? settings.helmStorage : undefined),
    )
  }
}

const isAppliedByAction = ({ metadata }: Ingress): boolean =>
  ownedAnnotations({ metadata }, fieldManager).size > 0

/** Where there is nothing of that name, what was meant may have another. */
function warnOtherIngresses(
  context: Context,
  ingressName: string,
  ingresses: readonly Ingress[],
): void {
  const ownIngressNames = ingresses.filter(isAppliedByAction).map(({ metadata }) => metadata.name)
  if (
    ownIngressNames.length === 0 ||
    ingresses.some(({ metadata }) => metadata.name === ingressName)
  )
    return
  context.log.warn(
    `There is no Ingress ${ingressName}, and this action made ${ownIngressNames.join(', ')} in this namespace, which ${ownIngressNames.length === 1 ? 'stays with its load balancer' : 'stay with their load balancers'}: set ingress-name to the one that shall go.`,
  )
}

/** A release that is gone is no obstacle where the inputs name the Ingress. */
function withAlternative(
  error: ActionError,
  { serviceType }: Settings,
  ingresses: readonly Ingress[],
): ActionError {
  if (error.code !== 'release-not-found') return error
  const ownIngressNames = ingresses.filter(isAppliedByAction).map(({ metadata }) => metadata.name)
  const remedy =
    serviceType === undefined
      ? `Set ingress-name to the Ingress that this action made: ${ownIngressNames.length === 0 ? 'there is none in this namespace now; by default it had the name of the release' : ownIngressNames.join(' or ')}.`
      : 'Take restore-service-type out when the release is gone; otherwise set release and namespace as "helm list -A" shows them.'
  return new ActionError({ code: error.code, problem: error.message, remedy, cause: error.cause })
}

function requireOwnIngress({ namespace }: Settings, ingress: Ingress): void {
  if (isAppliedByAction(ingress)) return
  const { metadata } = ingress
  const managers = (metadata.managedFields ?? []).flatMap(
    ({ manager = '', subresource, fieldsV1 = {} }) =>
      subresource === undefined && 'f:spec' in fieldsV1 ? [manager] : [],
  )
  throw new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${metadata.name} was not made by this action, and is not removed: it belongs to ${[...new Set(managers)].join(', ') || 'somebody else'}.`,
    remedy: `Set ingress-name to the one that this action made; if this one shall go, delete it where it is managed ("kubectl -n ${namespace} delete ingress ${metadata.name}").`,
  })
}
