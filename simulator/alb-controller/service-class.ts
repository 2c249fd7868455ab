/**
 * The controller's mutating webhook for Services, which its chart installs by default since v2.5.
 */
import { getIn, asObject, type KubernetesObject } from '../kubernetes/types.ts'

/** The class of Services whose load balancer the controller makes. */
export const serviceClass = 'service.k8s.aws/nlb'

/**
 * Sets the class of a Service of type LoadBalancer that has none. It is asked about creations only,
 * so that a Service whose type changes later stays without. Source: the controller's
 * webhooks/core/service_mutator.go, and its installation guide.
 */
export function setServiceClass(object: KubernetesObject): KubernetesObject {
  if (
    object.kind !== 'Service' ||
    getIn(object, 'spec', 'type') !== 'LoadBalancer' ||
    getIn(object, 'spec', 'loadBalancerClass') !== undefined
  )
    return object
  return { ...object, spec: { ...asObject(object['spec']), loadBalancerClass: serviceClass } }
}
