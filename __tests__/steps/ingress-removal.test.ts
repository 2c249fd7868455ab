import { describe, expect, test } from '@jest/globals'
import type { Observed } from '../../src/steps/load-balancer/drift.ts'
import type { Ingress } from '../../src/kubernetes/types.ts'
import { checkProtection, planRemoval, remedy } from '../../src/steps/ingress-removal.ts'
import type { RemovalTarget } from '../../src/steps/preflight/removal.ts'
import { failureOf } from '../caught.ts'
import { settings } from './fixtures.ts'

const [alone, shared] = ['ingress.k8s.aws/resources', 'group.ingress.k8s.aws/shared']
const ingress = (name: string, metadata: Partial<Ingress['metadata']> = {}): Ingress => ({
  metadata: { name, finalizers: [alone], ...metadata },
  spec: { rules: [{ host: `${name}.example.com` }] },
  status: { loadBalancer: { ingress: [{ hostname: 'k8s-1.us-east-2.elb.amazonaws.com' }] } },
} as unknown as Ingress)
const target = (own: Ingress | undefined, others: readonly Ingress[] = []): RemovalTarget => ({ namespace: { name: 'milvus', uid: '1' }, ingressName: 'demo', ingress: own, others, restored: undefined })
const annotated = (attributes: string): Partial<Ingress['metadata']> => ({ annotations: { 'alb.ingress.kubernetes.io/load-balancer-attributes': attributes } })

describe('planRemoval', () => {
  test.each<[string, RemovalTarget, string[]]>([
    ['none', target(undefined), []],
    ['one that is going', target(ingress('demo', { deletionTimestamp: '2026-11-27T00:00:00Z' })), []],
    ['one with an ALB of its own', target(ingress('demo')), ['demo.example.com at k8s-1.us-east-2.elb.amazonaws.com: this action made it, and its ALB goes with it']],
    ['one of a group', target(ingress('demo', { finalizers: [shared] }), [ingress('b', { finalizers: [shared] })]), ['demo.example.com at k8s-1.us-east-2.elb.amazonaws.com: this action made it; the ALB of group shared goes only with its last member']],
  ])('of %s', (_, found, expected) => {
    expect(planRemoval(found, settings()).map(({ before = '', why }) => `${before}: ${why}`)).toEqual(expected)
  })
})

describe('checkProtection', () => {
  const observed = (value: string): Observed => ({ address: 'a', balancer: { name: 'k8s-1', arn: 'arn:lb' }, parts: { attributes: { 'deletion_protection.enabled': value } } } as unknown as Observed)
  test.each<[string, RemovalTarget, Observed | undefined, string | undefined]>([
    ['none', target(undefined), observed('true'), undefined],
    ['nothing known of ELB', target(ingress('demo')), undefined, undefined],
    ['off', target(ingress('demo', annotated('deletion_protection.enabled=false'))), observed('false'), undefined],
    ['on in ELB', target(ingress('demo')), observed('true'), 'Turn it off, then run the job again: "aws elbv2 modify-load-balancer-attributes --load-balancer-arn arn:lb --attributes Key=deletion_protection.enabled,Value=false".'],
    ['on in the annotation', target(ingress('demo', annotated('idle_timeout.timeout_seconds=60,deletion_protection.enabled=true'))), observed('true'), 'Run mode: deploy once with deletion_protection.enabled=false in alb.ingress.kubernetes.io/load-balancer-attributes of annotations (leaving it out does not turn it off), then run this again.'],
    ['on in ELB, for an ALB that may stay', target(ingress('demo', { finalizers: [shared] })), observed('true'), undefined],
    ['on in the annotation, of a group', target(ingress('demo', { finalizers: [shared], ...annotated('deletion_protection.enabled=true') })), undefined, 'Run mode: deploy once with deletion_protection.enabled=false in alb.ingress.kubernetes.io/load-balancer-attributes of annotations (leaving it out does not turn it off), then run this again.'],
  ])('%s', async (_, found, seen, expected) => {
    const look = (): void => checkProtection(found, seen)
    if (expected === undefined) expect(look).not.toThrow()
    else expect((await failureOf(look)).remedy).toBe(expected)
  })
})

describe('remedy', () => {
  test.each<[string, Parameters<typeof remedy>, RegExp]>([
    ['another finalizer', [{ finalizers: ['example.com/hold'], balancer: 'gone' }, true, undefined], /^Make what put example\.com\/hold on the Ingress do its work/],
    ['a controller that is down', [{ finalizers: [alone], balancer: 'active' }, true, undefined], /^Make the AWS Load Balancer Controller run/],
    ['protection that came meanwhile', [{ finalizers: [alone], balancer: 'active' }, false, 'arn:lb'], /^Turn its deletion protection off: "aws elbv2 .* arn:lb /],
    ['an ALB that is gone', [{ finalizers: [shared], balancer: 'gone' }, false, undefined], /target groups or security groups are left/],
    ['an ALB that is there', [{ finalizers: [alone, 'example.com/hold'], balancer: 'active' }, false, undefined], /^Mend what the controller's log says/],
  ])('%s', (_, given, expected) => {
    expect(remedy(...given)).toMatch(expected)
  })
})
