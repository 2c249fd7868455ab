/**
 * The class of a Service's load balancer, which can be set only together with the type. Milvus'
 * chart has no value for it, so that helm cannot: the action sets both just before helm, which then
 * finds the type as it wants it and leaves the class alone.
 */
import { ActionError } from '../../failures/action-error.ts'
import { retry } from '../../util/retry.ts'
import type { Change, Context } from '../step.ts'
import { parseManifestObject, parseManifest } from '../../clients/helm/manifest-objects.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import { servicePath } from '../../clients/kubernetes/paths.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { Target } from '../preflight/preflight.ts'

/** The class that a Service is to get with type LoadBalancer. */
export interface LoadBalancerClassRestoration {
  readonly namespace: string
  readonly service: string
  readonly loadBalancerClass: string
  /** For the change. */
  readonly why: string
}

/** The change as people read it. */
export const describeClassChange = ({
  namespace,
  service,
  loadBalancerClass,
  why,
}: LoadBalancerClassRestoration): Change => ({
  step: 'release',
  object: `Service ${namespace}/${service}`,
  path: 'spec.loadBalancerClass',
  after: loadBalancerClass,
  why,
})

/**
 * Makes a Service LoadBalancer with its class; nothing happens when it is of that type already.
 * @throws ActionError `service-not-restored`
 */
export async function restoreLoadBalancerClass(
  context: Context,
  kubernetes: KubernetesClient,
  classToRestore: LoadBalancerClassRestoration,
): Promise<void> {
  const { namespace, service: name, loadBalancerClass } = classToRestore
  const path = servicePath(namespace, name)
  const live = await kubernetes.get<Service>(path, `read Service ${name}`)
  if (!live || live.spec.type === 'LoadBalancer') return
  context.recordChange(describeClassChange(classToRestore))
  const manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace },
    spec: { type: 'LoadBalancer', loadBalancerClass },
  }
  try {
    await kubernetes.apply<Service>(
      path,
      manifest,
      { fieldManager, force: true },
      `set the class of Service ${name}`,
    )
  } catch (thrown) {
    if (!(thrown instanceof StatusError)) throw thrown
    throw new ActionError({
      code: 'service-not-restored',
      problem: `The Kubernetes API refused type LoadBalancer with class ${loadBalancerClass} for Service ${name}: ${thrown.message}`,
      remedy: 'Change what the message names, then run the job again.',
      cause: thrown,
    })
  }
  await releaseOwnership(context, kubernetes, { namespace, name })
}

/**
 * What a rollback does before helm makes the Service LoadBalancer again: sets the class that it
 * had.
 * @param manifest of the revision that helm goes back to
 * @throws ActionError `service-not-restored`
 */
export async function restoreClassBeforeRollback(
  context: Context,
  kubernetes: KubernetesClient,
  {
    namespace,
    service,
    manifest,
  }: { readonly namespace: string; readonly service: Target['service']; readonly manifest: string },
): Promise<void> {
  const { type, loadBalancerClass } = service.live?.spec ?? {}
  const manifestService = parseManifest(manifest).find(
    ({ kind, name }) => kind === 'Service' && name === service.name,
  )
  const desiredType =
    manifestService && (parseManifestObject(manifestService) as Service | undefined)?.spec.type
  if (type !== 'LoadBalancer' || loadBalancerClass === undefined || desiredType !== 'LoadBalancer')
    return
  await restoreLoadBalancerClass(context, kubernetes, {
    namespace,
    service: service.name,
    loadBalancerClass,
    why: 'put back, because the run failed',
  })
}

/** Whether fields of a Service belong to this action: a run that died may have left it so. */
export const isOwnedByAction = (service: Service | undefined): boolean =>
  service?.metadata.managedFields?.some(({ manager }) => manager === fieldManager) ?? false

const attempts = 5

/**
 * Gives up the ownership of the Service's fields: helm 4 would meet it as a conflict when it
 * changes the type. The fields stay as they are.
 */
export async function releaseOwnership(
  context: Context,
  kubernetes: KubernetesClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): Promise<void> {
  const path = servicePath(namespace, name)
  const attempt = async (): Promise<void> => {
    const live = await kubernetes.get<Service>(path, `read Service ${name}`)
    if (!live || !isOwnedByAction(live)) return
    const otherManagers = (live.metadata.managedFields ?? []).filter(
      ({ manager }) => manager !== fieldManager,
    )
    await kubernetes.replaceManagedFields(
      path,
      live.metadata.resourceVersion,
      otherManagers,
      `change who holds the fields of Service ${name}`,
    )
  }
  // The controllers of load balancers write the Service at the same time.
  await retry(attempt, {
    maxAttempts: (thrown) =>
      thrown instanceof StatusError && thrown.status === 409 ? attempts : 1,
    signal: context.signal,
    clock: context.clock,
  })
}
