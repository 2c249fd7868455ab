/** The pure parts of preflight's checks of the cluster. */
import { describe, expect, test } from '@jest/globals'
import type { Subnet } from '../../src/aws/subnets.ts'
import type { Deployment, IngressClassParams, LabelSelector } from '../../src/kubernetes/types.ts'
import { remarks } from '../../src/steps/preflight/controller.ts'
import { matches, overrides } from '../../src/steps/preflight/ingress-class.ts'
import { judgeSubnets } from '../../src/steps/preflight/subnets.ts'
import { arn, settings } from './fixtures.ts'

const namespace = { name: 'milvus', uid: 'u', resourceVersion: '1', labels: { team: 'search' } }

describe('overrides: what a class sets over the inputs', () => {
  test.each<[string, NonNullable<IngressClassParams['spec']>, Parameters<typeof settings>[0], string[]]>([
    ['nothing', {}, {}, []],
    ['what the inputs say too', { scheme: 'internet-facing', targetType: 'ip', sslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06', namespaceSelector: { matchLabels: { team: 'search' } }, sslRedirectPort: '443' }, {}, []],
    ['the certificate that is given by its ARN', { certificateArn: [arn] }, {}, []],
    ['the same in Auto Mode', { certificateARNs: [arn] }, {}, []],
    ['another certificate, in Auto Mode', { certificateARNs: ['arn:other'] }, {}, ['refusal set certificateArn arn:other, which wins over the certificate of this run']],
    ['a group', { group: { name: 'shared' } }, {}, ['refusal set group shared, which wins over group-name']],
    ['the group that is asked for', { group: { name: 'shared' } }, { ingress: { groupName: 'shared' } }, []],
    ['a name', { loadBalancerName: 'platform' }, {}, ['note set loadBalancerName platform, which wins over load-balancer-name']],
    ['another name', { loadBalancerName: 'platform' }, { ingress: { loadBalancerName: 'mine' } }, ['warning set loadBalancerName platform, which wins over load-balancer-name mine']],
    ['subnets by id', { subnets: { ids: ['subnet-1'] } }, { ingress: { subnets: ['subnet-2'] } }, ['warning set subnets subnet-1, which wins over subnets subnet-2']],
    ['subnets by tags, in Auto Mode', { subnets: { matchTags: [{ key: 'role', values: ['alb'] }] } }, {}, ['note set subnets [{"key":"role","values":["alb"]}], which wins over subnets']],
    ['the idle timeout that is asked for', { loadBalancerAttributes: [{ key: 'idle_timeout.timeout_seconds', value: '600' }] }, {}, []],
    ['another attribute', { loadBalancerAttributes: [{ key: 'deletion_protection.enabled', value: 'true' }] }, {}, []],
    ['prefix lists', { prefixListsIDs: ['pl-1'] }, {}, ['note set prefixListsIDs pl-1, which wins over inbound-cidrs']],
    ['a tag that nobody asked for', { tags: [{ key: 'team', value: 'platform' }] }, {}, []],
  ])('%s', (_, spec, more, expected) => {
    expect(overrides(spec, settings(more), namespace).map(({ weight, text }) => `${weight} ${text}`)).toEqual(expected)
  })
})

describe('matches: a label selector', () => {
  const expression = (key: string, operator: string, values?: string[]): LabelSelector => ({ matchExpressions: [{ key, operator, ...(values && { values }) }] })
  test.each<[string, LabelSelector, boolean]>([
    ['empty', {}, true], ['a label', { matchLabels: { team: 'search' } }, true], ['another value', { matchLabels: { team: 'ads' } }, false],
    ['In', expression('team', 'In', ['search', 'ads']), true], ['In others', expression('team', 'In', ['ads']), false], ['In, absent', expression('x', 'In', ['y']), false],
    ['NotIn', expression('team', 'NotIn', ['ads']), true], ['NotIn, present', expression('team', 'NotIn', ['search']), false], ['NotIn, absent', expression('x', 'NotIn', ['y']), true],
    ['Exists', expression('team', 'Exists'), true], ['Exists, absent', expression('x', 'Exists'), false], ['DoesNotExist', expression('x', 'DoesNotExist'), true], ['an operator of tomorrow', expression('team', 'Gt', ['1']), false],
  ])('%s', (_, selector, expected) => {
    expect(matches(selector, namespace.labels)).toBe(expected)
  })
})

describe('remarks: the controller', () => {
  const deployment = (image: string, readyReplicas?: number, args: string[] = []): Deployment => ({
    metadata: { name: 'aws-load-balancer-controller', uid: 'u', resourceVersion: '1' }, spec: { template: { spec: { containers: [{ image: 'proxy:1.0.0' }, { image, args }] } } }, ...(readyReplicas !== undefined && { status: { readyReplicas } }),
  })
  const current = (...args: string[]): Deployment => deployment('aws-load-balancer-controller@sha256:abc', 2, args)
  test.each<[string, Deployment, warnings: RegExp[], infos: RegExp[]]>([
    ['ready', deployment('public.ecr.aws/eks/aws-load-balancer-controller:v3.5.0', 2), [], [/DescribeListenerAttributes/, /every 2 minutes/]],
    ['by digest', current(), [], []],
    ['the first that knows gRPC', deployment('602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon/aws-load-balancer-controller:v2.1.0', 1), [/before v2\.7/], []],
    ['the first that registers targets without their interface', deployment('aws-load-balancer-controller:v2.7.0', 1), [], []],
    ['the first of another policy', deployment('aws-load-balancer-controller:v2.9.0', 1), [], [/v2\.9\.0: since v2\.9/]],
    ['old', deployment('aws-load-balancer-controller:v2.0.1', 1), [/v2\.0\.1.*does not know gRPC/], []],
    ['nobody ready', deployment('aws-load-balancer-controller:v2.7.1', 0), [/No replica/], []],
    ['no status yet', deployment('aws-load-balancer-controller:v2.7.1'), [/No replica/], []],
    ['of this cluster and namespace', current('--cluster-name=production', '--watch-namespace=milvus', '--ingress-class=alb'), [], []],
    ['every namespace', current('--watch-namespace='), [], []],
    ['another namespace', current('--watch-namespace', 'web'), [/--watch-namespace=web: it takes up no Ingress of namespace milvus/], []],
    ['another cluster', current('--cluster-name=staging'), [/--cluster-name=staging: it finds subnets/], []],
    ['another ingress class, which is for the old annotation only', current('--ingress-class=other'), [], []],
  ])('%s', (_, given, warnings, infos) => {
    const matching = (patterns: RegExp[]): unknown[] => patterns.map((pattern) => expect.stringMatching(pattern) as unknown)
    expect(remarks(given, settings())).toEqual({ warnings: matching(warnings), infos: matching(infos) })
  })
})

describe('judgeSubnets', () => {
  const subnet = (id: string, zone: string, tags: Record<string, string> = {}, freeAddresses = 100): Subnet => ({ id, zone, tags, freeAddresses })
  const role = { 'kubernetes.io/role/elb': '1' }
  const network = [subnet('s1', 'a', { ...role, Name: 'one' }), subnet('s2', 'b', role), subnet('s3', 'b', {}), subnet('s4', 'c', {}, 3)]
  const ask = (wanted: string[], subnets = network, scheme: 'internet-facing' | 'internal' = 'internet-facing') => judgeSubnets(subnets, { cluster: 'production', scheme, wanted })

  test.each<[string, ReturnType<typeof ask>, RegExp[], RegExp[]]>([
    ['tagged in two zones', ask([]), [], []],
    ['an empty tag counts', ask([], [subnet('s1', 'a', { 'kubernetes.io/role/elb': '' }), subnet('s2', 'b', role)]), [], []],
    ['none tagged for an internal one', ask([], network, 'internal'), [], [/few are tagged kubernetes.io\/role\/internal-elb=1.*0 in 0 zones/]],
    ['both in one zone', ask([], [subnet('s1', 'a', role), subnet('s2', 'a', role)]), [], [/2 in 1 zones/]],
    ['of another cluster', ask([], [subnet('s1', 'a', role), subnet('s2', 'b', { ...role, 'kubernetes.io/cluster/other': 'owned' })]), [], [/1 in 1 zones, 1 more for other clusters/]],
    ['of this cluster and another', ask([], [subnet('s1', 'a', role), subnet('s2', 'b', { ...role, 'kubernetes.io/cluster/other': 'shared', 'kubernetes.io/cluster/production': 'shared' })]), [], []],
    ['one is full', ask([], [subnet('s1', 'a', role), subnet('s2', 'b', role, 5)]), [], [/few are tagged/, /s2 has 5 free addresses/]],
    ['by id and by Name', ask(['one', 's2']), [], []],
    ['unknown', ask(['s1', 's9']), [/names s9, which the VPC/], []],
    ['two in one zone', ask(['s2', 's3']), [/names s3 and s2, both in zone b/], []],
    ['a full one', ask(['s1', 's4']), [], [/s4 has 3 free/]],
  ])('%s', (_, found, refusals, warnings) => {
    expect(found).toEqual({ refusals: refusals.map((pattern) => expect.stringMatching(pattern) as unknown), warnings: warnings.map((pattern) => expect.stringMatching(pattern) as unknown) })
  })
})
