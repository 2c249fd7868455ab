/** Manual changes of load balancers in AWS, made as the administrator. */
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteListenerCommand,
  DeleteLoadBalancerCommand,
  DeleteRuleCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
  ModifyListenerCommand,
  ModifyLoadBalancerAttributesCommand,
  type Action,
  type Listener,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { TestEnvironment } from '../../testing/environment.ts'
import { getAwsClientConfig } from './aws-clients.ts'

const createClient = (environment: TestEnvironment): ElasticLoadBalancingV2Client =>
  new ElasticLoadBalancingV2Client(getAwsClientConfig(environment))

const getOnly = <T>(items: readonly T[] | undefined): T => {
  const [first] = items ?? []
  if (first === undefined) throw new Error('there is none in AWS')
  return first
}

async function getLoadBalancerArn(environment: TestEnvironment): Promise<string | undefined> {
  return getOnly(
    (await createClient(environment).send(new DescribeLoadBalancersCommand({}))).LoadBalancers,
  ).LoadBalancerArn
}

/** The DNS names of the load balancers. */
export async function listLoadBalancerNames(environment: TestEnvironment): Promise<string[]> {
  const { LoadBalancers: list = [] } = await createClient(environment).send(
    new DescribeLoadBalancersCommand({}),
  )
  return list.map(({ DNSName = '' }) => DNSName)
}

/** The only listener of the only load balancer. */
export async function getListener(environment: TestEnvironment): Promise<Listener> {
  return getOnly(
    (
      await createClient(environment).send(
        new DescribeListenersCommand({ LoadBalancerArn: await getLoadBalancerArn(environment) }),
      )
    ).Listeners,
  )
}

/** The listener's rules, except for the default one. */
export async function getRules(environment: TestEnvironment): Promise<Rule[]> {
  const { Rules = [] } = await createClient(environment).send(
    new DescribeRulesCommand({ ListenerArn: (await getListener(environment)).ListenerArn }),
  )
  return Rules.filter(({ IsDefault }) => IsDefault !== true)
}

export async function deleteLoadBalancer(environment: TestEnvironment): Promise<void> {
  await createClient(environment).send(
    new DeleteLoadBalancerCommand({ LoadBalancerArn: await getLoadBalancerArn(environment) }),
  )
}

export async function deleteListener(environment: TestEnvironment): Promise<void> {
  await createClient(environment).send(
    new DeleteListenerCommand({ ListenerArn: (await getListener(environment)).ListenerArn }),
  )
}

export async function modifyListener(
  environment: TestEnvironment,
  change: { readonly SslPolicy?: string; readonly certificate?: string },
): Promise<void> {
  const { ListenerArn } = await getListener(environment)
  const { certificate, ...otherChanges } = change
  await createClient(environment).send(
    new ModifyListenerCommand({
      ListenerArn,
      ...otherChanges,
      ...(certificate !== undefined && { Certificates: [{ CertificateArn: certificate }] }),
    }),
  )
}

/** Deletes the only rule. */
export async function deleteRule(environment: TestEnvironment): Promise<void> {
  await createClient(environment).send(
    new DeleteRuleCommand({ RuleArn: getOnly(await getRules(environment)).RuleArn }),
  )
}

/** Replaces the only rule by one for the same host with another action. */
async function replaceRule(environment: TestEnvironment, action: Action): Promise<void> {
  const { Conditions = [], RuleArn } = getOnly(await getRules(environment))
  const { ListenerArn } = await getListener(environment)
  await createClient(environment).send(new DeleteRuleCommand({ RuleArn }))
  const conditions = Conditions.map(({ Field, HostHeaderConfig, PathPatternConfig }) => ({
    Field,
    ...(HostHeaderConfig && { HostHeaderConfig }),
    ...(PathPatternConfig && { PathPatternConfig }),
  }))
  await createClient(environment).send(
    new CreateRuleCommand({ ListenerArn, Priority: 1, Conditions: conditions, Actions: [action] }),
  )
}

/** Uses a rule with a fixed response. */
export async function replaceRuleWithFixedResponse(environment: TestEnvironment): Promise<void> {
  await replaceRule(environment, {
    Type: 'fixed-response',
    FixedResponseConfig: { StatusCode: '503', ContentType: 'text/plain', MessageBody: 'closed' },
  })
}

/**
 * Uses a rule that forwards to a new HTTP/1 target group, because the protocol of an existing one
 * cannot be changed.
 */
export async function replaceRuleWithHttp1Forward(environment: TestEnvironment): Promise<void> {
  const { VpcId } = getOnly(
    (await createClient(environment).send(new DescribeTargetGroupsCommand({}))).TargetGroups,
  )
  const created = await createClient(environment).send(
    new CreateTargetGroupCommand({
      Name: 'by-hand',
      Protocol: 'HTTP',
      ProtocolVersion: 'HTTP1',
      Port: 9091,
      TargetType: 'ip',
      VpcId,
    }),
  )
  const { TargetGroupArn } = getOnly(created.TargetGroups)
  await replaceRule(environment, { Type: 'forward', TargetGroupArn })
}

export async function setLoadBalancerAttribute(
  environment: TestEnvironment,
  Key: string,
  Value: string,
): Promise<void> {
  await createClient(environment).send(
    new ModifyLoadBalancerAttributesCommand({
      LoadBalancerArn: await getLoadBalancerArn(environment),
      Attributes: [{ Key, Value }],
    }),
  )
}
