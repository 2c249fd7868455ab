/** preflight of a removal: what of this target is there, and whether it is this action's to remove. */
import { ActionError, asActionError, settleAll } from '../../core/errors.ts'
import type { Context } from '../../core/step.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { managerOf } from '../../kubernetes/managers.ts'
import { ownedAnnotations } from '../../kubernetes/ownership.ts'
import * as paths from '../../kubernetes/paths.ts'
import type { Ingress, Service } from '../../kubernetes/types.ts'
import type { Settings } from '../../settings/types.ts'
import { fieldManager } from '../ingress-object.ts'
import { findNamespace, type Target } from '../preflight.ts'
import { removalPermissions, type Access } from './access.ts'
import { findRelease } from './release.ts'
import { findService, possible, remarkOtherManagers } from './service.ts'

/** What the inputs name, as far as a removal looks at it. */
export interface RemovalTarget {
  readonly namespace: Target['namespace']
  readonly ingressName: string
  /** The Ingress that this action made; undefined when there is none. */
  readonly ingress: Ingress | undefined
  /** The other Ingresses of the namespace. */
  readonly others: readonly Ingress[]
  /** The release whose Service gets another type; undefined when none does. */
  readonly restored: Pick<Target, 'namespace' | 'release' | 'service' | 'manager'> | undefined
}

/** @throws ActionError of every problem found */
export async function observeRemoval(context: Context, settings: Settings, kubernetes: KubernetesClient, access: Access): Promise<RemovalTarget> {
  const { namespace: name, serviceType } = settings
  const named = settings.ingress.name ?? settings.service ?? settings.release
  // Where the inputs name the Ingress, a release that is gone or pending keeps nobody from removing it.
  const needsRelease = named === undefined || serviceType !== undefined
  try {
    const listed = kubernetes.list<Ingress>(paths.ingressesPath(name), {}, `list Ingresses in namespace ${name}`)
    const listing = needsRelease ? kubernetes.list<Service>(paths.servicesPath(name), {}, `list Services in namespace ${name}`, possible(settings)) : Promise.resolve([])
    const [namespace, ingresses, services, release] = await settleAll([
      findNamespace(kubernetes, name),
      listed,
      listing,
      needsRelease ? findRelease(context, settings, kubernetes, listing).catch(async (thrown: unknown) => Promise.reject(withWayOut(asActionError(thrown), settings, await listed))) : Promise.resolve(undefined),
    ] as const)
    const ingressName = named ?? release?.last.name ?? ''
    const ingress = ingresses.find(({ metadata }) => metadata.name === ingressName)
    if (ingress) refuseForeign(settings, ingress)
    const others = ingresses.filter((other) => other !== ingress)
    remarkOthers(context, ingressName, ingresses)
    const found = { name, uid: namespace.metadata.uid }
    const service = serviceType === undefined ? undefined : findService(settings, services, release)
    remarkOtherManagers(context, service)
    return {
      namespace: found, ingressName, ingress,
      others,
      restored: service && { namespace: found, release, service: { name: service.metadata.name, type: service.spec.type ?? 'ClusterIP', port: 0, live: service }, manager: managerOf(service) },
    }
  } catch (thrown) {
    throw await access.explain(asActionError(thrown), removalPermissions(name, needsRelease ? settings.helmStorage : undefined))
  }
}

const isOurs = ({ metadata }: Ingress): boolean => ownedAnnotations({ metadata }, fieldManager).size > 0

/** Where there is nothing of that name, what was meant may have another. */
function remarkOthers(context: Context, ingressName: string, ingresses: readonly Ingress[]): void {
  const ours = ingresses.filter(isOurs).map(({ metadata }) => metadata.name)
  if (ours.length === 0 || ingresses.some(({ metadata }) => metadata.name === ingressName)) return
  context.log.warn(`There is no Ingress ${ingressName}, and this action made ${ours.join(', ')} in this namespace, which ${ours.length === 1 ? 'stays with its load balancer' : 'stay with their load balancers'}: set ingress-name to the one that shall go.`)
}

/** A release that is gone is no obstacle where the inputs name the Ingress. */
function withWayOut(error: ActionError, { serviceType }: Settings, ingresses: readonly Ingress[]): ActionError {
  if (error.code !== 'release-not-found') return error
  const own = ingresses.filter(isOurs).map(({ metadata }) => metadata.name)
  const remedy = serviceType === undefined
    ? `Set ingress-name to the Ingress that this action made: ${own.length === 0 ? 'there is none in this namespace now; by default it had the name of the release' : own.join(' or ')}.`
    : 'Take restore-service-type out when the release is gone; otherwise set release and namespace as "helm list -A" shows them.'
  return new ActionError({ code: error.code, problem: error.message, remedy, cause: error.cause })
}

function refuseForeign({ namespace }: Settings, ingress: Ingress): void {
  if (isOurs(ingress)) return
  const { metadata } = ingress
  const managers = (metadata.managedFields ?? []).flatMap(({ manager = '', subresource, fieldsV1 = {} }) => (subresource === undefined && 'f:spec' in fieldsV1 ? [manager] : []))
  throw new ActionError({
    code: 'ingress-not-ours',
    problem: `Ingress ${metadata.name} was not made by this action, and is not removed: it belongs to ${[...new Set(managers)].join(', ') || 'somebody else'}.`,
    remedy: `Set ingress-name to the one that this action made; if this one shall go, delete it where it is managed ("kubectl -n ${namespace} delete ingress ${metadata.name}").`,
  })
}
