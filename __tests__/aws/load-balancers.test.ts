import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { LoadBalancer } from '../../sandbox/aws/state.ts'
import { findLoadBalancer, nameInDnsName } from '../../src/aws/load-balancers.ts'
import { failureOf } from '../caught.ts'
import { openAccount, type Account } from './account.ts'

test.each([
  ['k8s-milvus-milvusde-17e2427710-778371620.us-east-2.elb.amazonaws.com', 'k8s-milvus-milvusde-17e2427710'],
  ['internal-k8s-milvus-milvusde-17e2427710-778371620.us-east-2.elb.amazonaws.com', 'k8s-milvus-milvusde-17e2427710'],
  ['my-internal-alb-1.us-east-2.elb.amazonaws.com', 'my-internal-alb'],
  ['milvus-2026-1234567890.cn-north-1.elb.amazonaws.com.cn', 'milvus-2026'],
  ['milvus', 'milvus'],
  ['', ''],
])('nameInDnsName(%j)', (dnsName, name) => {
  expect(nameInDnsName(dnsName)).toBe(name)
})

describe('findLoadBalancer', () => {
  let account: Account
  beforeEach(async () => {
    account = await openAccount()
  })
  afterEach(() => account.close())

  function add(name: string, more: Partial<Pick<LoadBalancer, 'activeAt' | 'failed' | 'dnsName'>> = {}): LoadBalancer {
    const arn = `arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/app/${name}/0123456789abcdef`
    const dnsName = `${name}-123456789.us-east-2.elb.amazonaws.com`
    const made: LoadBalancer = { arn, name, dnsName, scheme: 'internet-facing', activeAt: 0, failed: false, attributes: new Map<string, string>(), tags: new Map<string, string>(), subnets: [], securityGroups: [], listeners: [], ...more }
    account.aws.state.loadBalancers.set(arn, made)
    return made
  }
  const calls = (): string[] => account.traffic.requests.map(({ operation }) => operation)

  test.each<[string, Partial<Pick<LoadBalancer, 'activeAt' | 'failed'>>, { state: string; reason: string }]>([
    ['active', {}, { state: 'active', reason: '' }],
    ['provisioning', { activeAt: Infinity }, { state: 'provisioning', reason: '' }],
    ['failed', { failed: true }, { state: 'failed', reason: 'The load balancer could not be set up' }],
  ])('one that is %s, in one call', async (_, more, state) => {
    const { arn, name, dnsName } = add('k8s-milvus', more)
    expect(await findLoadBalancer(account.clients.elbv2, dnsName)).toEqual({ arn, name, ...state })
    expect(calls()).toHaveLength(1)
  })

  test('one whose DNS name does not have its name', async () => {
    for (let number = 0; number < 3; number += 1) add(`other-${number}`)
    const { arn, dnsName } = add('k8s-milvus', { dnsName: 'front.us-east-2.elb.amazonaws.com' })
    expect((await findLoadBalancer(account.clients.elbv2, dnsName))?.arn).toBe(arn)
  })

  test('DNS names have no case', async () => {
    const { arn, dnsName } = add('Milvus-Front')
    expect((await findLoadBalancer(account.clients.elbv2, dnsName.toLowerCase()))?.arn).toBe(arn)
  })

  test('one of the same name that was made anew is another', async () => {
    add('k8s-milvus')
    expect(await findLoadBalancer(account.clients.elbv2, 'k8s-milvus-999.us-east-2.elb.amazonaws.com')).toBeUndefined()
  })

  test.each(['k8s-milvus-1.us-east-2.elb.amazonaws.com', 'localhost', `${'x'.repeat(60)}.example.com`, ''])('none behind %j', async (dnsName) => {
    expect(await findLoadBalancer(account.clients.elbv2, dnsName)).toBeUndefined()
  })

  test('a refusal is said in the words of IAM', async () => {
    account.aws.authorize = () => false
    const error = await failureOf(() => findLoadBalancer(account.clients.elbv2, 'k8s-milvus-1.us-east-2.elb.amazonaws.com'))
    expect([error.code, error.message]).toEqual(['aws-access-denied', expect.stringMatching(/^AWS refused elasticloadbalancing:DescribeLoadBalancers: /)])
  })
})
