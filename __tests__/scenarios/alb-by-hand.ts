/** What a person does to load balancers by hand in AWS, as the administrator. */
import {
  CreateRuleCommand, CreateTargetGroupCommand, DeleteListenerCommand, DeleteLoadBalancerCommand, DeleteRuleCommand, DescribeListenersCommand, DescribeLoadBalancersCommand, DescribeRulesCommand, DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client, ModifyListenerCommand, ModifyLoadBalancerAttributesCommand, type Action, type Listener, type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { World } from '../../sandbox/world.ts'
import { aws } from './hands.ts'

const client = (world: World): ElasticLoadBalancingV2Client => new ElasticLoadBalancingV2Client(aws(world))

const only = <T>(found: readonly T[] | undefined): T => {
  const [first] = found ?? []
  if (first === undefined) throw new Error('there is none in AWS')
  return first
}

async function loadBalancerArn(world: World): Promise<string | undefined> {
  return only((await client(world).send(new DescribeLoadBalancersCommand({}))).LoadBalancers).LoadBalancerArn
}

/** The one listener of the one load balancer. */
export async function listener(world: World): Promise<Listener> {
  return only((await client(world).send(new DescribeListenersCommand({ LoadBalancerArn: await loadBalancerArn(world) }))).Listeners)
}

/** Its rules, but for the default one. */
export async function rules(world: World): Promise<Rule[]> {
  const { Rules = [] } = await client(world).send(new DescribeRulesCommand({ ListenerArn: (await listener(world)).ListenerArn }))
  return Rules.filter(({ IsDefault }) => IsDefault !== true)
}

export async function deleteLoadBalancer(world: World): Promise<void> {
  await client(world).send(new DeleteLoadBalancerCommand({ LoadBalancerArn: await loadBalancerArn(world) }))
}

export async function deleteListener(world: World): Promise<void> {
  await client(world).send(new DeleteListenerCommand({ ListenerArn: (await listener(world)).ListenerArn }))
}

export async function modifyListener(world: World, change: { readonly SslPolicy?: string; readonly certificate?: string }): Promise<void> {
  const { ListenerArn } = await listener(world)
  const { certificate, ...more } = change
  await client(world).send(new ModifyListenerCommand({ ListenerArn, ...more, ...(certificate !== undefined && { Certificates: [{ CertificateArn: certificate }] }) }))
}

/** Takes the one rule away. */
export async function deleteRule(world: World): Promise<void> {
  await client(world).send(new DeleteRuleCommand({ RuleArn: only(await rules(world)).RuleArn }))
}

/** Puts another rule in place of the one: for the same host, with another action. */
async function replaceRule(world: World, action: Action): Promise<void> {
  const { Conditions = [], RuleArn } = only(await rules(world))
  const { ListenerArn } = await listener(world)
  await client(world).send(new DeleteRuleCommand({ RuleArn }))
  const conditions = Conditions.map(({ Field, HostHeaderConfig, PathPatternConfig }) => ({ Field, ...(HostHeaderConfig && { HostHeaderConfig }), ...(PathPatternConfig && { PathPatternConfig }) }))
  await client(world).send(new CreateRuleCommand({ ListenerArn, Priority: 1, Conditions: conditions, Actions: [action] }))
}

/** A rule with an answer of its own. */
export async function answerByRule(world: World): Promise<void> {
  await replaceRule(world, { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '503', ContentType: 'text/plain', MessageBody: 'closed' } })
}

/** A rule that forwards to a target group that speaks HTTP/1: the protocol of the one that is there cannot be changed. */
export async function forwardToHttp1(world: World): Promise<void> {
  const { VpcId } = only((await client(world).send(new DescribeTargetGroupsCommand({}))).TargetGroups)
  const made = await client(world).send(new CreateTargetGroupCommand({ Name: 'by-hand', Protocol: 'HTTP', ProtocolVersion: 'HTTP1', Port: 9091, TargetType: 'ip', VpcId }))
  const { TargetGroupArn } = only(made.TargetGroups)
  await replaceRule(world, { Type: 'forward', TargetGroupArn })
}

export async function setAttribute(world: World, Key: string, Value: string): Promise<void> {
  await client(world).send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: await loadBalancerArn(world), Attributes: [{ Key, Value }] }))
}
