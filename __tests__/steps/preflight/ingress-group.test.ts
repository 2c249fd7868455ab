/** What members of an IngressGroup disagree on, so that the controller refuses them all. */
import { expect, test } from '@jest/globals'
import type { ClassParams } from '../../../src/steps/preflight/ingress-class.ts'
import { findConflicts } from '../../../src/steps/preflight/ingress-group.ts'

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
  readonly classParams?: ClassParams
}

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
]

test.each(members)(
  'findConflicts: a member $name',
  ({ annotations, conflicts = [], classParams = noClassParams }) => {
    expect(
      findConflicts(createAnnotations(ownAnnotations), createAnnotations(annotations), classParams),
    ).toEqual(conflicts)
  },
)
