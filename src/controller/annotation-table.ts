/**
 * The annotations that the AWS Load Balancer Controller reads from an Ingress. Everything that is
 * known about one of them is declared here: its name, its values, and the versions that read it.
 * Source: AWS Load Balancer Controller v2.4 to v3.5, docs/guide/ingress/annotations.md,
 * pkg/annotations and pkg/ingress; the limits of the ELBv2 API.
 */
import {
  onlyForActions,
  onlyForInstanceTargets,
  onlyForListener,
  onlyForRegexPaths,
  onlyForService,
  onlyForServicePort,
  onlyForMappedPort,
  onlyWithFrontendNlb,
  onlyWithLogin,
  onlyWithoutCertificate,
  onlyWithoutSecurityGroups,
  onlyWithSecurityGroups,
  type NoEffect,
} from './annotation-effects.ts'
import {
  acceptAnyValue,
  createAttributesValidator,
  createChoiceValidator,
  createIdsOrNamesValidator,
  createIntegerValidator,
  isGoTrue,
  validateAuthType,
  validateCapacity,
  validateGoBoolean,
  validateGrpcCodes,
  validateHealthCheckPath,
  validateHealthCheckPort,
  validateHealthCheckPortOrName,
  validateHttpCodes,
  validateNonEmptyList,
  validatePort,
  validatePortMapping,
  validateWebAclArn,
  type Validator,
} from './annotation-validators.ts'
import {
  validateJsonObject,
  validateJsonObjects,
  validateJwtConfig,
  validateMutualAuthentication,
} from './json-validators.ts'
import { validateLoadBalancerAttributes, validateTargetGroupAttributes } from './elb-attributes.ts'
import type { Version } from './versions.ts'

/** Versions that read an annotation and do the wrong thing. */
export interface KnownDefect {
  readonly since?: Version
  /** The version in which it was fixed. */
  readonly before: Version
  /** The values it applies to; absent for all. */
  readonly appliesTo?: (value: string) => boolean
  /** What those versions do, before the name of the annotation: `panics at`. */
  readonly effect: string
}

/** An argument of the controller that disables an annotation. */
export interface DisablingArgument {
  /** Boolean, but for feature-gates. */
  readonly flag: string
  /** With feature-gates. */
  readonly gate?: string
  /** The value that disables it. */
  readonly value: boolean
  readonly effect: 'ignores' | 'rejects'
  /** The values of the annotation it applies to; absent for all. */
  readonly appliesTo?: (value: string) => boolean
}

export interface AnnotationDeclaration {
  readonly validate: Validator
  /** The first version that reads it; absent for those that v2.4 reads. */
  readonly since?: Version
  readonly knownDefects?: readonly KnownDefect[]
  readonly disabledBy?: DisablingArgument
  /** Whether a value on the Service takes precedence. Source: the controller, MergeStringMap. */
  readonly isReadFromService?: true
  /** Absent for those that always have an effect. */
  readonly noEffect?: NoEffect
}

/** Source: the controller's issues 4363 and 4387, pull request 4375. */
const escapedComma: KnownDefect = {
  before: [2, 14, 1],
  appliesTo: (value) => value.includes('\\,'),
  effect: 'rejects the escaped comma in',
}

/**
 * Source: the controller's docs/deploy/configurations.md.
 * @param appliesTo whether a value asks for anything
 */
const isEnabledBy = (
  flag: string,
  appliesTo: (value: string) => boolean = (value) => value !== 'none',
): DisablingArgument => ({ flag, value: false, effect: 'ignores', appliesTo })

const hasFeatureGate = (gate: string, effect: DisablingArgument['effect']): DisablingArgument => ({
  flag: 'feature-gates',
  gate,
  value: false,
  effect,
})

/** `key=value,key=value` */
const stringMap = (validate: Validator): AnnotationDeclaration => ({
  validate,
  knownDefects: [escapedComma],
})

/** Of a target group: an annotation of the Service takes precedence. */
const onService = (declaration: AnnotationDeclaration): AnnotationDeclaration => ({
  ...declaration,
  isReadFromService: true,
})

const frontendNlb = (validate: Validator): AnnotationDeclaration => ({
  validate,
  since: [2, 13, 0],
  noEffect: onlyWithFrontendNlb,
})

