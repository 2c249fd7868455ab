/** Inputs that have no effect. */
import { expect, test } from '@jest/globals'
import type { IngressSettings } from '../../../src/inputs/types.ts'
import { warnIneffectiveAnnotations } from '../../../src/steps/preflight/annotation-effects.ts'
import { warnAboutInputs } from '../../../src/steps/preflight/input-warnings.ts'
import type { Context } from '../../../src/steps/step.ts'
import { createSettings } from '../fixtures.ts'

const prefixListAnnotation = 'alb.ingress.kubernetes.io/security-group-prefix-lists'

test.each<{ name: string; ingress: Partial<IngressSettings>; expected: readonly string[] }>([
  {
    name: 'CIDR blocks with security groups',
    ingress: { inboundCidrs: ['10.0.0.0/8'], securityGroups: ['sg-1'] },
    expected: ['Input inbound-cidrs has no effect with security-groups'],
  },
  {
    name: 'prefix lists with security groups, once',
    ingress: { annotations: { [prefixListAnnotation]: 'pl-1' }, securityGroups: ['sg-1'] },
    expected: [prefixListAnnotation],
  },
  {
    name: 'prefix lists without security groups',
    ingress: { annotations: { [prefixListAnnotation]: 'pl-1' } },
    expected: [],
  },
])('$name', ({ ingress, expected }) => {
  const warnings: string[] = []
  const context = { log: { warn: (text: string) => warnings.push(text) } } as unknown as Context
  const settings = createSettings({ ingress })
  warnAboutInputs(context, settings)
  warnIneffectiveAnnotations(context, settings, { name: 'milvus-demo', port: 19530 })
  expect(warnings).toEqual(expected.map((text): unknown => expect.stringContaining(text)))
})
