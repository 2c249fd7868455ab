/** Plans and performs the operations on the Service of the RESTful API. */
import { servicePath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { Target } from '../preflight/preflight.ts'
import type { ClusterRun, EndpointRun } from '../run.ts'
import { fieldManager } from './manifest.ts'
import type { ApplyRestService, DeleteRestService } from './operations.ts'
import { translateServiceDeletionError, translateServiceError } from './rejections.ts'
import {
  buildRestService,
  diffRestService,
  getRestServiceName,
  isRestServiceOf,
  type ServiceManifest,
} from './rest-service.ts'

/** Pure. */
export function planRestService(
  { settings }: Pick<EndpointRun, 'settings'>,
  { namespace: { name: namespace }, ingressName, service, restService: before }: Target,
): ApplyRestService[] {
  // A Service that could not be read is reported by its own check.
  if (!settings.ingress.rest || !service.live) return []
  const desired = buildRestService({
    namespace,
    ingressName,
    milvus: service.live,
    port: service.port,
  })
  if (diffRestService(desired, before).length === 0) return []
  const { name } = desired.metadata
  return [{ action: 'apply-rest-service', namespace, name, desired, before }]
}

/** The live Service with the name of the one for the RESTful API, and its Ingress. */
export interface RestServiceRemoval {
  readonly namespace: string
  readonly ingressName: string
  /** Undefined when it does not exist. */
  readonly restService: Service | undefined
  readonly why: string
}

/** A Service that belongs to something else is kept. Pure. */
export function planRestServiceDeletion({
  namespace,
  ingressName,
  restService,
  why,
}: RestServiceRemoval): DeleteRestService[] {
  if (!restService || !isRestServiceOf(restService, ingressName)) return []
  const { name, uid } = restService.metadata
  return [{ action: 'delete-rest-service', namespace, name, uid, why }]
}

/**
 * Writes the Service by server-side apply. What others changed in its fields is reverted: nothing
 * but this action uses it.
 * @throws ActionError `ingress-refused`, `controller-webhook-unavailable`
 */
export async function applyRestService(
  { clients: { kubernetes } }: ClusterRun,
  manifest: ServiceManifest,
): Promise<void> {
  const { name, namespace } = manifest.metadata
  try {
    await kubernetes.apply<Service>(
      servicePath(namespace, name),
      manifest,
      { fieldManager, force: true },
      `apply Service ${name}`,
    )
  } catch (thrown) {
    throw thrown instanceof StatusError ? translateServiceError(name, thrown) : thrown
  }
}

/** @throws ActionError `ingress-refused`, `controller-webhook-unavailable` */
export async function deleteRestService(
  { clients: { kubernetes } }: ClusterRun,
  { namespace, name, uid }: Pick<DeleteRestService, 'namespace' | 'name' | 'uid'>,
): Promise<void> {
  try {
    await kubernetes.deleteObject(servicePath(namespace, name), { uid }, `delete Service ${name}`)
  } catch (thrown) {
    throw thrown instanceof StatusError ? translateServiceDeletionError(name, thrown) : thrown
  }
}

/**
 * Reads the Service that this action created for an Ingress.
 * @returns undefined when there is none
 */
export async function readRestService(
  { settings, clients: { kubernetes } }: ClusterRun,
  ingressName: string,
): Promise<Service | undefined> {
  const name = getRestServiceName(ingressName)
  return kubernetes.get<Service>(servicePath(settings.namespace, name), `read Service ${name}`)
}
