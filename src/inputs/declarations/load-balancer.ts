/** Inputs that say what the Ingress and its ALB look like. */
import { parseAnnotations, parseTags } from '../annotations.ts'
import { defineInputs } from '../declaration.ts'
import { boolean, choice, duration, list, map, port, string } from '../input-types.ts'
import { parseCidrs } from '../cidrs.ts'
import { createIdsOrNamesParser } from '../lists.ts'
import {
  parseGroupName,
  parseIngressName,
  parseKubernetesSubdomain,
  parseLoadBalancerName,
  parseSslPolicy,
} from '../names.ts'

/** Each of them becomes a field of IngressSettings. */
export const loadBalancerInputs = defineInputs({
  scheme: {
    ...choice('internet-facing', 'internal'),
    annotation: 'alb.ingress.kubernetes.io/scheme',
    description: 'Scheme of the ALB. A change replaces the ALB and its DNS name.',
    default: 'internet-facing',
  },
  'inbound-cidrs': {
    ...list(parseCidrs),
    annotation: 'alb.ingress.kubernetes.io/inbound-cidrs',
    description:
      'CIDR blocks that are allowed to connect. The controller ignores them if ' +
      '`security-groups` is set.',
    example: '203.0.113.0/24',
    defaultDescription: 'everyone',
  },
  subnets: {
    ...list(createIdsOrNamesParser('subnet-')),
    annotation: 'alb.ingress.kubernetes.io/subnets',
    description: 'IDs or Name tags of the subnets of the ALB.',
    example: 'subnet-0a1b2c3d, subnet-4e5f6a7b',
    defaultDescription: 'the controller discovers them by their tags',
  },
  'security-groups': {
    ...list(createIdsOrNamesParser('sg-')),
    annotation: 'alb.ingress.kubernetes.io/security-groups',
    description: 'IDs or Name tags of the security groups of the ALB.',
    example: 'sg-0a1b2c3d',
    defaultDescription: 'the controller creates one',
  },
  'listen-port': {
    ...port,
    annotation: 'alb.ingress.kubernetes.io/listen-ports',
    description: 'Port of the HTTPS listener of the ALB.',
    default: '443',
  },
  'ssl-policy': {
    ...string(parseSslPolicy),
    annotation: 'alb.ingress.kubernetes.io/ssl-policy',
    description: 'Security policy of the listener.',
    default: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
  },
  'idle-timeout': {
    // Source: ELBv2, ModifyLoadBalancerAttributes, idle_timeout.timeout_seconds.
    ...duration(1, 4000),
    description:
      'How long a connection may be idle, from 1s to 4000s. gRPC keepalives do not count for an ' +
      'ALB: it disconnects a search that takes longer.',
    default: '10m',
  },
  'load-balancer-name': {
    ...string(parseLoadBalancerName),
    annotation: 'alb.ingress.kubernetes.io/load-balancer-name',
    description: 'Name of the ALB, at most 32 characters. Only effective at creation.',
    example: 'milvus-production',
    defaultDescription: 'the controller generates one',
  },
  'group-name': {
    ...string(parseGroupName),
    annotation: 'alb.ingress.kubernetes.io/group.name',
    description:
      'IngressGroup, to share an ALB with other Ingresses. On EKS Auto Mode, only the class ' +
      'assigns groups.',
    example: 'shared',
    defaultDescription: 'the group of the class, or an ALB of its own',
  },
  rest: {
    ...boolean,
    description:
      'Whether the same host and listener also serve the RESTful API of Milvus (`/v1/vector`, ' +
      '`/v2/vectordb`), through a second Service that this action creates. `false` ' +
      'removes that Service and its paths.',
    default: 'false',
  },
  tags: {
    ...map(parseTags),
    annotation: 'alb.ingress.kubernetes.io/tags',
    description: 'Tags of the AWS resources of the ALB, as a YAML map or as `key=value` pairs.',
    example: 'team: search',
  },
  annotations: {
    ...map(parseAnnotations),
    description:
      'Additional annotations of the Ingress, as a YAML map. They must neither override what ' +
      'the endpoint needs (gRPC, ip targets, port, certificate) nor repeat an input.',
    example: 'alb.ingress.kubernetes.io/wafv2-acl-name: edge',
  },
})

/** Inputs about the object that the action applies. */
export const ingressInputs = defineInputs({
  'ingress-name': {
    ...string(parseIngressName),
    description: 'Name of the Ingress.',
    example: 'milvus-demo',
    defaultDescription: 'the name of the release, or of the Service without a release',
  },
  'ingress-class': {
    ...string(parseKubernetesSubdomain),
    annotation: 'kubernetes.io/ingress.class',
    description: 'IngressClass of the AWS Load Balancer Controller or of EKS Auto Mode.',
    default: 'alb',
  },
})
