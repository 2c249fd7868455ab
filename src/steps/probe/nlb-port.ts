/** The port of a Network Load Balancer in front of the ALB. Pure. */
import { annotationPrefix } from '../../controller/annotations.ts'
import { findMappedPorts } from '../../controller/nlb-port-mapping.ts'
import type { IngressSettings } from '../../inputs/types.ts'

const portMappingAnnotation = `${annotationPrefix}frontend-nlb-listener-port-mapping`

/**
 * The port of the NLB that leads to the listener of the ALB: without a mapping, they are the same.
 */
export function findNlbPort({
  annotations,
  listenPort,
}: Pick<IngressSettings, 'annotations' | 'listenPort'>): number {
  const mappedPorts = findMappedPorts(annotations[portMappingAnnotation], listenPort)
  if (mappedPorts.includes(listenPort)) return listenPort
  return mappedPorts[0] ?? listenPort
}
