/** Notes on what happens to the Service's own load balancer, before the Service changes. */
import type { Context } from '../step.ts'
import type { Service } from '../../clients/kubernetes/types.ts'
import {
  serviceLoadBalancerConfig,
  isKeptByController,
  resolveServiceLoadBalancer,
  serviceAnnotationPrefix,
} from './service-load-balancer.ts'

const externalDnsAnnotation = 'external-dns.alpha.kubernetes.io/hostname'

/** Annotations that only matter for the load balancer of a Service. */
const isLoadBalancerAnnotation = (key: string): boolean =>
  key.startsWith(serviceAnnotationPrefix) || key === externalDnsAnnotation

/**
 * Logs what ends when the Service becomes ClusterIP (its own load balancer, its annotations, its
 * DNS record), and what a rollback would create instead.
 */
export function logOldLoadBalancerNotes(context: Context, service: Service, host: string): void {
  if (service.spec.type !== 'LoadBalancer') return
  const notes = isKeptByController(serviceLoadBalancerConfig(service))
    ? [describeRetention(service)]
    : [...describeDeletion(service), ...describeRollback(service)]
  notes.push(...describeExternalDns(service, host))
  if (notes.length > 0) context.log.note(notes.join(' '))
}

const loadBalancerAddress = ({ status }: Service): string | undefined =>
  status?.loadBalancer?.ingress?.[0]?.hostname

function describeRetention(service: Service): string {
  const { name } = service.metadata
  const { description } = resolveServiceLoadBalancer(serviceLoadBalancerConfig(service))
  const address = loadBalancerAddress(service)
  const loadBalancer = address === undefined ? description : `${description}, ${address}`
  return (
    `Service ${name} has ${loadBalancer}. The controller may keep it when the Service becomes ` +
    'ClusterIP: it evaluates the annotations, unless its feature gate ' +
    'ServiceTypeLoadBalancerOnly is on. Once no client uses it, remove it with ' +
    `values: 'service: {annotations: {${serviceAnnotationPrefix}type: null}}'.`
  )
}

function describeDeletion(service: Service): string[] {
  const { name, annotations = {} } = service.metadata
  const address = loadBalancerAddress(service)
  const obsoleteAnnotations = Object.keys(annotations).filter(isLoadBalancerAnnotation)
  const notes: string[] = []
  if (address !== undefined)
    notes.push(
      `The current load balancer of Service ${name}, ${address}, is deleted when Helm changes ` +
        'the Service to ClusterIP: clients that still use its name are then disconnected.',
    )
  if (obsoleteAnnotations.length > 0)
    notes.push(
      `Annotations of Service ${name} have no effect once it is ClusterIP, because they ` +
        `configure its current load balancer: ${obsoleteAnnotations.join(', ')}.`,
    )
  return notes
}

/** Only where a rollback creates another kind of load balancer than the current one. */
function describeRollback(service: Service): string[] {
  const config = serviceLoadBalancerConfig(service)
  const { loadBalancerClass } = config
  if (loadBalancerClass === undefined) return []
  const current = resolveServiceLoadBalancer(config).description
  const { description: restored } = resolveServiceLoadBalancer({
    ...config,
    loadBalancerClass: undefined,
  })
  return [
    `It is ${current}, selected by spec.loadBalancerClass ${loadBalancerClass}, which Kubernetes ` +
      'drops with the type: changed back to LoadBalancer by hand, the Service would get ' +
      `${restored}. Mode destroy restores the class with restore-load-balancer-class: ` +
      `${loadBalancerClass}.`,
  ]
}

/** Source: ExternalDNS, --policy sync (default of the program) and upsert-only (of its chart). */
function describeExternalDns(service: Service, host: string): string[] {
  const dnsNames = service.metadata.annotations?.[externalDnsAnnotation]
  if (dnsNames === undefined) return []
  const recreation = dnsNames.split(',').includes(host)
    ? ', and then creates it again from the Ingress'
    : ''
  return [
    `ExternalDNS created ${dnsNames} from it, and deletes that record when the Service is ` +
      `ClusterIP (with policy upsert-only, it leaves the record)${recreation}.`,
  ]
}
