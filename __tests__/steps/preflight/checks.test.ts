/** The pure parts of preflight's checks of the cluster. */
import { describe, expect, test } from '@jest/globals'
import type { Subnet } from '../../../src/clients/aws/subnets.ts'
import type {
  Deployment,
  IngressClassParams,
  LabelSelector,
} from '../../../src/clients/kubernetes/types.ts'
import { describeDeployment } from '../../../src/steps/preflight/controller.ts'
import { findOverrides } from '../../../src/steps/preflight/class-overrides.ts'
import { matchesSelector } from '../../../src/steps/preflight/label-selector.ts'
import { validateSubnets } from '../../../src/steps/preflight/subnets.ts'
import { certificateArn, createSettings } from '../fixtures.ts'

const namespace = { name: 'milvus', uid: 'u', resourceVersion: '1', labels: { team: 'search' } }

describe('findOverrides: class parameters that override inputs', () => {
  test.each<
    [
      string,
      NonNullable<IngressClassParams['spec']>,
      Parameters<typeof createSettings>[0],
      string[],
    ]
  >([
    ['no parameters', {}, {}, []],
    [
      'parameters equal to the inputs',
      {
        scheme: 'internet-facing',
        targetType: 'ip',
        sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
        namespaceSelector: { matchLabels: { team: 'search' } },
        sslRedirectPort: '443',
      },
      {},
      [],
    ],
    ['the certificate of this run', { certificateArn: [certificateArn] }, {}, []],
    ['the certificate of this run, in Auto Mode', { certificateARNs: [certificateArn] }, {}, []],
    [
      'another certificate, in Auto Mode',
      { certificateARNs: ['arn:other'] },
      {},
      ['error set certificateArn arn:other, which overrides the certificate of this run'],
    ],
    [
      'a group',
      { group: { name: 'shared' } },
      {},
      ['error set group shared, which overrides group-name'],
    ],
    [
      'the requested group',
      { group: { name: 'shared' } },
      { ingress: { groupName: 'shared' } },
      [],
    ],
    [
      'a load balancer name',
      { loadBalancerName: 'platform' },
      {},
      ['note set loadBalancerName platform, which overrides load-balancer-name'],
    ],
    [
      'another load balancer name',
      { loadBalancerName: 'platform' },
      { ingress: { loadBalancerName: 'mine' } },
      ['warning set loadBalancerName platform, which overrides load-balancer-name mine'],
    ],
    [
      'subnets by id',
      { subnets: { ids: ['subnet-1'] } },
      { ingress: { subnets: ['subnet-2'] } },
      ['warning set subnets subnet-1, which overrides subnets subnet-2'],
    ],
    [
      'subnets by tags, in Auto Mode',
      { subnets: { matchTags: [{ key: 'role', values: ['alb'] }] } },
      {},
      ['note set subnets [{"key":"role","values":["alb"]}], which overrides subnets'],
    ],
    [
      'the requested idle timeout',
      { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '600' }] },
      {},
      [],
    ],
    [
      'another attribute',
      { loadBalancerAttributes: [{ key: 'deletion_protection.enabled', value: 'true' }] },
      {},
      [],
    ],
    [
      'prefix lists',
      { prefixListsIDs: ['pl-1'] },
      {},
      ['note set prefixListsIDs pl-1, which overrides inbound-cidrs'],
    ],
    ['a tag that was not requested', { tags: [{ key: 'team', value: 'platform' }] }, {}, []],
  ])('%s', (_, spec, settingsOverrides, expected) => {
    expect(
      findOverrides(spec, createSettings(settingsOverrides), namespace).map(
        ({ severity, text }) => `${severity} ${text}`,
      ),
    ).toEqual(expected)
  })
})

