/** The cloud's load balancers of Services: only their address, nothing answers there. */
import { createHash } from 'node:crypto'
import { setStatus, type Pass } from './controllers.ts'
import { resourceOf } from './resources.ts'
import { at, items, type KubernetesObject } from './types.ts'

/** Keeps the Service until its load balancer is gone. */
const finalizer = 'service.kubernetes.io/load-balancer-cleanup'

/** Gives Services of type LoadBalancer a hostname when it is time, and takes it from those that are it no longer. */
export function reconcileLoadBalancers(pass: Pass): void {
  for (const service of pass.registry.store.list(resourceOf('Service'))) {
    const { uid = '', finalizers = [], deletionTimestamp } = service.metadata
    const wanted = at(service, 'spec', 'type') === 'LoadBalancer' && deletionTimestamp === undefined
    const held = finalizers.includes(finalizer)
    if (wanted) {
      const guarded = held ? service : withFinalizers(pass, service, [...finalizers, finalizer])
      if (pass.due(`load-balancer/${uid}`, pass.pace.loadBalancerAfter)) setStatus(pass, guarded, { loadBalancer: { ingress: [{ hostname: hostname(uid) }] } })
    } else if (held) {
      pass.forget(`load-balancer/${uid}`)
      const cleared = items(at(service, 'status', 'loadBalancer', 'ingress')).length > 0 ? setStatus(pass, service, { loadBalancer: {} }) : service
      withFinalizers(pass, cleared, finalizers.filter((each) => each !== finalizer))
    }
  }
}

function withFinalizers({ registry }: Pass, service: KubernetesObject, finalizers: string[]): KubernetesObject {
  return registry.update(resourceOf('Service'), { ...service, metadata: { ...service.metadata, finalizers } }, { manager: 'aws-cloud-controller-manager' })
}

/** A network load balancer's name, the same for a Service for as long as it lives. */
function hostname(uid: string): string {
  return `a${uid.replaceAll('-', '')}-${createHash('sha256').update(uid).digest('hex').slice(0, 16)}.elb.us-east-2.amazonaws.com`
}
