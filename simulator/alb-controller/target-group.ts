/**
 * The target group of a backend: pkg/ingress/model_build_target_group.go of v3.5.0. Annotations of
 * the Service take precedence over those of the Ingress.
 */
import {
  getAnnotation,
  BuildError,
  parseEnum,
  parseStringMap,
  type EnumAnnotation,
} from './annotations.ts'
import { getObjectKey, type Ingress, type Service } from './objects.ts'

/** A target group, and the Service port whose endpoints are its targets. */
export interface TargetGroupModel {
  /** The tag of the target group: `<ns>/<ingress>-<service>:<port>`. */
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
  /** The name of the Service's port in its EndpointSlices. */
  readonly portName: string
}

/** The health checks of target groups without annotations (model_builder.go). */
const DEFAULT_HEALTH_CHECKS = {
  GRPC: { path: '/AWS.ALB/healthcheck', matcher: '12' },
  HTTP1: { path: '/', matcher: '200' },
  HTTP2: { path: '/', matcher: '200' },
}

const targetTypes: EnumAnnotation<TargetGroupModel['targetType']> = {
  name: 'target-type',
  values: ['instance', 'ip'],
  fallback: 'instance',
  errorPrefix: 'unknown targetType',
}
const backendProtocols: EnumAnnotation<TargetGroupModel['protocol']> = {
  name: 'backend-protocol',
  values: ['HTTP', 'HTTPS'],
  fallback: 'HTTP',
  errorPrefix: 'backend protocol must be within [HTTP, HTTPS]',
}
const protocolVersions: EnumAnnotation<TargetGroupModel['protocolVersion']> = {
  name: 'backend-protocol-version',
  values: ['HTTP1', 'HTTP2', 'GRPC'],
  fallback: 'HTTP1',
  errorPrefix: 'backend protocol version must be within [HTTP1, HTTP2, GRPC]',
}

/** Builds the target group of a Service's port, without its name. */
export function buildTargetGroup(
  ingress: Ingress,
  service: Service,
  portReference: number | string,
): TargetGroupModel {
  const port = (service.spec?.ports ?? []).find(
    (candidate) => candidate.port === portReference || candidate.name === portReference,
  )
  if (!port)
    throw new BuildError(`unable to find port ${portReference} on service ${getObjectKey(service)}`)
  const annotations = { ...ingress.metadata.annotations, ...service.metadata.annotations }
  const targetType = parseEnum(annotations, targetTypes)
  const protocol = parseEnum(annotations, backendProtocols)
  const protocolVersion = parseEnum(annotations, protocolVersions)
  if (targetType === 'instance' && !port.nodePort) {
    // "be must" is a typo of the real controller.
    throw new BuildError(
      'TargetGroup port is empty. When using Instance targets, ' +
        "your service be must of type 'NodePort' or 'LoadBalancer'",
    )
  }
  const target = targetType === 'instance' ? port.nodePort : port.targetPort
  return {
    resource: `${getObjectKey(ingress)}-${service.metadata.name}:${portReference}`,
    name: '',
    // A named port may differ between pods: the port of the group is then 1, and each target has
    // its own.
    port: typeof target === 'string' ? 1 : (target ?? port.port),
    protocol,
    protocolVersion,
    targetType,
    healthCheckPath:
      getAnnotation(annotations, 'healthcheck-path') ?? DEFAULT_HEALTH_CHECKS[protocolVersion].path,
    matcher:
      getAnnotation(annotations, 'success-codes') ?? DEFAULT_HEALTH_CHECKS[protocolVersion].matcher,
    attributes: parseStringMap(annotations, 'target-group-attributes'),
    namespace: service.metadata.namespace ?? '',
    service: service.metadata.name,
    servicePort: portReference,
    portName: port.name ?? '',
  }
}
