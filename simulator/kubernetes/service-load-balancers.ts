/** The load balancers of Services: only their hostnames. Nothing listens there. */
import { createHash } from 'node:crypto'
import { updateStatus, type ReconcileContext } from './controller-context.ts'
import { getResource } from './resources.ts'
import { getIn, asArray, type KubernetesObject } from './types.ts'

/** A controller that creates load balancers. */
interface LoadBalancerProvider {
  /** Keeps the Service until its load balancer is deleted. */
  readonly finalizer: string
  readonly manager: string
  /** Stable for the lifetime of a Service. */
  readonly hostname: (service: KubernetesObject) => string
}

const cloudProvider: LoadBalancerProvider = {
  finalizer: 'service.kubernetes.io/load-balancer-cleanup',
  manager: 'aws-cloud-controller-manager',
  hostname: ({ metadata: { uid = '' } }) =>
    `a${uid.replaceAll('-', '')}-${hashPrefix(uid, 16)}.elb.us-east-2.amazonaws.com`,
}

const loadBalancerController: LoadBalancerProvider = {
  finalizer: 'service.k8s.aws/resources',
  manager: 'aws-load-balancer-controller',
  hostname: ({ metadata: { uid = '', namespace = '', name } }) => {
    const abbreviate = (text: string): string => text.replace(/[^a-z0-9]/g, '').slice(0, 8)
    const prefix = `k8s-${abbreviate(namespace)}-${abbreviate(name)}-${hashPrefix(uid, 10)}`
    return `${prefix}-${hashPrefix(name + uid, 16)}.elb.us-east-2.amazonaws.com`
  },
}

const hashPrefix = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length)

/**
 * The provider of a Service's load balancer; undefined when it gets none. The controller decides by
 * class and annotations, and by default not by the type (feature gate ServiceTypeLoadBalancerOnly).
 * The cloud provider ignores Services with a class, or with a load balancer type of another
 * provider. Sources: the controller's pkg/service/service_utils.go, pkg/config/feature_gates.go;
 * Kubernetes, cloud-provider, controllers/service/controller.go, WantsLoadBalancer;
 * cloud-provider-aws, pkg/providers/v1, isLBExternal.
 */
function selectProvider(service: KubernetesObject): LoadBalancerProvider | undefined {
  const getAnnotation = (name: string): string =>
    service.metadata.annotations?.[`service.beta.kubernetes.io/aws-load-balancer-${name}`] ?? ''
  const loadBalancerClass = getIn(service, 'spec', 'loadBalancerClass')
  const type = getAnnotation('type')
  if (service.metadata.deletionTimestamp !== undefined) return undefined
  if (loadBalancerClass !== undefined)
    return loadBalancerClass === 'service.k8s.aws/nlb' ? loadBalancerController : undefined
  if (
    type === 'nlb-ip' ||
    (type === 'external' && ['ip', 'instance'].includes(getAnnotation('nlb-target-type')))
  )
    return loadBalancerController
  return type === 'external' || getIn(service, 'spec', 'type') !== 'LoadBalancer'
    ? undefined
    : cloudProvider
}

/** Publishes the hostnames of load balancers, and removes those that are no longer wanted. */
export function reconcileLoadBalancers(context: ReconcileContext): void {
  for (const service of context.registry.store.list(getResource('Service'))) {
    const provider = selectProvider(service)
    const { uid = '' } = service.metadata
    const cleaned = removeStaleFinalizers(
      context,
      service,
      [cloudProvider, loadBalancerController].filter((each) => each !== provider),
    )
    if (!provider) {
      context.resetDelay(`load-balancer/${uid}`)
      continue
    }
    const { finalizers = [] } = cleaned.metadata
    const withFinalizer = finalizers.includes(provider.finalizer)
      ? cleaned
      : updateFinalizers(context, cleaned, [...finalizers, provider.finalizer], provider)
    // The API rejects an address in the status of any other type. Source: Kubernetes,
    // validation.go, ValidateLoadBalancerStatus.
    const showsAddress = getIn(withFinalizer, 'spec', 'type') === 'LoadBalancer'
    if (context.isDue(`load-balancer/${uid}`, context.delays.loadBalancerDelay))
      updateStatus(context, withFinalizer, {
        loadBalancer: showsAddress
          ? { ingress: [{ hostname: provider.hostname(withFinalizer) }] }
          : {},
      })
  }
}

/** Removes the finalizers and the address of providers that no longer own the load balancer. */
function removeStaleFinalizers(
  context: ReconcileContext,
  service: KubernetesObject,
  providers: readonly LoadBalancerProvider[],
): KubernetesObject {
  return providers.reduce((current, { finalizer, manager }) => {
    const { finalizers = [] } = current.metadata
    if (!finalizers.includes(finalizer)) return current
    const withoutAddress =
      asArray(getIn(current, 'status', 'loadBalancer', 'ingress')).length > 0
        ? updateStatus(context, current, { loadBalancer: {} })
        : current
    return updateFinalizers(
      context,
      withoutAddress,
      finalizers.filter((each) => each !== finalizer),
      { manager },
    )
  }, service)
}

function updateFinalizers(
  { registry }: ReconcileContext,
  service: KubernetesObject,
  finalizers: string[],
  { manager }: Pick<LoadBalancerProvider, 'manager'>,
): KubernetesObject {
  return registry.update(
    getResource('Service'),
    { ...service, metadata: { ...service.metadata, finalizers } },
    { manager },
  )
}
