/**
 * What becomes of the load balancer that a Service has by itself, said before the Service changes.
 */
import type { Context } from '../step.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import {
  serviceLoadBalancerConfig,
  isKeptByController,
  resolveServiceLoadBalancer,
  serviceAnnotationPrefix,
} from './service-load-balancer.ts'

/**
 * Annotations that made the old load balancer of a Service. Source: the controller's Service
 * annotations; the cloud provider's.
 */
const loadBalancerAnnotation =
  /^service\.beta\.kubernetes\.io\/aws-load-balancer-|^external-dns\.alpha\.kubernetes\.io\/hostname$/

/**
 * Says what ends when the Service becomes ClusterIP (its own load balancer, the annotations that
 * were for it, its DNS record), and what a way back would give.
 */
export function logOldLoadBalancerNotes(context: Context, service: Service, host: string): void {
  if (service.spec.type !== 'LoadBalancer') return
  const notes = isKeptByController(serviceLoadBalancerConfig(service))
    ? [describeRetention(service)]
    : [...describeDeletion(service), ...describeRollback(service)]
  const dnsNames = service.metadata.annotations?.['external-dns.alpha.kubernetes.io/hostname']
  // Source: ExternalDNS, --policy sync (the program's default) and upsert-only (its chart's).
  if (dnsNames !== undefined)
    notes.push(
      `ExternalDNS made ${dnsNames} from it, and takes it away when the Service is ClusterIP (with policy upsert-only it leaves it)${dnsNames.split(',').includes(host) ? ', to make it again from the Ingress' : ''}.`,
    )
  if (notes.length > 0) context.log.note(notes.join(' '))
}

const loadBalancerAddress = ({ status }: Service): string | undefined =>
  status?.loadBalancer?.ingress?.[0]?.hostname

function describeRetention(service: Service): string {
  const {
    metadata: { name },
  } = service
  const [type, address] = [`${serviceAnnotationPrefix}type`, loadBalancerAddress(service)]
  const currentState = `Service ${name} has ${resolveServiceLoadBalancer(serviceLoadBalancerConfig(service)).description}${address === undefined ? '' : `, ${address}`}.`
  return `${currentState} The controller may keep it when the Service becomes ClusterIP: it goes by the annotations, unless its feature gate ServiceTypeLoadBalancerOnly is on. Once no client uses it, remove it with values: 'service: {annotations: {${type}: null}}'.`
}

function describeDeletion(service: Service): string[] {
  const { name, annotations = {} } = service.metadata
  const [address, obsoleteAnnotations] = [
    loadBalancerAddress(service),
    Object.keys(annotations).filter((key) => loadBalancerAnnotation.test(key)),
  ]
  const notes: string[] = []
  if (address !== undefined)
    notes.push(
      `The load balancer that Service ${name} has now, ${address}, goes when helm makes the Service ClusterIP: clients that still use its name are cut off then.`,
    )
  if (obsoleteAnnotations.length > 0)
    notes.push(
      `Annotations of Service ${name} are for the load balancer that it has now, and do nothing when it is ClusterIP: ${obsoleteAnnotations.join(', ')}.`,
    )
  return notes
}

/** Only where a way back gives another kind than there is now. */
function describeRollback(service: Service): string[] {
  const config = serviceLoadBalancerConfig(service)
  if (config.loadBalancerClass === undefined) return []
  const [currentLoadBalancer, rolledBackLoadBalancer] = [
    resolveServiceLoadBalancer(config),
    resolveServiceLoadBalancer({ ...config, loadBalancerClass: undefined }),
  ]
  return [
    `It is ${currentLoadBalancer.description}, by spec.loadBalancerClass ${config.loadBalancerClass}, which Kubernetes drops with the type: made LoadBalancer again by hand, the Service would get ${rolledBackLoadBalancer.description}. Mode destroy sets the class again with restore-load-balancer-class: ${config.loadBalancerClass}.`,
  ]
}
