/**
 * The target group of a backend: pkg/ingress/model_build_target_group.go of v3.5.0. Annotations of the Service win over
 * those of the Ingress.
 */
import { annotation, BuildError, oneOf, stringMap } from './annotations.ts'
import type { Ingress, Service } from './objects.ts'
import { keyOf } from './objects.ts'

/** A target group, and the Service port whose endpoints are its targets. */
export interface TargetGroupModel {
  /** `<ns>/<ingress>-<service>:<port>`: its tag. */
  readonly resource: string
  readonly name: string
  readonly port: number
  readonly protocol: 'HTTP' | 'HTTPS'
  readonly protocolVersion: 'HTTP1' | 'HTTP2' | 'GRPC'
  readonly targetType: 'ip' | 'instance'
  readonly healthCheckPath: string
  readonly matcher: string
  readonly attributes: Readonly<Record<string, string>>
  readonly namespace: string
  readonly service: string
  readonly servicePort: number | string
  /** The name of the Service's port, by which its EndpointSlices have it. */
  readonly portName: string
}

/** What the controller checks when an annotation says nothing (model_builder.go). */
const HEALTH_CHECKS = {
  GRPC: { path: '/AWS.ALB/healthcheck', matcher: '12' },
  HTTP1: { path: '/', matcher: '200' },
  HTTP2: { path: '/', matcher: '200' },
}

/** Builds the target group of a Service's port; its name is given later. */
export function buildTargetGroup(ingress: Ingress, service: Service, wanted: number | string): TargetGroupModel {
  const port = (service.spec?.ports ?? []).find((each) => each.port === wanted || each.name === wanted)
  if (!port) throw new BuildError(`unable to find port ${wanted} on service ${keyOf(service)}`)
  const annotations = { ...ingress.metadata.annotations, ...service.metadata.annotations }
  const targetType = oneOf(annotations, 'target-type', ['instance', 'ip'], 'instance', 'unknown targetType')
  const protocol = oneOf(annotations, 'backend-protocol', ['HTTP', 'HTTPS'], 'HTTP', 'backend protocol must be within [HTTP, HTTPS]')
  const protocolVersion = oneOf(annotations, 'backend-protocol-version', ['HTTP1', 'HTTP2', 'GRPC'], 'HTTP1', 'backend protocol version must be within [HTTP1, HTTP2, GRPC]')
  if (targetType === 'instance' && !port.nodePort) {
    // The typo is theirs.
    throw new BuildError("TargetGroup port is empty. When using Instance targets, your service be must of type 'NodePort' or 'LoadBalancer'")
  }
  const target = targetType === 'instance' ? port.nodePort : port.targetPort
  return {
    resource: `${keyOf(ingress)}-${service.metadata.name}:${wanted}`,
    name: '',
    // A named port may differ from pod to pod: the group's own is then 1, and each target has its own.
    port: typeof target === 'string' ? 1 : (target ?? port.port),
    protocol,
    protocolVersion,
    targetType,
    healthCheckPath: annotation(annotations, 'healthcheck-path') ?? HEALTH_CHECKS[protocolVersion].path,
    matcher: annotation(annotations, 'success-codes') ?? HEALTH_CHECKS[protocolVersion].matcher,
    attributes: stringMap(annotations, 'target-group-attributes'),
    namespace: service.metadata.namespace ?? '',
    service: service.metadata.name,
    servicePort: wanted,
    portName: port.name ?? '',
  }
}
