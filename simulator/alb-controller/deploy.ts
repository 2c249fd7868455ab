/**
 * Deploys a model to AWS in the order of pkg/deploy/stack_deployer.go: target groups, load
 * balancer, listeners, rules, TargetGroupBindings. Then it deletes what the model no longer
 * contains, in reverse order.
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
  type LoadBalancer,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { TargetGroupBindings } from './target-group-bindings.ts'
import { tagList, type Elbv2 } from './elbv2.ts'
import { deployListeners } from './deploy-listeners.ts'
import type { Model } from './model-types.ts'
import { buildStackTags, buildTags, type IngressGroupId } from './naming.ts'
import type { TargetGroupModel } from './target-group.ts'

/** What deployments need. */
export interface DeployContext {
  readonly elbv2: Elbv2
  readonly bindings: TargetGroupBindings
  readonly cluster: string
  /**
   * The subnets of load balancers without an annotation. The real controller discovers them by
   * their tags in EC2.
   */
  readonly subnets: readonly string[]
  readonly securityGroups: readonly string[]
  readonly vpcId: string | undefined
}

/** The result of a deployment. */
export interface DeployResult {
  readonly dnsName: string
  /**
   * Whether the load balancer existed before and is still provisioning. The real controller then
   * requeues the group without status or event (load_balancer_synthesizer.go:101-141, feature gate
   * LBCapacityReservation, on by default).
   */
  readonly isProvisioning: boolean
}

/** Deploys a model. */
export async function deployModel(context: DeployContext, model: Model): Promise<DeployResult> {
  const { elbv2, cluster } = context
  const stack = buildStackTags(cluster, model.group)
  const existing = await elbv2.listTargetGroups(stack)
  const targetGroupArns = new Map<string, string>()
  for (const desired of model.targetGroups) {
    const match = existing.find(
      ({ resource: { TargetGroupName } }) => TargetGroupName === desired.name,
    )
    targetGroupArns.set(
      desired.resource,
      await deployTargetGroup(context, model.group, desired, match?.resource),
    )
  }
  const { loadBalancer, isExisting } = await deployLoadBalancer(context, model)
  const loadBalancerArn = loadBalancer.LoadBalancerArn ?? ''
  await deployListeners({ ...context, model, loadBalancerArn, targetGroupArns })
  await context.bindings.deploy(model, targetGroupArns)
  const activeArns = new Set(targetGroupArns.values())
  for (const { resource: group } of existing)
    if (!activeArns.has(group.TargetGroupArn ?? '')) await deleteTargetGroup(elbv2, group)
  // The controller publishes the name in lower case (group_controller.go:177).
  return {
    dnsName: (loadBalancer.DNSName ?? '').toLowerCase(),
    isProvisioning: isExisting && loadBalancer.State?.Code === 'provisioning',
  }
}

/**
 * Deletes everything of a group. The load balancer is first: its listeners use the target groups.
 */
export async function undeploy(context: DeployContext, group: IngressGroupId): Promise<void> {
  const stack = buildStackTags(context.cluster, group)
  for (const { resource: existing } of await context.elbv2.listLoadBalancers(stack))
    await deleteLoadBalancer(context.elbv2, existing)
  await context.bindings.remove(group)
  for (const { resource: existing } of await context.elbv2.listTargetGroups(stack))
    await deleteTargetGroup(context.elbv2, existing)
}

async function deployTargetGroup(
  context: DeployContext,
  group: IngressGroupId,
  desired: TargetGroupModel,
  existing: TargetGroup | undefined,
): Promise<string> {
  const { elbv2 } = context
  const Matcher =
    desired.protocolVersion === 'GRPC'
      ? { GrpcCode: desired.matcher }
      : { HttpCode: desired.matcher }
  // The intervals and thresholds are those of model_builder.go.
  const healthCheck = {
    HealthCheckPath: desired.healthCheckPath,
    Matcher,
    HealthCheckPort: 'traffic-port',
    HealthCheckProtocol: desired.protocol,
    HealthCheckIntervalSeconds: 15,
    HealthCheckTimeoutSeconds: 5,
    HealthyThresholdCount: 2,
    UnhealthyThresholdCount: 2,
  }
  let arn = existing?.TargetGroupArn
  if (arn === undefined) {
    const response = await elbv2.call('CreateTargetGroup', (client) =>
      client.send(
        new CreateTargetGroupCommand({
          Name: desired.name,
          Port: desired.port,
          Protocol: desired.protocol,
          ProtocolVersion: desired.protocolVersion,
          TargetType: desired.targetType,
          Tags: tagList(buildTags(context.cluster, group, desired.resource)),
          ...healthCheck,
          ...(context.vpcId === undefined ? {} : { VpcId: context.vpcId }),
        }),
      ),
    )
    arn = response.TargetGroups?.[0]?.TargetGroupArn ?? ''
  } else if (
    existing?.HealthCheckPath !== desired.healthCheckPath ||
    (existing.Matcher?.GrpcCode ?? existing.Matcher?.HttpCode) !== desired.matcher
  ) {
    const input = { TargetGroupArn: arn, ...healthCheck }
    await elbv2.call('ModifyTargetGroup', (client) =>
      client.send(new ModifyTargetGroupCommand(input)),
    )
  }
  await setAttributes(desired.attributes, arn, elbv2, 'TargetGroup')
  return arn
}

