/** The load balancer of a Service: who creates it, of which kind, and for whom. Pure. */
import { ActionError } from '../../failures/action-error.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'

/** The load balancer that a Service of type LoadBalancer has or would get. */
export interface ServiceLoadBalancer {
  /** `cloud-provider`: the controller built into EKS, also called in-tree. */
  readonly creator: 'load-balancer-controller' | 'cloud-provider' | 'other' | 'nobody'
  /** For a sentence: `an internal Network Load Balancer of the AWS Load Balancer Controller`. */
  readonly description: string
}

/** What decides about it. */
export interface ServiceLoadBalancerConfig {
  readonly loadBalancerClass: string | undefined
  readonly annotations: Readonly<Record<string, string>>
}

/** Annotations of Services for load balancers start so. */
export const serviceAnnotationPrefix = 'service.beta.kubernetes.io/aws-load-balancer-'

const loadBalancerController = 'the AWS Load Balancer Controller'

/**
 * Classes of Network Load Balancers, and whose they are. Sources: the AWS Load Balancer
 * Controller's installation guide; EKS user guide, auto-configure-nlb.
 */
const controllerByClass: Readonly<Record<string, string>> = {
  'service.k8s.aws/nlb': loadBalancerController,
  'eks.amazonaws.com/nlb': 'EKS Auto Mode',
}

/** What is read of a Service. */
export const serviceLoadBalancerConfig = ({
  metadata,
  spec,
}: Service): ServiceLoadBalancerConfig => ({
  loadBalancerClass: spec.loadBalancerClass,
  annotations: metadata.annotations ?? {},
})

/**
 * The load balancer of a Service with this class and these annotations. The cloud provider leaves a
 * Service alone that has a class, or annotation `type` `external` or `nlb-ip`; the controller takes
 * those of its class, and without a class those of these types. Sources: the controller's
 * pkg/service/service_utils.go, model_build_load_balancer.go (scheme: internal by default);
 * Kubernetes' cloud-provider, WantsLoadBalancer; cloud-provider-aws, isLBExternal, isNLB,
 * ServiceAnnotationLoadBalancerInternal (internet-facing by default).
 */
export function resolveServiceLoadBalancer({
  loadBalancerClass,
  annotations,
}: ServiceLoadBalancerConfig): ServiceLoadBalancer {
  const annotation: AnnotationReader = (name) => annotations[serviceAnnotationPrefix + name]
  if (loadBalancerClass !== undefined) {
    const controller = controllerByClass[loadBalancerClass]
    return controller === undefined
      ? { creator: 'other', description: `a load balancer of class ${loadBalancerClass}` }
      : controllerLoadBalancer(annotation, controller)
  }
  const [type, targetType] = [annotation('type'), annotation('nlb-target-type') ?? '']
  if (type === 'nlb-ip' || (type === 'external' && ['ip', 'instance'].includes(targetType)))
    return controllerLoadBalancer(annotation, loadBalancerController)
  if (type === 'external')
    return {
      creator: 'nobody',
      description: `no load balancer (annotation ${serviceAnnotationPrefix}type is external, without ${serviceAnnotationPrefix}nlb-target-type)`,
    }
  const scheme = ['', 'false'].includes(annotation('internal') ?? '')
    ? 'internet-facing'
    : 'internal'
  return {
    creator: 'cloud-provider',
    description: `an ${scheme} ${type === 'nlb' ? 'Network' : 'Classic'} Load Balancer of the cloud provider`,
  }
}

/** The value of an annotation for load balancers. */
type AnnotationReader = (name: string) => string | undefined

function controllerLoadBalancer(
  annotation: AnnotationReader,
  controller: string,
): ServiceLoadBalancer {
  const scheme =
    annotation('scheme') ?? (annotation('internal') === 'false' ? 'internet-facing' : 'internal')
  return {
    creator: 'load-balancer-controller',
    description: `an ${scheme} Network Load Balancer of ${controller}`,
  }
}

/**
 * The load balancer of the Service once it is no longer of type LoadBalancer: Kubernetes drops the
 * class with the type, and the controller goes by the annotations, whatever the type, unless its
 * feature gate ServiceTypeLoadBalancerOnly is on. Source: the controller's
 * pkg/service/service_utils.go, pkg/config/feature_gates.go, and its issues 3059 and 3094.
 * @returns whether the controller keeps it
 */
export const isKeptByController = (config: ServiceLoadBalancerConfig): boolean =>
  resolveServiceLoadBalancer({ ...config, loadBalancerClass: undefined }).creator ===
  'load-balancer-controller'

/** What restore-load-balancer-class says when a load balancer of the cloud provider is meant. */
export const noLoadBalancerClass = 'none'

/**
 * The load balancer that a Service gets which is restored to type LoadBalancer.
 * @param service the Service as it is, of another type
 * @throws ActionError `service-class-lost` when nothing says that the AWS Load Balancer
 *   Controller is to create it, and nobody agreed to another one
 */
export function resolveRestoredLoadBalancer(
  { restoreLoadBalancerClass: restoredClass }: Pick<Settings, 'restoreLoadBalancerClass'>,
  service: Service,
): ServiceLoadBalancer {
  const { annotations } = serviceLoadBalancerConfig(service)
  const isClassless = restoredClass === noLoadBalancerClass
  const result = resolveServiceLoadBalancer({
    annotations,
    loadBalancerClass: isClassless ? undefined : restoredClass,
  })
  if (restoredClass !== undefined || result.creator === 'load-balancer-controller') return result
  throw new ActionError({
    code: 'service-class-lost',
    problem: `Service ${service.metadata.name} would get ${result.description}: its spec.loadBalancerClass was dropped when its type changed, and webhooks set it only when a Service is created.`,
    remedy: `Set restore-load-balancer-class to the class that it had (${Object.entries(
      controllerByClass,
    )
      .map(([name, owner]) => `${name} of ${owner}`)
      .join(', ')}), or to ${noLoadBalancerClass} if it had none.`,
  })
}
