/** Annotation frontend-nlb-listener-port-mapping: a list of `NLB_PORT=ALB_PORT`. Pure. */
import { parseAttributes } from './annotation-validators.ts'

/**
 * The ports of the NLB that lead to a port of the ALB. Source: the controller's
 * pkg/ingress/model_build_frontend_nlb.go: with a mapping, only the ports in it get a listener.
 * @param mapping the annotation; absent for none
 */
export function findMappedPorts(mapping: string | undefined, albPort: number): number[] {
  return (parseAttributes(mapping ?? '') ?? [])
    .filter(([, mappedPort]) => Number(mappedPort) === albPort)
    .map(([nlbPort]) => Number(nlbPort))
}
