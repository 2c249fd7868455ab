/** The port of a Network Load Balancer in front of the ALB. Pure. */
import { parseAttributes } from '../../controller/annotation-validators.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { IngressSettings } from '../../inputs/types.ts'

const portMappingAnnotation = `${annotationPrefix}frontend-nlb-listener-port-mapping`

/**
 * The port of the NLB that leads to the listener of the ALB. Source: the controller's
 * pkg/ingress/model_build_frontend_nlb.go: without a mapping the ports are the same; a mapping is
 * a list of `NLB_PORT=ALB_PORT`, and only the ports in it get a listener.
 */
export function findNlbPort({
  annotations,
  listenPort,
}: Pick<IngressSettings, 'annotations' | 'listenPort'>): number {
  const mapping = parseAttributes(annotations[portMappingAnnotation] ?? '') ?? []
  const mappedPorts = mapping
    .filter(([, albPort]) => Number(albPort) === listenPort)
    .map(([nlbPort]) => Number(nlbPort))
  if (mappedPorts.includes(listenPort)) return listenPort
  return mappedPorts[0] ?? listenPort
}
