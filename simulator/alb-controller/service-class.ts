/** The controller's mutating webhook for Services. Its chart installs it by default since v2.5. */
import { getIn, asObject, type KubernetesObject } from '../kubernetes/types.ts'

/** The class of Services whose load balancer the controller creates. */
export const serviceClass = 'service.k8s.aws/nlb'

/**
 * Sets the class of a Service of type LoadBalancer that has none. The webhook is called only for
 * creations: a Service whose type changes later gets no class. Source: the controller's
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
