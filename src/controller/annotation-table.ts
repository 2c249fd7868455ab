/**
 * The annotations that the AWS Load Balancer Controller reads from an Ingress. Everything that is
 * known about one of them is declared here: its name, its values, and the versions that read it.
 * Source: AWS Load Balancer Controller v2.4 to v3.5, docs/guide/ingress/annotations.md,
 * pkg/annotations and pkg/ingress; the limits of the ELBv2 API.
 */
import {
  anyValue,
  attributeList,
  authType,
  boolean,
  capacity,
  grpcCodes,
  healthCheckPath,
  integer,
  json,
  mutualAuthentication,
  nonEmptyList,
  oneOf,
  type Validator,
  webAclArn,
} from './annotation-validators.ts'
import { loadBalancerAttributes, targetGroupAttributes } from './elb-attributes.ts'
import type { Version } from './versions.ts'

/** Versions that read an annotation and do the wrong thing. */
export interface VersionTrap {
  readonly since?: Version
  /** The version in which it was fixed. */
  readonly before: Version
  /** The values it applies to; absent for all. */
  readonly appliesTo?: (value: string) => boolean
  /** What those versions do, before the name of the annotation: `panics at`. */
  readonly effect: string
}

export interface AnnotationDeclaration {
  readonly validate: Validator
  /** The first version that reads it; absent for those that v2.4 reads. */
  readonly since?: Version
  readonly traps?: readonly VersionTrap[]
}

/** Source: the controller's issues 4363 and 4387, pull request 4375. */
const escapedComma: VersionTrap = {
  before: [2, 14, 1],
  appliesTo: (value) => value.includes('\\,'),
  effect: 'rejects the escaped comma in',
}

/** `key=value,key=value` */
const stringMap = (
  validate: Validator = attributeList({}),
  since?: Version,
): AnnotationDeclaration => ({ validate, traps: [escapedComma], ...(since && { since }) })

const frontendNlb: Version = [2, 13, 0]

/**
 * By name without prefix. A part in capitals stands for what a user chooses: `actions.NAME`,
 * `listener-attributes.PROTOCOL-PORT`.
 */
export const annotationTable: Readonly<Record<string, AnnotationDeclaration>> = {
  // Load balancer
  'group.name': { validate: anyValue },
  'group.order': { validate: integer(-1000, 1000) },
  'ip-address-type': { validate: oneOf('ipv4', 'dualstack', 'dualstack-without-public-ipv4') },
  'ipam-ipv4-pool-id': { validate: anyValue, since: [2, 12, 0] },
  'load-balancer-attributes': stringMap(loadBalancerAttributes),
  'load-balancer-capacity-reservation': { validate: anyValue },
  'load-balancer-name': { validate: anyValue },
  'minimum-load-balancer-capacity': { validate: capacity, since: [2, 11, 0] },
  scheme: { validate: anyValue },
  tags: stringMap(anyValue),

  // Network
  'customer-owned-ipv4-pool': { validate: anyValue },
  'inbound-cidrs': { validate: anyValue },
  'manage-backend-security-group-rules': { validate: boolean },
  'security-group-prefix-lists': { validate: nonEmptyList, since: [2, 8, 0] },
  'security-groups': { validate: anyValue },
  subnets: { validate: anyValue },

  // Listeners and TLS
  'acm-pca-arn': { validate: anyValue, since: [3, 3, 0] },
  'certificate-arn': { validate: anyValue },
  'create-acm-cert': { validate: boolean, since: [3, 3, 0] },
  'listen-ports': { validate: anyValue },
  'listener-attributes': stringMap(),
  'listener-attributes.PROTOCOL-PORT': stringMap(attributeList({}), [2, 9, 0]),
  'mutual-authentication': { validate: mutualAuthentication, since: [2, 7, 0] },
  'ssl-policy': { validate: anyValue },
  'ssl-redirect': { validate: integer(1, 65_535) },

  // Rules
  actions: { validate: anyValue },
  'actions.NAME': { validate: anyValue },
  conditions: { validate: anyValue },
  'conditions.SERVICE': { validate: anyValue },
  transforms: { validate: anyValue },
  'transforms.SERVICE': { validate: anyValue, since: [2, 14, 0] },
  'use-regex-path-match': { validate: boolean, since: [2, 14, 0] },

  // Authentication
  'auth-idp-cognito': { validate: json },
  'auth-idp-oidc': { validate: json },
  'auth-on-unauthenticated-request': { validate: oneOf('authenticate', 'allow', 'deny') },
  'auth-scope': { validate: anyValue },
  'auth-session-cookie': { validate: anyValue },
  'auth-session-timeout': { validate: integer(1, 604_800) },
  'auth-type': { validate: authType },
  'jwt-validation': { validate: json, since: [2, 15, 0] },

  // Targets
  'backend-protocol': { validate: oneOf('HTTP', 'HTTPS') },
  'backend-protocol-version': { validate: anyValue, since: [2, 1, 0] },
  'multi-cluster-target-group': { validate: boolean, since: [2, 10, 0] },
  'target-control-port': { validate: anyValue },
  'target-control-port.SERVICE.PORT': { validate: anyValue, since: [2, 16, 0] },
  'target-group-attributes': stringMap(targetGroupAttributes),
  'target-node-labels': stringMap(),
  'target-type': { validate: anyValue },

  // Health checks. Source: ELBv2, CreateTargetGroup
  'healthcheck-interval-seconds': { validate: integer(5, 300) },
  'healthcheck-path': { validate: healthCheckPath },
  'healthcheck-port': { validate: anyValue },
  'healthcheck-protocol': { validate: oneOf('HTTP', 'HTTPS') },
  'healthcheck-timeout-seconds': { validate: integer(2, 120) },
  'healthy-threshold-count': { validate: integer(2, 10) },
  'success-codes': { validate: grpcCodes },
  'unhealthy-threshold-count': { validate: integer(2, 10) },

  // Protection
  'shield-advanced-protection': { validate: boolean },
  'waf-acl-id': { validate: anyValue },
  'wafv2-acl-arn': {
    validate: webAclArn,
    // Source: the controller's issue 3836.
    traps: [
      { before: [2, 8, 2], appliesTo: (value) => value === 'none', effect: 'rejects none in' },
    ],
  },
  'wafv2-acl-name': {
    validate: anyValue,
    since: [2, 14, 0],
    // Source: the controller's issue 4388.
    traps: [{ since: [2, 14, 0], before: [2, 14, 1], effect: 'panics at' }],
  },
  'web-acl-id': { validate: anyValue },

  // NLB in front of the ALB
  'enable-frontend-nlb': { validate: boolean, since: frontendNlb },
  'frontend-nlb': { validate: anyValue },
  'frontend-nlb-attributes': stringMap(attributeList({}), [3, 2, 0]),
  'frontend-nlb-eip-allocations': { validate: nonEmptyList, since: frontendNlb },
  'frontend-nlb-healthcheck-healthy-threshold-count': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-interval-seconds': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-path': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-port': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-protocol': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-success-codes': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-timeout-seconds': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-healthcheck-unhealthy-threshold-count': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-listener-port-mapping': { validate: anyValue, since: frontendNlb },
  'frontend-nlb-scheme': { validate: oneOf('internal', 'internet-facing'), since: frontendNlb },
  'frontend-nlb-security-groups': { validate: nonEmptyList, since: frontendNlb },
  'frontend-nlb-subnets': { validate: nonEmptyList, since: frontendNlb },
  'frontend-nlb-tags': stringMap(attributeList({}), frontendNlb),
}
