/**
 * Makes AWS hold what a model says, in the order of pkg/deploy/stack_deployer.go: target groups, load balancer, listeners,
 * rules, TargetGroupBindings; then what is no longer wanted goes, the other way round.
 */
import {
  CreateLoadBalancerCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DeleteTargetGroupCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeTargetGroupAttributesCommand,
  ModifyLoadBalancerAttributesCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  SetSecurityGroupsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { LoadBalancer, TargetGroup } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Bindings } from './bindings.ts'
import type { Elbv2 } from './elbv2.ts'
import { tagList } from './elbv2.ts'
import { deployListeners } from './listeners.ts'
import type { Model } from './model.ts'
import type { Group } from './names.ts'
import { stackTags, tagsOf } from './names.ts'
import type { TargetGroupModel } from './target-group.ts'

/** What deploying needs. */
export interface Deployer {
  readonly elbv2: Elbv2
  readonly bindings: Bindings
  readonly cluster: string
  /** Where a load balancer goes when no annotation says so; the real controller finds them by their tags in EC2. */
  readonly subnets: readonly string[]
  readonly securityGroups: readonly string[]
  readonly vpcId: string | undefined
}

/** What came of it. */
export interface Deployed {
  readonly dnsName: string
  /**
   * The load balancer was there already and is still provisioning: the real one then looks again later, without status or
   * event (load_balancer_synthesizer.go:101-141, feature gate LBCapacityReservation, on by default).
   */
  readonly provisioning: boolean
}

/** Deploys a model. */
export async function deploy(deployer: Deployer, model: Model): Promise<Deployed> {
  const { elbv2, cluster } = deployer
  const stack = stackTags(cluster, model.group)
  const held = await elbv2.targetGroups(stack)
  const arns = new Map<string, string>()
  for (const wanted of model.targetGroups) {
    const same = held.find(({ held: { TargetGroupName } }) => TargetGroupName === wanted.name)
    arns.set(wanted.resource, await deployTargetGroup(deployer, model.group, wanted, same?.held))
  }
  const { loadBalancer, existed } = await deployLoadBalancer(deployer, model)
  await deployListeners(deployer, model, loadBalancer.LoadBalancerArn ?? '', arns)
  await deployer.bindings.deploy(model, arns)
  const kept = new Set(arns.values())
  for (const { held: group } of held) if (!kept.has(group.TargetGroupArn ?? '')) await deleteTargetGroup(elbv2, group)
  // Of a listener with a name in upper case, the name comes out in lower case (group_controller.go:177).
  return { dnsName: (loadBalancer.DNSName ?? '').toLowerCase(), provisioning: existed && loadBalancer.State?.Code === 'provisioning' }
}

/** Removes all that a group has: the load balancer first, as the listeners hold the target groups. */
export async function undeploy(deployer: Deployer, group: Group): Promise<void> {
  const stack = stackTags(deployer.cluster, group)
  for (const { held } of await deployer.elbv2.loadBalancers(stack)) await deleteLoadBalancer(deployer.elbv2, held)
  await deployer.bindings.remove(group)
  for (const { held } of await deployer.elbv2.targetGroups(stack)) await deleteTargetGroup(deployer.elbv2, held)
}

async function deployTargetGroup(deployer: Deployer, group: Group, wanted: TargetGroupModel, held: TargetGroup | undefined): Promise<string> {
  const { elbv2 } = deployer
  const Matcher = wanted.protocolVersion === 'GRPC' ? { GrpcCode: wanted.matcher } : { HttpCode: wanted.matcher }
  // The intervals and counts of model_builder.go.
  const check = {
    HealthCheckPath: wanted.healthCheckPath, Matcher, HealthCheckPort: 'traffic-port', HealthCheckProtocol: wanted.protocol,
    HealthCheckIntervalSeconds: 15, HealthCheckTimeoutSeconds: 5, HealthyThresholdCount: 2, UnhealthyThresholdCount: 2,
  }
  let arn = held?.TargetGroupArn
  if (arn === undefined) {
    const answer = await elbv2.call('CreateTargetGroup', (client) => client.send(new CreateTargetGroupCommand({
      Name: wanted.name, Port: wanted.port, Protocol: wanted.protocol, ProtocolVersion: wanted.protocolVersion, TargetType: wanted.targetType,
      Tags: tagList(tagsOf(deployer.cluster, group, wanted.resource)), ...check,
      ...(deployer.vpcId === undefined ? {} : { VpcId: deployer.vpcId }),
    })))
    arn = answer.TargetGroups?.[0]?.TargetGroupArn ?? ''
  } else if (held?.HealthCheckPath !== wanted.healthCheckPath || (held.Matcher?.GrpcCode ?? held.Matcher?.HttpCode) !== wanted.matcher) {
    const change = { TargetGroupArn: arn, ...check }
    await elbv2.call('ModifyTargetGroup', (client) => client.send(new ModifyTargetGroupCommand(change)))
  }
  await setAttributes(wanted.attributes, arn, elbv2, 'TargetGroup')
  return arn
}

