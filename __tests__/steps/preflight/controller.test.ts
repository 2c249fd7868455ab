import { describe, expect, test } from '@jest/globals'
import type { Deployment } from '../../../src/clients/kubernetes/types.ts'
import { describeDeployment } from '../../../src/steps/preflight/controller.ts'
import { findArgumentProblem } from '../../../src/steps/preflight/controller-support.ts'
import { createSettings, ingress } from '../fixtures.ts'

describe('describeDeployment: the controller', () => {
  const createDeployment = (
    image: string,
    readyReplicas?: number,
    args: string[] = [],
  ): Deployment => ({
    metadata: { name: 'aws-load-balancer-controller', uid: 'u', resourceVersion: '1' },
    spec: { template: { spec: { containers: [{ image: 'proxy:1.0.0' }, { image, args }] } } },
    ...(readyReplicas !== undefined && { status: { readyReplicas } }),
  })
  const createCurrentDeployment = (...args: string[]): Deployment =>
    createDeployment('aws-load-balancer-controller@sha256:abc', 2, args)
  test.each<{
    name: string
    controllerDeployment: Deployment
    warnings: RegExp[]
    infos: RegExp[]
  }>([
    {
      name: 'a ready controller',
      controllerDeployment: createDeployment(
        'public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0',
        2,
      ),
      warnings: [],
      infos: [/DescribeListenerAttributes/, /every 2 minutes/],
    },
    {
      name: 'an image by digest',
      controllerDeployment: createCurrentDeployment(),
      warnings: [],
      infos: [],
    },
    {
      name: 'the first version that supports gRPC',
      controllerDeployment: createDeployment(
        '602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon/aws-load-balancer-controller:v2.1.0',
        1,
      ),
      warnings: [/before v2\.7/],
      infos: [],
    },
    {
      name: 'the first version that registers targets without their network interface',
      controllerDeployment: createDeployment('aws-load-balancer-controller:v2.7.0', 1),
      warnings: [],
      infos: [],
    },
    {
      name: 'the first version with another IAM policy',
      controllerDeployment: createDeployment('aws-load-balancer-controller:v2.9.0', 1),
      warnings: [],
      infos: [/v2\.9\.0: since v2\.9/],
    },
    {
      name: 'no ready replica',
      controllerDeployment: createDeployment('aws-load-balancer-controller:v2.7.1', 0),
      warnings: [/No replica/],
      infos: [],
    },
    {
      name: 'no status yet',
      controllerDeployment: createDeployment('aws-load-balancer-controller:v2.7.1'),
      warnings: [/No replica/],
      infos: [],
    },
    {
      name: 'flags of this cluster and namespace',
      controllerDeployment: createCurrentDeployment(
        '--cluster-name=production',
        '--watch-namespace=milvus',
        '--ingress-class=alb',
      ),
      warnings: [],
      infos: [],
    },
    {
      name: 'a flag for every namespace',
      controllerDeployment: createCurrentDeployment('--watch-namespace='),
      warnings: [],
      infos: [],
    },
    {
      name: 'a flag for another namespace',
      controllerDeployment: createCurrentDeployment('--watch-namespace', 'web'),
      warnings: [/--watch-namespace=web: it ignores Ingresses of namespace milvus/],
      infos: [],
    },
    {
      name: 'a flag for another cluster',
      controllerDeployment: createCurrentDeployment('--cluster-name=staging'),
      warnings: [/--cluster-name=staging: it finds subnets/],
      infos: [],
    },
    {
      name: 'a flag for another ingress class, which applies only to the old annotation',
      controllerDeployment: createCurrentDeployment('--ingress-class=other'),
      warnings: [],
      infos: [],
    },
  ])('$name', ({ controllerDeployment, warnings, infos }) => {
    const createMatchers = (patterns: RegExp[]): unknown[] =>
      patterns.map((pattern) => expect.stringMatching(pattern) as unknown)
    expect(describeDeployment(controllerDeployment, createSettings())).toEqual({
      warnings: createMatchers(warnings),
      infos: createMatchers(infos),
    })
  })
})

describe('findArgumentProblem: a new use of group.name', () => {
  const settings = createSettings({ ingress: { groupName: 'shared' } })
  const deployment = {
    controller: 'Deployment kube-system/aws-load-balancer-controller',
    args: ['--disable-ingress-group-name-annotation'],
  }
  const groupOf = (name: string) => ingress({ 'alb.ingress.kubernetes.io/group.name': name })

  test.each([
    ['a new Ingress', undefined],
    ['an Ingress of another group', groupOf('other')],
    ['an Ingress without a group', ingress({})],
  ])('%s', (_, live) => {
    const problem = findArgumentProblem(settings, live, deployment)
    expect(problem?.message).toBe(
      'Deployment kube-system/aws-load-balancer-controller has arguments that the inputs ' +
        'contradict: with --disable-ingress-group-name-annotation=true it rejects ' +
        'alb.ingress.kubernetes.io/group.name.',
    )
  })

  test('an Ingress that has it already', () => {
    expect(findArgumentProblem(settings, groupOf('shared'), deployment)).toBeUndefined()
  })
})
