/** The cloud's load balancers of Services: only their address, nothing answers there. */
import { createHash } from 'node:crypto'
import { setStatus, type Pass } from './controllers.ts'
import { resourceOf } from './resources.ts'
import { at, items, type KubernetesObject } from './types.ts'

/** Who makes load balancers: its finalizer, which keeps the Service until its load balancer is gone, and the name that one gets. */
interface Maker {
  readonly finalizer: string
  readonly manager: string
  /** The same for a Service for as long as it lives. */
  readonly hostname: (service: KubernetesObject) => string
}

const cloudProvider: Maker = {
  finalizer: 'service.kubernetes.io/load-balancer-cleanup',
  manager: 'aws-cloud-controller-manager',
  hostname: ({ metadata: { uid = '' } }) => `a${uid.replaceAll('-', '')}-${digest(uid, 16)}.elb.us-east-2.amazonaws.com`,
}

const loadBalancerController: Maker = {
  finalizer: 'service.k8s.aws/resources',
  manager: 'aws-load-balancer-controller',
  hostname: ({ metadata: { uid = '', namespace = '', name } }) => `k8s-${[namespace, name].map((part) => part.replace(/[^a-z0-9]/g, '').slice(0, 8)).join('-')}-${digest(uid, 10)}-${digest(name + uid, 16)}.elb.us-east-2.amazonaws.com`,
}

const digest = (text: string, length: number): string => createHash('sha256').update(text).digest('hex').slice(0, length)

/**
 * Who makes the load balancer of a Service; undefined when nobody does. The controller goes by class and annotations, and by default
 * not by the type (feature gate ServiceTypeLoadBalancerOnly). The cloud provider leaves alone what has a class, or a type of load
 * balancer that is not its own. Sources: the controller's pkg/service/service_utils.go, pkg/config/feature_gates.go; Kubernetes,
 * cloud-provider, controllers/service/controller.go, WantsLoadBalancer; cloud-provider-aws, pkg/providers/v1, isLBExternal.
 */
function makerOf(service: KubernetesObject): Maker | undefined {
  const annotation = (name: string): string => service.metadata.annotations?.[`service.beta.kubernetes.io/aws-load-balancer-${name}`] ?? ''
  const [loadBalancerClass, type] = [at(service, 'spec', 'loadBalancerClass'), annotation('type')]
  if (service.metadata.deletionTimestamp !== undefined) return undefined
  if (loadBalancerClass !== undefined) return loadBalancerClass === 'service.k8s.aws/nlb' ? loadBalancerController : undefined
  if (type === 'nlb-ip' || (type === 'external' && ['ip', 'instance'].includes(annotation('nlb-target-type')))) return loadBalancerController
  return type === 'external' || at(service, 'spec', 'type') !== 'LoadBalancer' ? undefined : cloudProvider
}

/** Gives Services a hostname when it is time, and takes it from those whose load balancer goes. */
export function reconcileLoadBalancers(pass: Pass): void {
  for (const service of pass.registry.store.list(resourceOf('Service'))) {
    const maker = makerOf(service)
    const { uid = '' } = service.metadata
    const kept = cleanUp(pass, service, [cloudProvider, loadBalancerController].filter((each) => each !== maker))
    if (!maker) {
      pass.forget(`load-balancer/${uid}`)
      continue
    }
    const { finalizers = [] } = kept.metadata
    const guarded = finalizers.includes(maker.finalizer) ? kept : withFinalizers(pass, kept, [...finalizers, maker.finalizer], maker)
    // The API refuses an address in the status of any other type. Source: Kubernetes, validation.go, ValidateLoadBalancerStatus.
    const isShown = at(guarded, 'spec', 'type') === 'LoadBalancer'
    if (pass.due(`load-balancer/${uid}`, pass.pace.loadBalancerAfter)) setStatus(pass, guarded, { loadBalancer: isShown ? { ingress: [{ hostname: maker.hostname(guarded) }] } : {} })
  }
}

/** What those do who no longer make the load balancer of a Service. */
function cleanUp(pass: Pass, service: KubernetesObject, makers: readonly Maker[]): KubernetesObject {
  return makers.reduce((cleared, { finalizer, manager }) => {
    const { finalizers = [] } = cleared.metadata
    if (!finalizers.includes(finalizer)) return cleared
    const silent = items(at(cleared, 'status', 'loadBalancer', 'ingress')).length > 0 ? setStatus(pass, cleared, { loadBalancer: {} }) : cleared
    return withFinalizers(pass, silent, finalizers.filter((each) => each !== finalizer), { manager })
  }, service)
}

function withFinalizers({ registry }: Pass, service: KubernetesObject, finalizers: string[], { manager }: Pick<Maker, 'manager'>): KubernetesObject {
  return registry.update(resourceOf('Service'), { ...service, metadata: { ...service.metadata, finalizers } }, { manager })
}
