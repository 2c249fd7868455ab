import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { LoadBalancer } from '../../../simulator/aws/state.ts'
import {
  createLoadBalancerClient,
  findLoadBalancerByDnsName,
  isDnsNameOf,
  nameFromDnsName,
} from '../../../src/clients/aws/load-balancers.ts'
import { captureActionError } from '../../capture-error.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

test.each([
  [
    'k8s-milvus-milvusde-17e2427710-778371620.us-east-2.elb.amazonaws.com',
    'k8s-milvus-milvusde-17e2427710',
  ],
  [
    'internal-k8s-milvus-milvusde-17e2427710-778371620.us-east-2.elb.amazonaws.com',
    'k8s-milvus-milvusde-17e2427710',
  ],
  ['my-internal-alb-1.us-east-2.elb.amazonaws.com', 'my-internal-alb'],
  ['milvus-2026-1234567890.cn-north-1.elb.amazonaws.com.cn', 'milvus-2026'],
  ['milvus', 'milvus'],
  ['', ''],
])('nameFromDnsName(%j)', (dnsName, name) => {
  expect(nameFromDnsName(dnsName)).toBe(name)
})

test.each<[string, string, boolean]>([
  ['Milvus-Front', 'milvus-front-123456789.us-east-2.elb.amazonaws.com', true],
  ['milvus-front', 'Milvus-Front-123456789.us-east-2.elb.amazonaws.com', true],
  ['MILVUS', 'internal-milvus-123456789.us-east-2.elb.amazonaws.com', true],
  ['milvus', 'milvus-front-123456789.us-east-2.elb.amazonaws.com', false],
])('isDnsNameOf(%j, %j)', (name, dnsName, expected) => {
  expect(isDnsNameOf(name, dnsName)).toBe(expected)
})

describe('findLoadBalancerByDnsName', () => {
  let account: TestAccount
  beforeEach(async () => {
    account = await startTestAccount()
  })
  afterEach(() => account.close())

  function addLoadBalancer(
    name: string,
    overrides: Partial<Pick<LoadBalancer, 'activeAt' | 'failed' | 'dnsName'>> = {},
  ): LoadBalancer {
    const arn = `arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/app/${name}/0123456789abcdef`
    const dnsName = `${name}-123456789.us-east-2.elb.amazonaws.com`
    const loadBalancer: LoadBalancer = {
      arn,
      name,
      dnsName,
      scheme: 'internet-facing',
      activeAt: 0,
      failed: false,
      attributes: new Map<string, string>(),
      tags: new Map<string, string>(),
      subnets: [],
      securityGroups: [],
      listeners: [],
      ...overrides,
    }
    account.aws.state.loadBalancers.set(arn, loadBalancer)
    return loadBalancer
  }
  const listOperations = (): string[] =>
    account.requestLog.requests.map(({ operation }) => operation)

  test.each<{ name: string; arn: string; error?: string; expected: boolean; calls: number }>([
    { name: 'one that is gone', arn: 'app/gone/0123456789abcdef', expected: false, calls: 1 },
    {
      name: 'one that ELBv2 does not take',
      arn: 'app/odd/0123456789abcdef',
      error: 'ValidationError',
      expected: true,
      calls: 1,
    },
    {
      name: 'one that may not be read',
      arn: 'net/other/0123456789abcdef',
      error: 'AccessDenied',
      expected: true,
      calls: 1,
    },
    { name: 'a Classic Load Balancer', arn: 'old', expected: true, calls: 0 },
  ])('mayExist of $name: $expected', async ({ arn, error, expected, calls }) => {
    if (error !== undefined)
      account.faults.inject({
        service: 'elbv2',
        operation: 'DescribeLoadBalancers',
        error: { status: 400, code: error, message: 'no' },
      })
    const client = createLoadBalancerClient(account.clients.elbv2)
    const fullArn = `arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/${arn}`
    expect(await client.mayExist(fullArn)).toBe(expected)
    expect(listOperations()).toHaveLength(calls)
  })

  test.each<{
    name: string
    overrides: Partial<Pick<LoadBalancer, 'activeAt' | 'failed'>>
    state: { state: string; reason: string }
  }>([
    { name: 'active', overrides: {}, state: { state: 'active', reason: '' } },
    {
      name: 'provisioning',
      overrides: { activeAt: Infinity },
      state: { state: 'provisioning', reason: '' },
    },
    {
      name: 'failed',
      overrides: { failed: true },
      state: { state: 'failed', reason: 'The load balancer could not be set up' },
    },
  ])('finds one that is $name, in one call', async ({ overrides, state }) => {
    const { arn, name, dnsName } = addLoadBalancer('k8s-milvus', overrides)
    expect(await findLoadBalancerByDnsName(account.clients.elbv2, dnsName)).toEqual({
      arn,
      name,
      ...state,
    })
    expect(listOperations()).toHaveLength(1)
  })

  test('finds one whose DNS name does not contain its name', async () => {
    for (let index = 0; index < 3; index += 1) addLoadBalancer(`other-${index}`)
    const { arn, dnsName } = addLoadBalancer('k8s-milvus', {
      dnsName: 'front.us-east-2.elb.amazonaws.com',
    })
    expect((await findLoadBalancerByDnsName(account.clients.elbv2, dnsName))?.arn).toBe(arn)
  })

  test('ignores the case of DNS names', async () => {
    const { arn, dnsName } = addLoadBalancer('Milvus-Front')
    expect(
      (await findLoadBalancerByDnsName(account.clients.elbv2, dnsName.toLowerCase()))?.arn,
    ).toBe(arn)
  })

  test('does not find a recreated one with the same name', async () => {
    addLoadBalancer('k8s-milvus')
    expect(
      await findLoadBalancerByDnsName(
        account.clients.elbv2,
        'k8s-milvus-999.us-east-2.elb.amazonaws.com',
      ),
    ).toBeUndefined()
  })

  test.each([
    'k8s-milvus-1.us-east-2.elb.amazonaws.com',
    'localhost',
    `${'x'.repeat(60)}.example.com`,
    '',
  ])('returns undefined for %j', async (dnsName) => {
    expect(await findLoadBalancerByDnsName(account.clients.elbv2, dnsName)).toBeUndefined()
  })

  test('reports the denied action under its IAM name', async () => {
    account.aws.authorize = () => false
    const error = await captureActionError(() =>
      findLoadBalancerByDnsName(account.clients.elbv2, 'k8s-milvus-1.us-east-2.elb.amazonaws.com'),
    )
    expect([error.code, error.message]).toEqual([
      'aws-access-denied',
      expect.stringMatching(/^AWS denied elasticloadbalancing:DescribeLoadBalancers: /),
    ])
  })
})
