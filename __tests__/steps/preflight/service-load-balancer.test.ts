import { describe, expect, test } from '@jest/globals'
import type { Service } from '../../../src/clients/kubernetes/types.ts'
import {
  isKeptByController,
  resolveServiceLoadBalancer,
  resolveRestoredLoadBalancer,
} from '../../../src/steps/preflight/service-load-balancer.ts'
import { captureActionError } from '../../capture-error.ts'

const createAnnotations = (shortKeys: Readonly<Record<string, string>>) =>
  Object.fromEntries(
    Object.entries(shortKeys).map(([key, value]) => [
      `service.beta.kubernetes.io/aws-load-balancer-${key}`,
      value,
    ]),
  )
const nlbAnnotations = {
  type: 'external',
  'nlb-target-type': 'ip',
  scheme: 'internet-facing',
  name: 'milvus-service',
}

describe('resolveServiceLoadBalancer', () => {
  test.each([
    {
      name: 'no annotations',
      annotations: {},
      text: 'an internet-facing Classic Load Balancer of the cloud provider',
    },
    {
      name: 'annotation internal',
      annotations: { internal: 'true' },
      text: 'an internal Classic Load Balancer of the cloud provider',
    },
    {
      name: 'annotation internal in its old form',
      annotations: { internal: '0.0.0.0/0' },
      text: 'an internal Classic Load Balancer of the cloud provider',
    },
    {
      name: 'type nlb',
      annotations: { type: 'nlb', internal: 'false' },
      text: 'an internet-facing Network Load Balancer of the cloud provider',
    },
    {
      name: "the guide's annotations",
      annotations: nlbAnnotations,
      text: 'an internet-facing Network Load Balancer of the AWS Load Balancer Controller',
    },
    {
      name: 'type nlb-ip',
      annotations: { type: 'nlb-ip' },
      text: 'an internal Network Load Balancer of the AWS Load Balancer Controller',
    },
    { name: 'only type external', annotations: { type: 'external' }, text: /^no load balancer/ },
    {
      name: "the controller's class",
      loadBalancerClass: 'service.k8s.aws/nlb',
      annotations: {},
      text: 'an internal Network Load Balancer of the AWS Load Balancer Controller',
    },
    {
      name: "the controller's class, which overrides the type",
      loadBalancerClass: 'service.k8s.aws/nlb',
      annotations: { type: 'nlb', internal: 'false' },
      text: 'an internet-facing Network Load Balancer of the AWS Load Balancer Controller',
    },
    {
      name: "Auto Mode's class",
      loadBalancerClass: 'eks.amazonaws.com/nlb',
      annotations: { scheme: 'internet-facing' },
      text: 'an internet-facing Network Load Balancer of EKS Auto Mode',
    },
    {
      name: 'another class',
      loadBalancerClass: 'metallb',
      annotations: nlbAnnotations,
      text: 'a load balancer of class metallb',
    },
  ])('$name', ({ annotations, loadBalancerClass, text }) => {
    const description = resolveServiceLoadBalancer({
      annotations: createAnnotations(annotations),
      loadBalancerClass,
    }).description
    if (typeof text === 'string') expect(description).toBe(text)
    else expect(description).toMatch(text)
  })
})

test('isKeptByController returns true only when the annotations select the controller', () => {
  expect(
    isKeptByController({
      loadBalancerClass: 'service.k8s.aws/nlb',
      annotations: createAnnotations(nlbAnnotations),
    }),
  ).toBe(true)
  expect(isKeptByController({ loadBalancerClass: 'service.k8s.aws/nlb', annotations: {} })).toBe(
    false,
  )
})

describe('resolveRestoredLoadBalancer', () => {
  const createService = (annotations: Record<string, string>): Service => ({
    metadata: {
      name: 'milvus-demo',
      uid: 's',
      resourceVersion: '1',
      annotations: createAnnotations(annotations),
    },
    spec: { type: 'ClusterIP' },
  })
  const lostCode = 'service-class-lost'
  test.each([
    {
      name: 'no annotations',
      annotations: {},
      restoredClass: undefined,
      expected: lostCode,
    },
    {
      name: 'only type nlb',
      annotations: { type: 'nlb' },
      restoredClass: undefined,
      expected: lostCode,
    },
    {
      name: 'only type external',
      annotations: { type: 'external' },
      restoredClass: undefined,
      expected: lostCode,
    },
    {
      name: "the guide's annotations",
      annotations: nlbAnnotations,
      restoredClass: undefined,
      expected: 'load-balancer-controller',
    },
    {
      name: "the controller's class as input",
      annotations: {},
      restoredClass: 'service.k8s.aws/nlb',
      expected: 'load-balancer-controller',
    },
    {
      name: 'another class as input',
      annotations: {},
      restoredClass: 'metallb',
      expected: 'other',
    },
    {
      name: 'class none as input',
      annotations: {},
      restoredClass: 'none',
      expected: 'cloud-provider',
    },
  ])('$name', async ({ annotations, restoredClass, expected }) => {
    if (expected === lostCode)
      expect(
        (
          await captureActionError(() =>
            resolveRestoredLoadBalancer(
              { restoreLoadBalancerClass: restoredClass },
              createService(annotations),
            ),
          )
        ).code,
      ).toBe(lostCode)
    else
      expect(
        resolveRestoredLoadBalancer(
          { restoreLoadBalancerClass: restoredClass },
          createService(annotations),
        ).creator,
      ).toBe(expected)
  })
})
