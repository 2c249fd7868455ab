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
  test.each<{
    name: string
    spec: NonNullable<IngressClassParams['spec']>
    settingsOverrides: Parameters<typeof createSettings>[0]
    expected: string[]
  }>([
    { name: 'no parameters', spec: {}, settingsOverrides: {}, expected: [] },
    {
      name: 'parameters equal to the inputs',
      spec: {
        scheme: 'internet-facing',
        targetType: 'ip',
        sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
        namespaceSelector: { matchLabels: { team: 'search' } },
        sslRedirectPort: '443',
      },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'the certificate of this run',
      spec: { certificateArn: [certificateArn] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'the certificate of this run, in Auto Mode',
      spec: { certificateARNs: [certificateArn] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'another certificate, in Auto Mode',
      spec: { certificateARNs: ['arn:other'] },
      settingsOverrides: {},
      expected: ['error set certificateArn arn:other, which overrides the certificate of this run'],
    },
    {
      name: 'a group',
      spec: { group: { name: 'shared' } },
      settingsOverrides: {},
      expected: ['error set group shared, which overrides group-name'],
    },
    {
      name: 'the requested group',
      spec: { group: { name: 'shared' } },
      settingsOverrides: { ingress: { groupName: 'shared' } },
      expected: [],
    },
    {
      name: 'a load balancer name',
      spec: { loadBalancerName: 'platform' },
      settingsOverrides: {},
      expected: ['note set loadBalancerName platform, which overrides load-balancer-name'],
    },
    {
      name: 'another load balancer name',
      spec: { loadBalancerName: 'platform' },
      settingsOverrides: { ingress: { loadBalancerName: 'mine' } },
      expected: ['warning set loadBalancerName platform, which overrides load-balancer-name mine'],
    },
    {
      name: 'subnets by id',
      spec: { subnets: { ids: ['subnet-1'] } },
      settingsOverrides: { ingress: { subnets: ['subnet-2'] } },
      expected: ['warning set subnets subnet-1, which overrides subnets subnet-2'],
    },
    {
      name: 'subnets by tags, in Auto Mode',
      spec: { subnets: { matchTags: [{ key: 'role', values: ['alb'] }] } },
      settingsOverrides: {},
      expected: ['note set subnets [{"key":"role","values":["alb"]}], which overrides subnets'],
    },
    {
      name: 'the requested idle timeout',
      spec: { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '600' }] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'another attribute',
      spec: { loadBalancerAttributes: [{ key: 'deletion_protection.enabled', value: 'true' }] },
      settingsOverrides: {},
      expected: [],
    },
    {
      name: 'prefix lists',
      spec: { prefixListsIDs: ['pl-1'] },
      settingsOverrides: {},
      expected: ['note set prefixListsIDs pl-1, which overrides inbound-cidrs'],
    },
    {
      name: 'a tag that was not requested',
      spec: { tags: [{ key: 'team', value: 'platform' }] },
      settingsOverrides: {},
      expected: [],
    },
  ])('$name', ({ spec, settingsOverrides, expected }) => {
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
  test.each<{ name: string; selector: LabelSelector; expected: boolean }>([
    { name: 'an empty selector', selector: {}, expected: true },
    { name: 'a label', selector: { matchLabels: { team: 'search' } }, expected: true },
    {
      name: 'another value of a label',
      selector: { matchLabels: { team: 'ads' } },
      expected: false,
    },
    { name: 'In', selector: createSelector('team', 'In', ['search', 'ads']), expected: true },
    {
      name: 'In, with other values',
      selector: createSelector('team', 'In', ['ads']),
      expected: false,
    },
    { name: 'In, absent', selector: createSelector('x', 'In', ['y']), expected: false },
    { name: 'NotIn', selector: createSelector('team', 'NotIn', ['ads']), expected: true },
    {
      name: 'NotIn, present',
      selector: createSelector('team', 'NotIn', ['search']),
      expected: false,
    },
    { name: 'NotIn, absent', selector: createSelector('x', 'NotIn', ['y']), expected: true },
    { name: 'Exists', selector: createSelector('team', 'Exists'), expected: true },
    { name: 'Exists, absent', selector: createSelector('x', 'Exists'), expected: false },
    { name: 'DoesNotExist', selector: createSelector('x', 'DoesNotExist'), expected: true },
    { name: 'an unknown operator', selector: createSelector('team', 'Gt', ['1']), expected: false },
  ])('$name', ({ selector, expected }) => {
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
      name: 'a version without gRPC',
      controllerDeployment: createDeployment('aws-load-balancer-controller:v2.0.1', 1),
      warnings: [/v2\.0\.1.*does not support gRPC/],
      infos: [],
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

  test.each<{
    name: string
    result: ReturnType<typeof checkSubnets>
    errors: RegExp[]
    warnings: RegExp[]
  }>([
    { name: 'tagged subnets in two zones', result: checkSubnets([]), errors: [], warnings: [] },
    {
      name: 'an empty tag value',
      result: checkSubnets(
        [],
        [
          createSubnet('s1', 'a', { 'kubernetes.io/role/elb': '' }),
          createSubnet('s2', 'b', roleTag),
        ],
      ),
      errors: [],
      warnings: [],
    },
    {
      name: 'no subnet tagged for an internal ALB',
      result: checkSubnets([], vpcSubnets, 'internal'),
      errors: [],
      warnings: [/^Too few of the 4 .* tagged kubernetes.io\/role\/internal-elb=1.*: 0 in 0 zones/],
    },
    {
      name: 'tagged subnets in one zone',
      result: checkSubnets(
        [],
        [createSubnet('s1', 'a', roleTag), createSubnet('s2', 'a', roleTag)],
      ),
      errors: [],
      warnings: [/2 in 1 zone\./],
    },
    {
      name: 'a tagged subnet of another cluster',
      result: checkSubnets(
        [],
        [
          createSubnet('s1', 'a', roleTag),
          createSubnet('s2', 'b', { ...roleTag, 'kubernetes.io/cluster/other': 'owned' }),
        ],
      ),
      errors: [],
      warnings: [/1 in 1 zone \(and 1 for other clusters\)/],
    },
    {
      name: 'a tagged subnet of this cluster and another',
      result: checkSubnets(
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
      errors: [],
      warnings: [],
    },
    {
      name: 'a full tagged subnet',
      result: checkSubnets(
        [],
        [createSubnet('s1', 'a', roleTag), createSubnet('s2', 'b', roleTag, 5)],
      ),
      errors: [],
      warnings: [/^Too few/, /s2 has 5 free addresses/],
    },
    {
      name: 'given subnets by ID and by Name',
      result: checkSubnets(['one', 's2']),
      errors: [],
      warnings: [],
    },
    {
      name: 'an unknown given subnet',
      result: checkSubnets(['s1', 's9']),
      errors: [/contains s9, which is neither/],
      warnings: [],
    },
    {
      name: 'two given subnets in one zone',
      result: checkSubnets(['s2', 's3']),
      errors: [/contains s3 and s2, both in zone b/],
      warnings: [],
    },
    {
      name: 'a full given subnet',
      result: checkSubnets(['s1', 's4']),
      errors: [],
      warnings: [/s4 has 3 free/],
    },
  ])('$name', ({ result, errors, warnings }) => {
    const messages = result.errors.map(({ message }) => message)
    expect({ ...result, errors: messages }).toEqual({
      errors: errors.map((pattern) => expect.stringMatching(pattern) as unknown),
      warnings: warnings.map((pattern) => expect.stringMatching(pattern) as unknown),
    })
  })
})
