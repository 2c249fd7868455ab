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

test.each<[string, Record<string, string>, string[], ClassParams]>([
  ['that says nothing', {}, [], {}],
  ['that says the same', ownAnnotations, [], {}],
  ['with the same subnets in another order', { subnets: 'b,a' }, [], {}],
  ['with other subnets', { subnets: 'a,c' }, ['subnets is a, c, not a, b'], {}],
  ['of another scheme', { scheme: 'internal' }, ['scheme is internal, not internet-facing'], {}],
  [
    'of another scheme, which the class settles',
    { scheme: 'internal' },
    [],
    { scheme: 'internal' },
  ],
  ['of another scheme, when the class may settle it', { scheme: 'internal' }, [], 'unreadable'],
  ['with a name, where this one has none', { 'load-balancer-name': 'x' }, [], {}],
  ['with another attribute', { 'load-balancer-attributes': 'routing.http2.enabled=true' }, [], {}],
  [
    'with another value of an attribute',
    { 'load-balancer-attributes': 'idle_timeout.timeout_seconds=60' },
    ['load-balancer-attributes idle_timeout.timeout_seconds is 60, not 600'],
    {},
  ],
  [
    'with another value of a tag',
    { tags: 'team=ads,cost=1' },
    ['tags team is ads, not search'],
    {},
  ],
  [
    'of another policy on the same port',
    { 'certificate-arn': 'x', 'ssl-policy': 'B' },
    ['ssl-policy is B, not A'],
    {},
  ],
  [
    'of another policy on another port',
    { 'listen-ports': '[{"HTTPS":8443}]', 'ssl-policy': 'B' },
    [],
    {},
  ],
  [
    'for other clients on the same port',
    { 'listen-ports': '[{"HTTPS":443}]', 'inbound-cidrs': '0.0.0.0/0' },
    ['inbound-cidrs is 0.0.0.0/0, not 10.0.0.0/8'],
    {},
  ],
  [
    'of another protocol on the same port',
    { 'listen-ports': '[{"HTTP":443}]' },
    ['port 443 is HTTP, not HTTPS'],
    {},
  ],
  ['with a tag that has a name of JavaScript', { tags: 'constructor=x' }, [], {}],
  ['with ports that nobody can read', { 'listen-ports': '443' }, [], {}],
])('a member %s', (_, otherAnnotations, expected, classParams) => {
  expect(
    findConflicts(
      createAnnotations(ownAnnotations),
      createAnnotations(otherAnnotations),
      classParams,
    ),
  ).toEqual(expected)
})
