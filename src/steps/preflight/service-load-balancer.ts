/** The load balancer of a Service: which component creates it, its type and its scheme. Pure. */
import { serviceClassLost } from '../../failures/service.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'

/** The load balancer that a Service of type LoadBalancer has or would get. */
export interface ServiceLoadBalancer {
  /** `cloud-provider`: the controller built into EKS, also called in-tree. */
  readonly creator: 'load-balancer-controller' | 'cloud-provider' | 'other' | 'none'
  /** With its article: `an internal Network Load Balancer of the AWS Load Balancer Controller`. */
  readonly description: string
}

/** The settings of a Service that determine its load balancer. */
export interface ServiceLoadBalancerConfig {
  readonly loadBalancerClass: string | undefined
  readonly annotations: Readonly<Record<string, string>>
}

/** The prefix of a Service's annotations for its load balancer. */
export const serviceAnnotationPrefix = 'service.beta.kubernetes.io/aws-load-balancer-'

const loadBalancerController = 'the AWS Load Balancer Controller'

/**
 * Classes of Network Load Balancers and their controllers. Sources: the AWS Load Balancer
 * Controller's installation guide; EKS user guide, auto-configure-nlb.
 */
const controllerByClass: Readonly<Record<string, string>> = {
  'service.k8s.aws/nlb': loadBalancerController,
  'eks.amazonaws.com/nlb': 'EKS Auto Mode',
}

export const serviceLoadBalancerConfig = ({
  metadata,
  spec,
}: Service): ServiceLoadBalancerConfig => ({
  loadBalancerClass: spec.loadBalancerClass,
  annotations: metadata.annotations ?? {},
})

/**
 * The load balancer of a Service with this class and these annotations. The cloud provider ignores
 * Services with a class, or with annotation `type` `external` or `nlb-ip`; the controller handles
 * those of its class and, without a class, those of these types. Sources: the controller's
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
  const type = annotation('type')
  const targetType = annotation('nlb-target-type') ?? ''
  if (type === 'nlb-ip' || (type === 'external' && ['ip', 'instance'].includes(targetType)))
    return controllerLoadBalancer(annotation, loadBalancerController)
  if (type === 'external')
    return {
      creator: 'none',
      description:
        `no load balancer (annotation ${serviceAnnotationPrefix}type is external, without ` +
        `${serviceAnnotationPrefix}nlb-target-type)`,
    }
  const scheme = ['', 'false'].includes(annotation('internal') ?? '')
    ? 'internet-facing'
    : 'internal'
  const kind = type === 'nlb' ? 'Network' : 'Classic'
  return {
    creator: 'cloud-provider',
    description: `an ${scheme} ${kind} Load Balancer of the cloud provider`,
  }
}

/** Reads an annotation by its name without the prefix. */
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
 * Whether the controller keeps the load balancer of a Service that stops being of type
 * LoadBalancer: Kubernetes drops the class with the type, and the controller then only evaluates
 * the annotations, unless its feature gate ServiceTypeLoadBalancerOnly is on. Source: the
 * controller's pkg/service/service_utils.go, pkg/config/feature_gates.go, and its issues 3059 and
 * 3094.
 */
export const isKeptByController = (config: ServiceLoadBalancerConfig): boolean =>
  resolveServiceLoadBalancer({ ...config, loadBalancerClass: undefined }).creator ===
  'load-balancer-controller'

/** The value of restore-load-balancer-class that requests no class. */
export const noLoadBalancerClass = 'none'

/**
 * The load balancer that a Service gets when it is restored to type LoadBalancer.
 * @param service the live Service, of another type
 * @throws ActionError `service-class-lost` when neither its annotations nor the input select the
 *   AWS Load Balancer Controller
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
  const classes = Object.entries(controllerByClass).map(([name, owner]) => `${name} of ${owner}`)
  throw serviceClassLost(service.metadata.name, result.description, classes, noLoadBalancerClass)
}
