import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { LoadBalancer } from '../../../simulator/aws/state.ts'
import {
  readConfiguration,
  readTargetHealth,
} from '../../../src/clients/aws/load-balancer-configuration.ts'
import { captureActionError } from '../../capture-error.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

let account: TestAccount
beforeEach(async () => {
  account = await startTestAccount()
  account.aws.state.loadBalancers.set(loadBalancerArn, loadBalancer)
  account.aws.state.targetGroups.set(targetGroupArn, {
    arn: targetGroupArn,
    name: 'k8s-milvus',
    port: 19530,
    protocol: 'HTTP',
    protocolVersion: 'GRPC',
    healthCheckPath: '/',
    matcher: '12',
    attributes: new Map<string, string>(),
    tags: new Map<string, string>(),
    targets: [{ id: '10.0.1.7', port: 19530, healthyAt: 0, unhealthyReason: 'Target.Timeout' }],
  })
})
afterEach(() => account.close())

const [loadBalancerArn, targetGroupArn] = [
  'arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/app/k8s-milvus/1',
  'arn:aws:elasticloadbalancing:us-east-2:111122223333:targetgroup/k8s-milvus/1',
]
const rule = {
  arn: `${loadBalancerArn}/r1`,
  priority: 1,
  hosts: ['milvus.example.com'],
  paths: ['/*'],
  action: { targetGroupArn },
  tags: new Map<string, string>(),
}
const defaultRule = {
  arn: `${loadBalancerArn}/r2`,
  priority: 'default' as const,
  hosts: [],
  paths: [],
  action: { status: 404, contentType: 'text/plain', body: '' },
  tags: new Map<string, string>(),
}
const createListener = (port: number): LoadBalancer['listeners'][number] => ({
  arn: `arn:aws:elasticloadbalancing:us-east-2:111122223333:listener/app/k8s-milvus/1/${port}`,
  port,
  protocol: 'HTTPS',
  sslPolicy: 'P',
  certificateArns: ['arn:c'],
  tags: new Map<string, string>(),
  rules: [rule, defaultRule],
})
const loadBalancer: LoadBalancer = {
  arn: loadBalancerArn,
  name: 'k8s-milvus',
  dnsName: 'k8s-milvus-1.us-east-2.elb.amazonaws.com',
  scheme: 'internet-facing',
  activeAt: 0,
  failed: false,
  attributes: new Map([['idle_timeout.timeout_seconds', '60']]),
  tags: new Map<string, string>(),
  subnets: [],
  securityGroups: [],
  listeners: [createListener(443), createListener(80)],
}

const fullConfiguration = {
  listeners: [
    {
      port: 443,
      protocol: 'HTTPS',
      sslPolicy: 'P',
      defaultCertificateArn: 'arn:c',
      rules: [{ hosts: ['milvus.example.com'], paths: ['/*'], targetGroupArn }],
    },
    {
      port: 80,
      protocol: 'HTTPS',
      sslPolicy: 'P',
      defaultCertificateArn: 'arn:c',
      rules: undefined,
    },
  ],
  targetGroups: [
    { arn: targetGroupArn, name: 'k8s-milvus', protocolVersion: 'GRPC', targetType: 'ip' },
  ],
  attributes: { 'idle_timeout.timeout_seconds': '60' },
}

test('returns the configuration of a load balancer, with the rules of one listener', async () => {
  expect(await readConfiguration(account.clients.elbv2, loadBalancerArn, 443)).toEqual(
    fullConfiguration,
  )
})

test.each<[string, object]>([
  ['DescribeListeners', { listeners: undefined }],
  [
    'DescribeRules',
    { listeners: fullConfiguration.listeners.map((each) => ({ ...each, rules: undefined })) },
  ],
  ['DescribeTargetGroups', { targetGroups: undefined }],
  ['DescribeLoadBalancerAttributes', { attributes: undefined }],
])('returns the rest when %s is denied', async (deniedAction, expected) => {
  account.aws.authorize = (_principal, action) => action !== `elasticloadbalancing:${deniedAction}`
  expect(await readConfiguration(account.clients.elbv2, loadBalancerArn, 443)).toEqual({
    ...fullConfiguration,
    ...expected,
  })
})

test('returns the targets, or undefined when access is denied', async () => {
  expect(await readTargetHealth(account.clients.elbv2, targetGroupArn)).toEqual([
    {
      id: '10.0.1.7',
      port: 19530,
      state: 'unhealthy',
      reason: 'Target.Timeout',
      description: 'Request timed out',
    },
  ])
  account.aws.authorize = () => false
  expect(await readTargetHealth(account.clients.elbv2, targetGroupArn)).toBeUndefined()
})

test('throws any other error', async () => {
  const error = await captureActionError(() =>
    readTargetHealth(account.clients.elbv2, `${targetGroupArn}-other`),
  )
  expect([error.code, error.message]).toEqual([
    'aws-request-failed',
    expect.stringContaining('elasticloadbalancing:DescribeTargetHealth'),
  ])
})
