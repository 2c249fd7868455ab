import { afterEach, beforeEach, expect, test } from '@jest/globals'
import type { LoadBalancer } from '../../sandbox/aws/state.ts'
import { readParts, readTargets } from '../../src/aws/load-balancer-parts.ts'
import { failureOf } from '../caught.ts'
import { openAccount, type Account } from './account.ts'

let account: Account
beforeEach(async () => {
  account = await openAccount()
  account.aws.state.loadBalancers.set(lb, balancer)
  account.aws.state.targetGroups.set(tg, { arn: tg, name: 'k8s-milvus', port: 19530, protocol: 'HTTP', protocolVersion: 'GRPC', healthCheckPath: '/', matcher: '12', attributes: new Map<string, string>(), tags: new Map<string, string>(), targets: [{ id: '10.0.1.7', port: 19530, healthyAt: 0, unhealthyReason: 'Target.Timeout' }] })
})
afterEach(() => account.close())

const [lb, tg] = ['arn:aws:elasticloadbalancing:us-east-2:111122223333:loadbalancer/app/k8s-milvus/1', 'arn:aws:elasticloadbalancing:us-east-2:111122223333:targetgroup/k8s-milvus/1']
const rule = { arn: `${lb}/r1`, priority: 1, hosts: ['milvus.example.com'], paths: ['/*'], action: { targetGroupArn: tg }, tags: new Map<string, string>() }
const fallback = { arn: `${lb}/r2`, priority: 'default' as const, hosts: [], paths: [], action: { status: 404, contentType: 'text/plain', body: '' }, tags: new Map<string, string>() }
const listener = (port: number): LoadBalancer['listeners'][number] => ({ arn: `arn:aws:elasticloadbalancing:us-east-2:111122223333:listener/app/k8s-milvus/1/${port}`, port, protocol: 'HTTPS', sslPolicy: 'P', certificateArns: ['arn:c'], tags: new Map<string, string>(), rules: [rule, fallback] })
const balancer: LoadBalancer = { arn: lb, name: 'k8s-milvus', dnsName: 'k8s-milvus-1.us-east-2.elb.amazonaws.com', scheme: 'internet-facing', activeAt: 0, failed: false, attributes: new Map([['idle_timeout.timeout_seconds', '60']]), tags: new Map<string, string>(), subnets: [], securityGroups: [], listeners: [listener(443), listener(80)] }

const all = {
  listeners: [
    { port: 443, protocol: 'HTTPS', sslPolicy: 'P', certificate: 'arn:c', rules: [{ hosts: ['milvus.example.com'], paths: ['/*'], targetGroup: tg }] },
    { port: 80, protocol: 'HTTPS', sslPolicy: 'P', certificate: 'arn:c', rules: undefined },
  ],
  targetGroups: [{ arn: tg, name: 'k8s-milvus', protocolVersion: 'GRPC', targetType: 'ip' }],
  attributes: { 'idle_timeout.timeout_seconds': '60' },
}

test('what a load balancer is made of, with the rules of one listener', async () => {
  expect(await readParts(account.clients.elbv2, lb, 443)).toEqual(all)
})

test.each<[string, object]>([
  ['DescribeListeners', { listeners: undefined }],
  ['DescribeRules', { listeners: all.listeners.map((each) => ({ ...each, rules: undefined })) }],
  ['DescribeTargetGroups', { targetGroups: undefined }],
  ['DescribeLoadBalancerAttributes', { attributes: undefined }],
])('without %s the rest', async (denied, expected) => {
  account.aws.authorize = (_principal, action) => action !== `elasticloadbalancing:${denied}`
  expect(await readParts(account.clients.elbv2, lb, 443)).toEqual({ ...all, ...expected })
})

test('targets in the words of ELB; undefined when they may not be read', async () => {
  expect(await readTargets(account.clients.elbv2, tg)).toEqual([{ id: '10.0.1.7', port: 19530, state: 'unhealthy', reason: 'Target.Timeout', description: 'Request timed out' }])
  account.aws.authorize = () => false
  expect(await readTargets(account.clients.elbv2, tg)).toBeUndefined()
})

test('any other failure is thrown', async () => {
  const error = await failureOf(() => readTargets(account.clients.elbv2, `${tg}-other`))
  expect([error.code, error.message]).toEqual(['aws-request-failed', expect.stringContaining('elasticloadbalancing:DescribeTargetHealth')])
})
