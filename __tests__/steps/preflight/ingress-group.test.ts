/** What members of an IngressGroup disagree on, so that the controller rejects them all. */
import { expect, test } from '@jest/globals'
import type { IngressClassParams } from '../../../src/clients/kubernetes/types.ts'
import { findMemberConflicts } from '../../../src/steps/preflight/group-conflicts.ts'
import type { ClassParams } from '../../../src/steps/preflight/ingress-class.ts'

const prefix = 'alb.ingress.kubernetes.io'
const createAnnotations = (annotations: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}/${key}`, value]))
const ownAnnotations = {
  scheme: 'internet-facing',
  'listen-ports': '[{"HTTPS":443}]',
  'certificate-arn': 'arn',
  'ssl-policy': 'A',
  'load-balancer-attributes': 'idle_timeout.timeout_seconds=600',
  subnets: 'a, b',
  tags: 'team=search',
  'inbound-cidrs': '10.0.0.0/8',
}

const noClassParams: ClassParams = { readable: true, spec: {} }

interface Member {
  readonly name: string
  readonly annotations: Record<string, string>
  readonly conflicts?: readonly string[]
  /** Of the Ingress of the run, beside those that it has always. */
  readonly ownAnnotations?: Record<string, string>
  readonly classParams?: ClassParams
  /** That of this run unless set. */
  readonly otherClassParams?: ClassParams
}

const createParams = (spec: IngressClassParams['spec'] = {}): ClassParams => ({
  readable: true,
  spec,
})

const members: readonly Member[] = [
  { name: 'without annotations', annotations: {} },
  { name: 'with the same annotations', annotations: ownAnnotations },
  { name: 'with the same subnets in another order', annotations: { subnets: 'b,a' } },
  {
    name: 'with other subnets',
    annotations: { subnets: 'a,c' },
    conflicts: ['subnets is a, c, not a, b'],
  },
  {
    name: 'of another scheme',
    annotations: { scheme: 'internal' },
    conflicts: ['scheme is internal, not internet-facing'],
  },
  {
    name: 'of another scheme, which the class overrides',
    annotations: { scheme: 'internal' },
    classParams: { readable: true, spec: { scheme: 'internal' } },
  },
  {
    name: 'of another scheme, which an unreadable class may override',
    annotations: { scheme: 'internal' },
    classParams: { readable: false },
  },
  { name: 'with a name, where this one has none', annotations: { 'load-balancer-name': 'x' } },
  {
    name: 'with another attribute',
    annotations: { 'load-balancer-attributes': 'routing.http2.enabled=true' },
  },
  {
    name: 'with another value of an attribute',
    annotations: { 'load-balancer-attributes': 'idle_timeout.timeout_seconds=60' },
    conflicts: ['load-balancer-attributes idle_timeout.timeout_seconds is 60, not 600'],
  },
  {
    name: 'with another value of a tag',
    annotations: { tags: 'team=ads,cost=1' },
    conflicts: ['tags team is ads, not search'],
  },
  {
    name: 'of another policy on the same port',
    annotations: { 'certificate-arn': 'x', 'ssl-policy': 'B' },
    conflicts: ['ssl-policy is B, not A'],
  },
  {
    name: 'of another policy on another port',
    annotations: { 'listen-ports': '[{"HTTPS":8443}]', 'ssl-policy': 'B' },
  },
  {
    name: 'for other clients on the same port',
    annotations: { 'listen-ports': '[{"HTTPS":443}]', 'inbound-cidrs': '0.0.0.0/0' },
    conflicts: ['inbound-cidrs is 0.0.0.0/0, not 10.0.0.0/8'],
  },
  {
    name: 'of another protocol on the same port',
    annotations: { 'listen-ports': '[{"HTTP":443}]' },
    conflicts: ['port 443 is HTTP, not HTTPS'],
  },
  {
    name: 'with a tag named like a property of Object.prototype',
    annotations: { tags: 'constructor=x' },
  },
  { name: 'with malformed listen-ports', annotations: { 'listen-ports': '443' } },
  {
    name: 'with the same security groups in another order, which matters',
    annotations: { 'security-groups': 'sg-2,sg-1' },
    ownAnnotations: { 'security-groups': 'sg-1, sg-2' },
    conflicts: ['security-groups is sg-2, sg-1, not sg-1, sg-2'],
  },
  {
    name: 'with other prefix lists on the same port',
    annotations: { 'listen-ports': '[{"HTTPS":443}]', 'security-group-prefix-lists': 'pl-2' },
    ownAnnotations: { 'security-group-prefix-lists': 'pl-1' },
    conflicts: ['security-group-prefix-lists is pl-2, not pl-1'],
  },
  {
    name: 'with the same prefix lists in another order, by the class as v2.13 spells it',
    annotations: { 'listen-ports': '[{"HTTPS":443}]' },
    ownAnnotations: { 'security-group-prefix-lists': 'pl-1,pl-2' },
    otherClassParams: createParams({ PrefixListsIDs: ['pl-2', 'pl-1'] }),
    classParams: noClassParams,
  },
  {
    name: 'with another web ACL, Shield, redirect, front NLB, capacity and address pool',
    annotations: {
      'wafv2-acl-name': 'b',
      'web-acl-id': 'b',
      'shield-advanced-protection': 'false',
      'ssl-redirect': '8443',
      'enable-frontend-nlb': 'False',
      'minimum-load-balancer-capacity': 'CapacityUnits=200',
      'ipam-ipv4-pool-id': 'ipam-pool-2',
    },
    ownAnnotations: {
      'wafv2-acl-name': 'a',
      'waf-acl-id': 'a',
      'shield-advanced-protection': 'true',
      'ssl-redirect': '443',
      'enable-frontend-nlb': 'true',
      'minimum-load-balancer-capacity': 'CapacityUnits=100',
      'ipam-ipv4-pool-id': 'ipam-pool-1',
    },
    conflicts: [
      'ipam-ipv4-pool-id is ipam-pool-2, not ipam-pool-1',
      'minimum-load-balancer-capacity CapacityUnits is 200, not 100',
      'ssl-redirect is 8443, not 443',
      'wafv2-acl-name is b, not a',
      'waf-acl-id is b, not a',
      'shield-advanced-protection is false, not true',
      'enable-frontend-nlb is false, not true',
    ],
  },
  {
    name: 'with another name, address type, pool, rule management and NLB',
    annotations: {
      'ip-address-type': 'dualstack',
      'load-balancer-name': 'b',
      'manage-backend-security-group-rules': 'false',
      'customer-owned-ipv4-pool': 'pool-2',
      'frontend-nlb-scheme': 'internal',
      'frontend-nlb-subnets': 'b',
      'frontend-nlb-security-groups': 'sg-2,sg-1',
    },
    ownAnnotations: {
      'ip-address-type': 'ipv4',
      'load-balancer-name': 'a',
      'manage-backend-security-group-rules': 'true',
      'customer-owned-ipv4-pool': 'pool-1',
      'frontend-nlb-scheme': 'internet-facing',
      'frontend-nlb-subnets': 'a',
      'frontend-nlb-security-groups': 'sg-1,sg-2',
    },
    conflicts: [
      'ip-address-type is dualstack, not ipv4',
      'load-balancer-name is b, not a',
      'manage-backend-security-group-rules is false, not true',
      'customer-owned-ipv4-pool is pool-2, not pool-1',
      'frontend-nlb-scheme is internal, not internet-facing',
      'frontend-nlb-subnets is b, not a',
      'frontend-nlb-security-groups is sg-2, sg-1, not sg-1, sg-2',
    ],
  },
  {
    name: 'with the same booleans in other spellings of Go',
    annotations: { 'shield-advanced-protection': 'T', 'enable-frontend-nlb': '0' },
    ownAnnotations: { 'shield-advanced-protection': 'true', 'enable-frontend-nlb': 'false' },
  },
  {
    name: 'with other mutual TLS on the same port',
    annotations: {
      'listen-ports': '[{"HTTPS":443}]',
      'mutual-authentication': '[{"port":443,"mode":"verify","trustStore":"b"}]',
    },
    ownAnnotations: { 'mutual-authentication': '[{"port":443,"mode":"passthrough"}]' },
    conflicts: ['mutual-authentication 443 is verify b, not passthrough'],
  },
  {
    name: 'with other mutual TLS on another port, and the same trust store by its ARN',
    annotations: {
      'listen-ports': '[{"HTTPS":443},{"HTTPS":8443}]',
      'mutual-authentication': JSON.stringify([
        {
          port: 443,
          mode: 'verify',
          trustStore: 'arn:aws:elasticloadbalancing:us-east-2:1:truststore/a/0a1b',
        },
        { port: 8443, mode: 'off' },
      ]),
    },
    ownAnnotations: {
      'mutual-authentication':
        '[{"port":443,"mode":"verify","trustStore":"a"},{"port":8443,"mode":"passthrough"}]',
    },
  },
  {
    name: 'whose other class sets another scheme than its annotation',
    annotations: { scheme: 'internet-facing' },
    otherClassParams: createParams({ scheme: 'internal' }),
    conflicts: ['scheme is internal, not internet-facing'],
  },
  {
    name: 'with another address type, which the class overrides',
    annotations: { 'ip-address-type': 'ipv4' },
    ownAnnotations: { 'ip-address-type': 'dualstack' },
    classParams: createParams({ ipAddressType: 'dualstack' }),
  },
  {
    name: 'with the web ACL of the class',
    annotations: { 'wafv2-acl-arn': 'a' },
    classParams: createParams({ wafv2AclArn: 'a' }),
  },
  {
    name: 'with another web ACL than that of the class',
    annotations: { 'wafv2-acl-arn': 'b' },
    classParams: createParams({ wafv2AclArn: 'a' }),
    conflicts: ['wafv2-acl-arn is a, b, not a'],
  },
  {
    name: 'whose other class sets the web ACL of this Ingress',
    annotations: { 'wafv2-acl-arn': '' },
    ownAnnotations: { 'wafv2-acl-arn': 'a' },
    otherClassParams: createParams({ wafv2AclArn: 'a' }),
  },
  {
    name: 'whose other class sets another web ACL beside that of this Ingress',
    annotations: { 'wafv2-acl-arn': 'a' },
    ownAnnotations: { 'wafv2-acl-arn': 'a' },
    otherClassParams: createParams({ wafv2AclArn: 'b' }),
    conflicts: ['wafv2-acl-arn is a, b, not a'],
  },
  {
    name: 'with other attributes, of which the class sets one',
    annotations: {
      'load-balancer-attributes':
        'idle_timeout.timeout_seconds=60,routing.http.drop_invalid_header_fields.enabled=true',
    },
    ownAnnotations: {
      'load-balancer-attributes':
        'idle_timeout.timeout_seconds=600,routing.http.drop_invalid_header_fields.enabled=false',
    },
    classParams: createParams({
      loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '120' }],
    }),
    conflicts: [
      'load-balancer-attributes routing.http.drop_invalid_header_fields.enabled is true, not false',
    ],
  },
]

test.each(members)(
  'findConflicts: a member $name',
  ({
    annotations,
    ownAnnotations: moreOwnAnnotations,
    conflicts = [],
    classParams = noClassParams,
    otherClassParams = classParams,
  }) => {
    const own = { ...ownAnnotations, ...moreOwnAnnotations }
    expect(
      findMemberConflicts(
        { annotations: createAnnotations(own), classParams },
        { annotations: createAnnotations(annotations), classParams: otherClassParams },
      ),
    ).toEqual(conflicts)
  },
)
