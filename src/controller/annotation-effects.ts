/**
 * Annotations that the controller knows and that do nothing for the Ingress of this action: one
 * HTTPS listener with a given certificate, one path of type Prefix, ip targets. Source: the
 * controller's pkg/ingress (enhanced_backend_builder.go, model_build_*.go).
 */
import { isGoTrue } from './annotation-validators.ts'
import { findMappedPorts } from './nlb-port-mapping.ts'

/** The Ingress that has an annotation. */
export interface AnnotatedIngress {
  /** By name without prefix. */
  readonly annotations: Readonly<Record<string, string>>
  readonly listenPort: number
  /** While it is not known, annotations of any Service have an effect. */
  readonly service: string | undefined
  /** While it is not known, annotations of any port have an effect. */
  readonly servicePort: number | undefined
}

/**
 * Why an annotation has no effect, continuing `KEY, which has no effect: …`; undefined when it has
 * one.
 * @param suffix what a user chose in the name: `HTTPS-443` of listener-attributes.HTTPS-443
 */
export type NoEffect = (ingress: AnnotatedIngress, suffix: string) => string | undefined

const always =
  (reason: string): NoEffect =>
  () =>
    reason

export const onlyForActions = always(
  'only a path whose port is named use-annotation uses it, and the path of this Ingress forwards ' +
    'to Milvus',
)

export const onlyForRegexPaths = always(
  'it is about paths of type ImplementationSpecific, and that of this Ingress is of type Prefix',
)

export const onlyForInstanceTargets = always('the targets of this Ingress are pods, not nodes')

export const onlyWithoutCertificate = always(
  'certificate-arn, which this action sets, overrides it',
)

/** Any other value of auth-type is rejected. */
export const onlyWithLogin = always('auth-type is none, so the ALB authenticates nobody')

export const onlyForListener: NoEffect = ({ listenPort }, suffix) =>
  suffix === `HTTPS-${listenPort}`
    ? undefined
    : `the only listener of this Ingress is HTTPS-${listenPort}`

export const onlyForService: NoEffect = ({ service }, suffix) =>
  service === undefined || suffix === service
    ? undefined
    : `the Service of this Ingress is ${service}`

export const onlyForServicePort: NoEffect = ({ service, servicePort }, suffix) =>
  service === undefined || servicePort === undefined || suffix === `${service}.${servicePort}`
    ? undefined
    : `the Service and port of this Ingress are ${service}.${servicePort}`

export const onlyWithFrontendNlb: NoEffect = ({ annotations }) =>
  isGoTrue(annotations['enable-frontend-nlb'])
    ? undefined
    : 'there is an NLB only with enable-frontend-nlb: true'

/** Only the ports of the ALB in the mapping get a listener of the NLB. */
export const onlyForMappedPort: NoEffect = (ingress) => {
  const { annotations, listenPort } = ingress
  const withoutNlb = onlyWithFrontendNlb(ingress, '')
  if (withoutNlb !== undefined) return withoutNlb
  return findMappedPorts(annotations['frontend-nlb-listener-port-mapping'], listenPort).length > 0
    ? undefined
    : `no port in it leads to port ${listenPort} of the ALB, so the NLB gets no listener`
}

export const onlyWithSecurityGroups: NoEffect = ({ annotations }) =>
  'security-groups' in annotations
    ? undefined
    : 'it is about the groups of input security-groups, which is empty'

export const onlyWithoutSecurityGroups: NoEffect = ({ annotations }) =>
  'security-groups' in annotations
    ? 'the controller does not change the groups of input security-groups'
    : undefined
