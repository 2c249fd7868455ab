/** The inputs that say what becomes of the Service in mode destroy. */
import type { InputName } from './inputs.ts'
import * as form from './parsers.ts'
import type { Settings } from './types.ts'

/** What reads an input, and keeps a conflict between inputs. */
export interface InputReader {
  readonly optional: <T>(name: InputName, parse: (raw: string) => T) => T | undefined
  readonly conflict: (problem: string, remedy: string) => void
}

/** @param service the input of that name, as it was set */
export function readRestoration(read: InputReader, service: string): Pick<Settings, 'serviceType' | 'restoredClass'> {
  const serviceType = read.optional('restore-service-type', form.oneOf('LoadBalancer', 'NodePort'))
  const restoredClass = read.optional('restore-load-balancer-class', form.loadBalancerClass)
  if (serviceType !== undefined && service !== '') {
    read.conflict('Inputs restore-service-type and service are both given, and a Service without a helm release is left to whoever manages it.', `Leave restore-service-type empty, and set the type to ${serviceType} where the Service is managed; or give release in place of service.`)
  }
  if (restoredClass !== undefined && serviceType !== 'LoadBalancer') {
    read.conflict('Input restore-load-balancer-class is set, and restore-service-type is not LoadBalancer.', 'Set restore-service-type: LoadBalancer, or leave restore-load-balancer-class empty.')
  }
  return { serviceType, restoredClass }
}
