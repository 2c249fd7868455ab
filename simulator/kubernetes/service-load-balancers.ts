/** The cloud's load balancers of Services: only their address, nothing answers there. */
import { createHash } from 'node:crypto'
import { updateStatus, type ReconcileContext } from './controllers.ts'
import { getResource } from './resources.ts'
import { getIn, asArray, type KubernetesObject } from './types.ts'

/**
 * Who makes load balancers: its finalizer, which keeps the Service until its load balancer is gone,
 * and the name that one gets.
 */
interface LoadBalancerProvider {
  readonly finalizer: string
  readonly manager: string
  /** The same for a Service for as long as it lives. */
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
  hostname: ({ metadata: { uid = '', namespace = '', name } }) =>
    `k8s-${[namespace, name].map((part) => part.replace(/[^a-z0-9]/g, '').slice(0, 8)).join('-')}-${hashPrefix(uid, 10)}-${hashPrefix(name + uid, 16)}.elb.us-east-2.amazonaws.com`,
}

const hashPrefix = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length)

/**
 * Who makes the load balancer of a Service; undefined when nobody does. The controller goes by
 * class and annotations, and by default not by the type (feature gate ServiceTypeLoadBalancerOnly).
 * The cloud provider leaves alone what has a class, or a type of load balancer that is not its own.
 * Sources: the controller's pkg/service/service_utils.go, pkg/config/feature_gates.go; Kubernetes,
 * cloud-provider, controllers/service/controller.go, WantsLoadBalancer; cloud-provider-aws,
 * pkg/providers/v1, isLBExternal.
 */
function selectProvider(service: KubernetesObject): LoadBalancerProvider | undefined {
  const getAnnotation = (name: string): string =>
    service.metadata.annotations?.[`service.beta.kubernetes.io/aws-load-balancer-${name}`] ?? ''
  const [loadBalancerClass, type] = [
    getIn(service, 'spec', 'loadBalancerClass'),
    getAnnotation('type'),
  ]
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

/** Gives Services a hostname when it is time, and takes it from those whose load balancer goes. */
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
    // The API refuses an address in the status of any other type. Source: Kubernetes,
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

/** What those do who no longer make the load balancer of a Service. */
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
