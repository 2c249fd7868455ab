/** The inputs that say what becomes of the Service in mode destroy. */
import type { InputName } from './inputs.ts'
import * as parsers from './parsers.ts'
import type { Settings } from './types.ts'

/** What reads an input, and keeps a conflict between inputs. */
export interface OptionalInputReader {
  readonly optional: <T>(name: InputName, parse: (raw: string) => T) => T | undefined
  readonly addConflict: (problem: string, remedy: string) => void
}

/** @param service the input of that name, as it was set */
export function readRestoration(
  reader: OptionalInputReader,
  service: string,
): Pick<Settings, 'serviceType' | 'restoreLoadBalancerClass'> {
  const serviceType = reader.optional(
    'restore-service-type',
    parsers.oneOf('LoadBalancer', 'NodePort'),
  )
  const loadBalancerClass = reader.optional(
    'restore-load-balancer-class',
    parsers.loadBalancerClass,
  )
  if (serviceType !== undefined && service !== '') {
    reader.addConflict(
      'Inputs restore-service-type and service are both given, and a Service without a helm release is left to whoever manages it.',
      `Leave restore-service-type empty, and set the type to ${serviceType} where the Service is managed; or give release in place of service.`,
    )
  }
  if (loadBalancerClass !== undefined && serviceType !== 'LoadBalancer') {
    reader.addConflict(
      'Input restore-load-balancer-class is set, and restore-service-type is not LoadBalancer.',
      'Set restore-service-type: LoadBalancer, or leave restore-load-balancer-class empty.',
    )
  }
  return { serviceType, restoreLoadBalancerClass: loadBalancerClass }
}