const login = (validate: Validator): AnnotationDeclaration =>
  onService({ validate, noEffect: onlyWithLogin })

/**
 * By name without prefix. A part in capitals stands for what a user chooses: `actions.NAME`,
 * `listener-attributes.PROTOCOL-PORT`.
 */
export const annotationTable: Readonly<Record<string, AnnotationDeclaration>> = {
  // Load balancer
  'group.name': {
    validate: acceptAnyValue,
    disabledBy: { flag: 'disable-ingress-group-name-annotation', value: true, effect: 'rejects' },
  },
  'group.order': { validate: createIntegerValidator(-1000, 1000) },
  'ip-address-type': {
    validate: createChoiceValidator('ipv4', 'dualstack', 'dualstack-without-public-ipv4'),
  },
  'ipam-ipv4-pool-id': { validate: acceptAnyValue, since: [2, 12, 0] },
  'load-balancer-attributes': stringMap(validateLoadBalancerAttributes),
  'load-balancer-name': { validate: acceptAnyValue },
  'minimum-load-balancer-capacity': {
    validate: validateCapacity,
    since: [2, 11, 0],
    disabledBy: hasFeatureGate('LBCapacityReservation', 'ignores'),
  },
  scheme: { validate: acceptAnyValue },
  tags: onService(stringMap(acceptAnyValue)),

  // Network
  'customer-owned-ipv4-pool': { validate: acceptAnyValue },
  'inbound-cidrs': { validate: acceptAnyValue },
  'manage-backend-security-group-rules': {
    validate: validateGoBoolean,
    noEffect: onlyWithSecurityGroups,
  },
  'security-group-prefix-lists': {
    validate: validateNonEmptyList,
    since: [2, 8, 0],
    noEffect: onlyWithoutSecurityGroups,
  },
  'security-groups': { validate: acceptAnyValue },
  subnets: { validate: acceptAnyValue },

  // Listeners and TLS
  'acm-pca-arn': { validate: acceptAnyValue, since: [3, 3, 0], noEffect: onlyWithoutCertificate },
  'certificate-arn': { validate: acceptAnyValue },
  'create-acm-cert': {
    validate: validateGoBoolean,
    since: [3, 3, 0],
    noEffect: onlyWithoutCertificate,
  },
  'listen-ports': { validate: acceptAnyValue },
  'listener-attributes.PROTOCOL-PORT': {
    ...stringMap(createAttributesValidator({})),
    since: [2, 9, 0],
    noEffect: onlyForListener,
  },
  'mutual-authentication': { validate: validateMutualAuthentication, since: [2, 7, 0] },
  'ssl-policy': { validate: acceptAnyValue },
  'ssl-redirect': { validate: validatePort },

  // Rules
  'actions.NAME': { validate: acceptAnyValue, noEffect: onlyForActions },
  'conditions.SERVICE': { validate: validateJsonObjects, noEffect: onlyForService },
  'transforms.SERVICE': {
    validate: validateJsonObjects,
    since: [2, 14, 0],
    noEffect: onlyForService,
  },
  'use-regex-path-match': {
    validate: validateGoBoolean,
    since: [2, 14, 0],
    noEffect: onlyForRegexPaths,
  },

  // Authentication
  'auth-idp-cognito': login(validateJsonObject),
  'auth-idp-oidc': login(validateJsonObject),
  'auth-on-unauthenticated-request': login(createChoiceValidator('authenticate', 'allow', 'deny')),
  'auth-scope': login(acceptAnyValue),
  'auth-session-cookie': login(acceptAnyValue),
  'auth-session-timeout': login(createIntegerValidator(1, 604_800)),
  'auth-type': onService({ validate: validateAuthType }),
  'jwt-validation': { validate: validateJwtConfig, since: [2, 15, 0] },

  // Targets
  'backend-protocol': onService({ validate: createChoiceValidator('HTTP', 'HTTPS') }),
  'backend-protocol-version': onService({ validate: acceptAnyValue, since: [2, 1, 0] }),
  'multi-cluster-target-group': onService({ validate: validateGoBoolean, since: [2, 10, 0] }),
  'target-control-port.SERVICE.PORT': onService({
    validate: validatePort,
    since: [2, 16, 0],
    noEffect: onlyForServicePort,
  }),
  'target-group-attributes': onService(stringMap(validateTargetGroupAttributes)),
  'target-node-labels': onService({
    ...stringMap(createAttributesValidator({})),
    noEffect: onlyForInstanceTargets,
  }),
  'target-type': onService({
    validate: acceptAnyValue,
    disabledBy: hasFeatureGate('EnableIPTargetType', 'rejects'),
  }),

  // Health checks. Source: ELBv2, CreateTargetGroup
  'healthcheck-interval-seconds': onService({ validate: createIntegerValidator(5, 300) }),
  'healthcheck-path': onService({ validate: validateHealthCheckPath }),
  'healthcheck-port': onService({ validate: validateHealthCheckPortOrName }),
  'healthcheck-protocol': onService({ validate: createChoiceValidator('HTTP', 'HTTPS') }),
  'healthcheck-timeout-seconds': onService({ validate: createIntegerValidator(2, 120) }),
  'healthy-threshold-count': onService({ validate: createIntegerValidator(2, 10) }),
  'success-codes': onService({ validate: validateGrpcCodes }),
  'unhealthy-threshold-count': onService({ validate: createIntegerValidator(2, 10) }),

  // Protection
  'shield-advanced-protection': {
    validate: validateGoBoolean,
    disabledBy: isEnabledBy('enable-shield', isGoTrue),
  },
  'waf-acl-id': { validate: acceptAnyValue, disabledBy: isEnabledBy('enable-waf') },
  'wafv2-acl-arn': {
    validate: validateWebAclArn,
    disabledBy: isEnabledBy('enable-wafv2'),
    // Source: the controller's issue 3836.
    knownDefects: [
      { before: [2, 8, 2], appliesTo: (value) => value === 'none', effect: 'rejects "none" in' },
    ],
  },
  'wafv2-acl-name': {
    validate: acceptAnyValue,
    disabledBy: isEnabledBy('enable-wafv2'),
    since: [2, 14, 0],
    // Source: the controller's issue 4388.
    knownDefects: [{ since: [2, 14, 0], before: [2, 14, 1], effect: 'panics at' }],
  },
  'web-acl-id': { validate: acceptAnyValue, disabledBy: isEnabledBy('enable-waf') },

  // NLB in front of the ALB
  'enable-frontend-nlb': { validate: validateGoBoolean, since: [2, 13, 0] },
  'frontend-nlb-attributes': { ...frontendNlb(createAttributesValidator({})), since: [3, 2, 0] },
  'frontend-nlb-eip-allocations': frontendNlb(validateNonEmptyList),
  'frontend-nlb-healthcheck-healthy-threshold-count': frontendNlb(createIntegerValidator(2, 10)),
  'frontend-nlb-healthcheck-interval-seconds': frontendNlb(createIntegerValidator(5, 300)),
  'frontend-nlb-healthcheck-path': frontendNlb(validateHealthCheckPath),
  'frontend-nlb-healthcheck-port': frontendNlb(validateHealthCheckPort),
  'frontend-nlb-healthcheck-protocol': frontendNlb(createChoiceValidator('HTTP', 'HTTPS')),
  'frontend-nlb-healthcheck-success-codes': frontendNlb(validateHttpCodes),
  'frontend-nlb-healthcheck-timeout-seconds': frontendNlb(createIntegerValidator(2, 120)),
  'frontend-nlb-healthcheck-unhealthy-threshold-count': frontendNlb(createIntegerValidator(2, 10)),
  'frontend-nlb-listener-port-mapping': {
    ...frontendNlb(validatePortMapping),
    noEffect: onlyForMappedPort,
  },
  'frontend-nlb-scheme': frontendNlb(createChoiceValidator('internal', 'internet-facing')),
  'frontend-nlb-security-groups': frontendNlb(createIdsOrNamesValidator('sg-')),
  'frontend-nlb-subnets': frontendNlb(createIdsOrNamesValidator('subnet-')),
  'frontend-nlb-tags': frontendNlb(createAttributesValidator({})),
}