/** Only attributes that an annotation names are looked at: others stay as somebody set them. */
async function setAttributes(wanted: Readonly<Record<string, string>>, arn: string, elbv2: Elbv2, of: 'TargetGroup' | 'LoadBalancer'): Promise<void> {
  if (Object.keys(wanted).length === 0) return
  const described = await elbv2.call(`Describe${of}Attributes`, (client) => of === 'TargetGroup'
    ? client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn }))
    : client.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn })))
  const held = new Map((described.Attributes ?? []).map(({ Key, Value }) => [Key, Value]))
  const Attributes = tagList(wanted).filter(({ Key, Value }) => held.get(Key) !== Value)
  if (Attributes.length === 0) return
  await elbv2.call(`Modify${of}Attributes`, async (client) => of === 'TargetGroup'
    ? client.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: arn, Attributes }))
    : client.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes })))
}

async function deployLoadBalancer(deployer: Deployer, model: Model): Promise<{ loadBalancer: LoadBalancer; existed: boolean }> {
  const { elbv2, cluster } = deployer
  const wanted = model.loadBalancer
  const all = await elbv2.loadBalancers(stackTags(cluster, model.group))
  const same = all.find(({ held }) => held.Scheme === wanted.scheme)
  // A scheme cannot be changed: another load balancer is made, and the one before goes first (load_balancer_synthesizer.go:221).
  for (const { held } of all) if (held !== same?.held) await deleteLoadBalancer(elbv2, held)
  const securityGroups = wanted.securityGroups.length > 0 ? wanted.securityGroups : deployer.securityGroups
  const loadBalancer = same?.held ?? (await createLoadBalancer(deployer, model, securityGroups))
  const arn = loadBalancer.LoadBalancerArn ?? ''
  if (same && wanted.securityGroups.length > 0 && [...wanted.securityGroups].sort().join() !== [...(loadBalancer.SecurityGroups ?? [])].sort().join()) {
    const change = { LoadBalancerArn: arn, SecurityGroups: [...wanted.securityGroups] }
    await elbv2.call('SetSecurityGroups', (client) => client.send(new SetSecurityGroupsCommand(change)))
  }
  await setAttributes(wanted.attributes, arn, elbv2, 'LoadBalancer')
  return { loadBalancer, existed: same !== undefined }
}

async function createLoadBalancer(deployer: Deployer, model: Model, securityGroups: readonly string[]): Promise<LoadBalancer> {
  const { loadBalancer: wanted, group } = model
  const subnets = wanted.subnets.length > 0 ? wanted.subnets : deployer.subnets
  const answer = await deployer.elbv2.call('CreateLoadBalancer', (client) => client.send(new CreateLoadBalancerCommand({
    Name: wanted.name, Scheme: wanted.scheme, Type: 'application', IpAddressType: 'ipv4',
    SubnetMappings: subnets.map((SubnetId) => ({ SubnetId })), SecurityGroups: [...securityGroups],
    Tags: tagList({ ...wanted.tags, ...tagsOf(deployer.cluster, group, 'LoadBalancer') }),
  })))
  return answer.LoadBalancers?.[0] ?? {}
}

async function deleteLoadBalancer(elbv2: Elbv2, held: LoadBalancer): Promise<void> {
  await elbv2.call('DeleteLoadBalancer', (client) => client.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: held.LoadBalancerArn })))
}

async function deleteTargetGroup(elbv2: Elbv2, held: TargetGroup): Promise<void> {
  try {
    await elbv2.call('DeleteTargetGroup', (client) => client.send(new DeleteTargetGroupCommand({ TargetGroupArn: held.TargetGroupArn })))
  } catch (error) {
    throw new Error(`failed to delete targetGroup: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
