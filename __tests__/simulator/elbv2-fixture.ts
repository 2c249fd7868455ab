/** An AWS account, and functions that create its load balancers, target groups and listeners. */
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { CreateListenerCommandInput } from '@aws-sdk/client-elastic-load-balancing-v2'
import { startTestAccount } from './aws-account.ts'
import type { TestAccount } from './aws-account.ts'

export let account: TestAccount

export async function startAccount(): Promise<void> {
  account = await startTestAccount()
}

export const stopAccount = (): Promise<void> => account.close()

const subnets = ['subnet-aaaaaaaa', 'subnet-bbbbbbbb']

export async function createLoadBalancer(
  name = 'k8s-milvus',
  scheme: 'internal' | 'internet-facing' = 'internet-facing',
): Promise<string> {
  const { LoadBalancers } = await account.elb.send(
    new CreateLoadBalancerCommand({
      Name: name,
      Subnets: subnets,
      Scheme: scheme,
      SecurityGroups: ['sg-1'],
      Tags: [{ Key: 'k', Value: 'a & <b>' }],
    }),
  )
  return LoadBalancers?.[0]?.LoadBalancerArn ?? ''
}

export async function createTargetGroup(name = 'k8s-group', version = 'GRPC'): Promise<string> {
  const { TargetGroups } = await account.elb.send(
    new CreateTargetGroupCommand({
      Name: name,
      Protocol: 'HTTP',
      Port: 19530,
      ProtocolVersion: version,
      TargetType: 'ip',
      VpcId: 'vpc-1',
    }),
  )
  return TargetGroups?.[0]?.TargetGroupArn ?? ''
}

const notFound = {
  Type: 'fixed-response' as const,
  FixedResponseConfig: { StatusCode: '404', ContentType: 'text/plain' },
}

export async function createListener(
  overrides: Partial<CreateListenerCommandInput> = {},
  loadBalancerArn?: string,
): Promise<string> {
  const { Listeners } = await account.elb.send(
    new CreateListenerCommand({
      LoadBalancerArn: loadBalancerArn ?? (await createLoadBalancer()),
      Port: 443,
      Protocol: 'HTTPS',
      DefaultActions: [notFound],
      ...overrides,
    }),
  )
  return Listeners?.[0]?.ListenerArn ?? ''
}

export const missingCertificateArn =
  'arn:aws:acm:us-east-2:111122223333:certificate/00000000-0000-0000-0000-000000000000'
