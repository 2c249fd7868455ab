import { describe, expect, test } from '@jest/globals'
import type { Service } from '../../src/kubernetes/types.ts'
import { keepsLoadBalancer, loadBalancerOf, restoredLoadBalancer } from '../../src/steps/preflight/service-load-balancer.ts'
import { failureOf } from '../caught.ts'

const annotated = (short: Readonly<Record<string, string>>) => Object.fromEntries(Object.entries(short).map(([key, value]) => [`service.beta.kubernetes.io/aws-load-balancer-${key}`, value]))
const guide = { type: 'external', 'nlb-target-type': 'ip', scheme: 'internet-facing', name: 'milvus-service' }

describe('loadBalancerOf', () => {
  test.each([
    { name: 'nothing said', annotations: {}, text: 'an internet-facing Classic Load Balancer of the cloud provider' },
    { name: 'internal, of the cloud provider', annotations: { internal: 'true' }, text: 'an internal Classic Load Balancer of the cloud provider' },
    { name: 'internal in its old form', annotations: { internal: '0.0.0.0/0' }, text: 'an internal Classic Load Balancer of the cloud provider' },
    { name: 'nlb', annotations: { type: 'nlb', internal: 'false' }, text: 'an internet-facing Network Load Balancer of the cloud provider' },
    { name: "the guide's annotations", annotations: guide, text: 'an internet-facing Network Load Balancer of the AWS Load Balancer Controller' },
    { name: 'nlb-ip', annotations: { type: 'nlb-ip' }, text: 'an internal Network Load Balancer of the AWS Load Balancer Controller' },
    { name: 'external alone', annotations: { type: 'external' }, text: /^no load balancer/ },
    { name: "the controller's class", loadBalancerClass: 'service.k8s.aws/nlb', annotations: {}, text: 'an internal Network Load Balancer of the AWS Load Balancer Controller' },
    { name: 'the class wins over the type', loadBalancerClass: 'service.k8s.aws/nlb', annotations: { type: 'nlb', internal: 'false' }, text: 'an internet-facing Network Load Balancer of the AWS Load Balancer Controller' },
    { name: "Auto Mode's class", loadBalancerClass: 'eks.amazonaws.com/nlb', annotations: { scheme: 'internet-facing' }, text: 'an internet-facing Network Load Balancer of EKS Auto Mode' },
    { name: 'another class', loadBalancerClass: 'metallb', annotations: guide, text: 'a load balancer of class metallb' },
  ])('$name', ({ annotations, loadBalancerClass, text }) => {
    const found = loadBalancerOf({ annotations: annotated(annotations), loadBalancerClass }).text
    if (typeof text === 'string') expect(found).toBe(text)
    else expect(found).toMatch(text)
  })
})

test('only what the annotations hand to the controller outlives the type', () => {
  expect(keepsLoadBalancer({ loadBalancerClass: 'service.k8s.aws/nlb', annotations: annotated(guide) })).toBe(true)
  expect(keepsLoadBalancer({ loadBalancerClass: 'service.k8s.aws/nlb', annotations: {} })).toBe(false)
})

describe('restoredLoadBalancer', () => {
  const service = (annotations: Record<string, string>): Service => ({ metadata: { name: 'milvus-demo', uid: 's', resourceVersion: '1', annotations: annotated(annotations) }, spec: { type: 'ClusterIP' } })
  const lost = 'service-class-lost'
  test.each([
    { name: 'nothing says whose it is', annotations: {}, restoredClass: undefined, expected: lost },
    { name: 'nlb alone is the cloud provider', annotations: { type: 'nlb' }, restoredClass: undefined, expected: lost },
    { name: 'external alone gives none', annotations: { type: 'external' }, restoredClass: undefined, expected: lost },
    { name: 'the annotations decide', annotations: guide, restoredClass: undefined, expected: 'load-balancer-controller' },
    { name: 'a class is given', annotations: {}, restoredClass: 'service.k8s.aws/nlb', expected: 'load-balancer-controller' },
    { name: 'another class is given', annotations: {}, restoredClass: 'metallb', expected: 'other' },
    { name: 'no class is meant', annotations: {}, restoredClass: 'none', expected: 'cloud-provider' },
  ])('$name', async ({ annotations, restoredClass, expected }) => {
    if (expected === lost) expect((await failureOf(() => restoredLoadBalancer({ restoredClass }, service(annotations)))).code).toBe(lost)
    else expect(restoredLoadBalancer({ restoredClass }, service(annotations)).creator).toBe(expected)
  })
})
