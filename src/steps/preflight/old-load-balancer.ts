/** What becomes of the load balancer that a Service has by itself, said before the Service changes. */
import type { Context } from '../../core/step.ts'
import type { Service } from '../../kubernetes/types.ts'
import { decidingParts, keepsLoadBalancer, loadBalancerOf, serviceAnnotationPrefix } from './service-load-balancer.ts'

/** Annotations that made the old load balancer of a Service. Source: the controller's Service annotations; the cloud provider's. */
const oldLoadBalancer = /^service\.beta\.kubernetes\.io\/aws-load-balancer-|^external-dns\.alpha\.kubernetes\.io\/hostname$/

/** Says what ends when the Service becomes ClusterIP (its own load balancer, the annotations that were for it, its DNS record), and what a way back would give. */
export function remarkOldLoadBalancer(context: Context, service: Service, host: string): void {
  if (service.spec.type !== 'LoadBalancer') return
  const parts = keepsLoadBalancer(decidingParts(service)) ? [keptText(service)] : [...endText(service), ...wayBackText(service)]
  const names = service.metadata.annotations?.['external-dns.alpha.kubernetes.io/hostname']
  // Source: ExternalDNS, --policy sync (the program's default) and upsert-only (its chart's).
  if (names !== undefined) parts.push(`ExternalDNS made ${names} from it, and takes it away when the Service is ClusterIP (with policy upsert-only it leaves it)${names.split(',').includes(host) ? ', to make it again from the Ingress' : ''}.`)
  if (parts.length > 0) context.log.note(parts.join(' '))
}

const addressOf = ({ status }: Service): string | undefined => status?.loadBalancer?.ingress?.[0]?.hostname

function keptText(service: Service): string {
  const { metadata: { name } } = service
  const [type, address] = [`${serviceAnnotationPrefix}type`, addressOf(service)]
  const now = `Service ${name} has ${loadBalancerOf(decidingParts(service)).text}${address === undefined ? '' : `, ${address}`}.`
  return `${now} The controller may keep it when the Service becomes ClusterIP: it goes by the annotations, unless its feature gate ServiceTypeLoadBalancerOnly is on. Once no client uses it, remove it with values: 'service: {annotations: {${type}: null}}'.`
}

function endText(service: Service): string[] {
  const { name, annotations = {} } = service.metadata
  const [address, old] = [addressOf(service), Object.keys(annotations).filter((key) => oldLoadBalancer.test(key))]
  const texts: string[] = []
  if (address !== undefined) texts.push(`The load balancer that Service ${name} has now, ${address}, goes when helm makes the Service ClusterIP: clients that still use its name are cut off then.`)
  if (old.length > 0) texts.push(`Annotations of Service ${name} are for the load balancer that it has now, and do nothing when it is ClusterIP: ${old.join(', ')}.`)
  return texts
}

/** Only where a way back gives another kind than there is now. */
function wayBackText(service: Service): string[] {
  const parts = decidingParts(service)
  if (parts.loadBalancerClass === undefined) return []
  const [now, later] = [loadBalancerOf(parts), loadBalancerOf({ ...parts, loadBalancerClass: undefined })]
  return [`It is ${now.text}, by spec.loadBalancerClass ${parts.loadBalancerClass}, which Kubernetes drops with the type: made LoadBalancer again by hand, the Service would get ${later.text}. Mode destroy sets the class again with restore-load-balancer-class: ${parts.loadBalancerClass}.`]
}