/** Sets the attributes that an annotation names. All others keep their values. */
async function setAttributes(
  desired: Readonly<Record<string, string>>,
  arn: string,
  elbv2: Elbv2,
  resourceType: 'TargetGroup' | 'LoadBalancer',
): Promise<void> {
  if (Object.keys(desired).length === 0) return
  const described = await elbv2.call(`Describe${resourceType}Attributes`, (client) =>
    resourceType === 'TargetGroup'
      ? client.send(new DescribeTargetGroupAttributesCommand({ TargetGroupArn: arn }))
      : client.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn })),
  )
  const existing = new Map((described.Attributes ?? []).map(({ Key, Value }) => [Key, Value]))
  const Attributes = tagList(desired).filter(({ Key, Value }) => existing.get(Key) !== Value)
  if (Attributes.length === 0) return
  await elbv2.call(`Modify${resourceType}Attributes`, async (client) =>
    resourceType === 'TargetGroup'
      ? client.send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: arn, Attributes }))
      : client.send(new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: arn, Attributes })),
  )
}

async function deployLoadBalancer(
  context: DeployContext,
  model: Model,
): Promise<{ loadBalancer: LoadBalancer; isExisting: boolean }> {
  const { elbv2, cluster } = context
  const desired = model.loadBalancer
  const all = await elbv2.listLoadBalancers(buildStackTags(cluster, model.group))
  const match = all.find(({ resource: existing }) => existing.Scheme === desired.scheme)
  // A scheme cannot be changed. The load balancer is replaced: the old one is deleted first
  // (load_balancer_synthesizer.go:221).
  for (const { resource: existing } of all)
    if (existing !== match?.resource) await deleteLoadBalancer(elbv2, existing)
  const securityGroups =
    desired.securityGroups.length > 0 ? desired.securityGroups : context.securityGroups
  const loadBalancer = match?.resource ?? (await createLoadBalancer(context, model, securityGroups))
  const arn = loadBalancer.LoadBalancerArn ?? ''
  const sorted = (ids: readonly string[]): string => [...ids].sort().join()
  if (
    match &&
    desired.securityGroups.length > 0 &&
    sorted(desired.securityGroups) !== sorted(loadBalancer.SecurityGroups ?? [])
  ) {
    const input = { LoadBalancerArn: arn, SecurityGroups: [...desired.securityGroups] }
    await elbv2.call('SetSecurityGroups', (client) =>
      client.send(new SetSecurityGroupsCommand(input)),
    )
  }
  await setAttributes(desired.attributes, arn, elbv2, 'LoadBalancer')
  return { loadBalancer, isExisting: match !== undefined }
}

async function createLoadBalancer(
  context: DeployContext,
  model: Model,
  securityGroups: readonly string[],
): Promise<LoadBalancer> {
  const { loadBalancer: desired, group } = model
  const subnets = desired.subnets.length > 0 ? desired.subnets : context.subnets
  const response = await context.elbv2.call('CreateLoadBalancer', (client) =>
    client.send(
      new CreateLoadBalancerCommand({
        Name: desired.name,
        Scheme: desired.scheme,
        Type: 'application',
        IpAddressType: 'ipv4',
        SubnetMappings: subnets.map((SubnetId) => ({ SubnetId })),
        SecurityGroups: [...securityGroups],
        Tags: tagList({ ...desired.tags, ...buildTags(context.cluster, group, 'LoadBalancer') }),
      }),
    ),
  )
  return response.LoadBalancers?.[0] ?? {}
}

async function deleteLoadBalancer(elbv2: Elbv2, existing: LoadBalancer): Promise<void> {
  await elbv2.call('DeleteLoadBalancer', (client) =>
    client.send(new DeleteLoadBalancerCommand({ LoadBalancerArn: existing.LoadBalancerArn })),
  )
}

async function deleteTargetGroup(elbv2: Elbv2, existing: TargetGroup): Promise<void> {
  try {
    await elbv2.call('DeleteTargetGroup', (client) =>
      client.send(new DeleteTargetGroupCommand({ TargetGroupArn: existing.TargetGroupArn })),
    )
  } catch (error) {
    throw new Error(
      `failed to delete targetGroup: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}
