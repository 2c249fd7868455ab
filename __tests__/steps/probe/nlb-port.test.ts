/** The port of the NLB in front of the ALB. */
import { expect, test } from '@jest/globals'
import { findNlbPort } from '../../../src/steps/probe/nlb-port.ts'

test.each<{ name: string; mapping: string; expected: number }>([
  { name: 'no mapping', mapping: '', expected: 443 },
  { name: 'another port', mapping: '8443=443', expected: 8443 },
  { name: 'among others, with spaces', mapping: '80=80, 9443 = 443', expected: 9443 },
  { name: 'the same port and another one', mapping: '8443=443,443=443', expected: 443 },
  { name: 'only other ports of the ALB', mapping: '443=80', expected: 443 },
  { name: 'no mapping that can be read', mapping: '=443', expected: 443 },
])('$name', ({ mapping, expected }) => {
  const annotations = { 'alb.ingress.kubernetes.io/frontend-nlb-listener-port-mapping': mapping }
  expect(findNlbPort({ annotations, listenPort: 443 })).toBe(expected)
})