describe('matchesSelector: a label selector', () => {
  const createSelector = (key: string, operator: string, values?: string[]): LabelSelector => ({
    matchExpressions: [{ key, operator, ...(values && { values }) }],
  })
  test.each<[string, LabelSelector, boolean]>([
    ['an empty selector', {}, true],
    ['a label', { matchLabels: { team: 'search' } }, true],
    ['another value of a label', { matchLabels: { team: 'ads' } }, false],
    ['In', createSelector('team', 'In', ['search', 'ads']), true],
    ['In, with other values', createSelector('team', 'In', ['ads']), false],
    ['In, absent', createSelector('x', 'In', ['y']), false],
    ['NotIn', createSelector('team', 'NotIn', ['ads']), true],
    ['NotIn, present', createSelector('team', 'NotIn', ['search']), false],
    ['NotIn, absent', createSelector('x', 'NotIn', ['y']), true],
    ['Exists', createSelector('team', 'Exists'), true],
    ['Exists, absent', createSelector('x', 'Exists'), false],
    ['DoesNotExist', createSelector('x', 'DoesNotExist'), true],
    ['an unknown operator', createSelector('team', 'Gt', ['1']), false],
  ])('%s', (_, selector, expected) => {
    expect(matchesSelector(selector, namespace.labels)).toBe(expected)
  })
})

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
  test.each<[string, Deployment, warnings: RegExp[], infos: RegExp[]]>([
    [
      'a ready controller',
      createDeployment('public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0', 2),
      [],
      [/DescribeListenerAttributes/, /every 2 minutes/],
    ],
    ['an image by digest', createCurrentDeployment(), [], []],
    [
      'the first version that supports gRPC',
      createDeployment(
        '602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon/aws-load-balancer-controller:v2.1.0',
        1,
      ),
      [/before v2\.7/],
      [],
    ],
    [
      'the first version that registers targets without their network interface',
      createDeployment('aws-load-balancer-controller:v2.7.0', 1),
      [],
      [],
    ],
    [
      'the first version with another IAM policy',
      createDeployment('aws-load-balancer-controller:v2.9.0', 1),
      [],
      [/v2\.9\.0: since v2\.9/],
    ],
    [
      'a version without gRPC',
      createDeployment('aws-load-balancer-controller:v2.0.1', 1),
      [/v2\.0\.1.*does not support gRPC/],
      [],
    ],
    [
      'no ready replica',
      createDeployment('aws-load-balancer-controller:v2.7.1', 0),
      [/No replica/],
      [],
    ],
    ['no status yet', createDeployment('aws-load-balancer-controller:v2.7.1'), [/No replica/], []],
    [
      'flags of this cluster and namespace',
      createCurrentDeployment(
        '--cluster-name=production',
        '--watch-namespace=milvus',
        '--ingress-class=alb',
      ),
      [],
      [],
    ],
    ['a flag for every namespace', createCurrentDeployment('--watch-namespace='), [], []],
    [
      'a flag for another namespace',
      createCurrentDeployment('--watch-namespace', 'web'),
      [/--watch-namespace=web: it ignores Ingresses of namespace milvus/],
      [],
    ],
    [
      'a flag for another cluster',
      createCurrentDeployment('--cluster-name=staging'),
      [/--cluster-name=staging: it finds subnets/],
      [],
    ],
    [
      'a flag for another ingress class, which applies only to the old annotation',
      createCurrentDeployment('--ingress-class=other'),
      [],
      [],
    ],
  ])('%s', (_, controllerDeployment, warnings, infos) => {
    const createMatchers = (patterns: RegExp[]): unknown[] =>
      patterns.map((pattern) => expect.stringMatching(pattern) as unknown)
    expect(describeDeployment(controllerDeployment, createSettings())).toEqual({
      warnings: createMatchers(warnings),
      infos: createMatchers(infos),
    })
  })
})

describe('validateSubnets', () => {
  const createSubnet = (
    id: string,
    zone: string,
    tags: Record<string, string> = {},
    freeAddresses = 100,
  ): Subnet => ({ id, availabilityZone: zone, tags, availableAddresses: freeAddresses })
  const roleTag = { 'kubernetes.io/role/elb': '1' }
  const vpcSubnets = [
    createSubnet('s1', 'a', { ...roleTag, Name: 'one' }),
    createSubnet('s2', 'b', roleTag),
    createSubnet('s3', 'b', {}),
    createSubnet('s4', 'c', {}, 3),
  ]
  const checkSubnets = (
    requested: string[],
    subnets = vpcSubnets,
    scheme: 'internet-facing' | 'internal' = 'internet-facing',
  ) => validateSubnets(subnets, { cluster: 'production', scheme, requested })

  test.each<[string, ReturnType<typeof checkSubnets>, RegExp[], RegExp[]]>([
    ['tagged subnets in two zones', checkSubnets([]), [], []],
    [
      'an empty tag value',
      checkSubnets(
        [],
        [
          createSubnet('s1', 'a', { 'kubernetes.io/role/elb': '' }),
          createSubnet('s2', 'b', roleTag),
        ],
      ),
      [],
      [],
    ],
    [
      'no subnet tagged for an internal ALB',
      checkSubnets([], vpcSubnets, 'internal'),
      [],
      [/^Too few of the 4 .* tagged kubernetes.io\/role\/internal-elb=1.*: 0 in 0 zones/],
    ],
    [
      'tagged subnets in one zone',
      checkSubnets([], [createSubnet('s1', 'a', roleTag), createSubnet('s2', 'a', roleTag)]),
      [],
      [/2 in 1 zone\./],
    ],
    [
      'a tagged subnet of another cluster',
      checkSubnets(
        [],
        [
          createSubnet('s1', 'a', roleTag),
          createSubnet('s2', 'b', { ...roleTag, 'kubernetes.io/cluster/other': 'owned' }),
        ],
      ),
      [],
      [/1 in 1 zone \(and 1 for other clusters\)/],
    ],
    [
      'a tagged subnet of this cluster and another',
      checkSubnets(
        [],
        [
          createSubnet('s1', 'a', roleTag),
          createSubnet('s2', 'b', {
            ...roleTag,
            'kubernetes.io/cluster/other': 'shared',
            'kubernetes.io/cluster/production': 'shared',
          }),
        ],
      ),
      [],
      [],
    ],
    [
      'a full tagged subnet',
      checkSubnets([], [createSubnet('s1', 'a', roleTag), createSubnet('s2', 'b', roleTag, 5)]),
      [],
      [/^Too few/, /s2 has 5 free addresses/],
    ],
    ['given subnets by ID and by Name', checkSubnets(['one', 's2']), [], []],
    ['an unknown given subnet', checkSubnets(['s1', 's9']), [/contains s9, which is neither/], []],
    [
      'two given subnets in one zone',
      checkSubnets(['s2', 's3']),
      [/contains s3 and s2, both in zone b/],
      [],
    ],
    ['a full given subnet', checkSubnets(['s1', 's4']), [], [/s4 has 3 free/]],
  ])('%s', (_, result, errors, warnings) => {
    const messages = result.errors.map(({ message }) => message)
    expect({ ...result, errors: messages }).toEqual({
      errors: errors.map((pattern) => expect.stringMatching(pattern) as unknown),
      warnings: warnings.map((pattern) => expect.stringMatching(pattern) as unknown),
    })
  })
})
