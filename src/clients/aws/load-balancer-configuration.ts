/**
 * ELBv2: the configuration of one load balancer, and the health of its targets. Parts that the
 * credentials are not allowed to read are undefined.
 */
import {
  DescribeLoadBalancerAttributesCommand,
  DescribeTargetHealthCommand,
  paginateDescribeListeners,
  paginateDescribeRules,
  paginateDescribeTargetGroups,
  type ElasticLoadBalancingV2Client,
  type Listener as SdkListener,
  type Rule as SdkRule,
  type TargetGroup as SdkTargetGroup,
  type TargetHealthDescription,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { undefinedIfAwsDenies } from './errors.ts'
import { collectPages } from './pagination.ts'

export interface Listener {
  readonly port: number
  readonly protocol: string
  /** ARN of the default certificate; empty when it has none. */
  readonly defaultCertificateArn: string
  readonly sslPolicy: string
  /** Without the default rule; undefined when not requested, and when not allowed to read. */
  readonly rules: readonly Rule[] | undefined
}

/** A listener rule. Empty hosts or paths match everything. */
export interface Rule {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  /** ARN of the target group that it forwards to; undefined for a fixed response or redirect. */
  readonly targetGroupArn: string | undefined
}

export interface TargetGroup {
  readonly arn: string
  readonly name: string
  /** `GRPC`, `HTTP2`, `HTTP1` */
  readonly protocolVersion: string
  /** `ip`, `instance` */
  readonly targetType: string
}

/** The parts of a load balancer. */
export interface LoadBalancerConfiguration {
  readonly listeners: readonly Listener[] | undefined
  readonly targetGroups: readonly TargetGroup[] | undefined
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** The health of a registered target. Source: ELBv2, TargetHealthDescription. */
export interface TargetHealth {
  readonly id: string
  readonly port: number
  /** `healthy`, `unhealthy`, `initial`, `draining`, `unused`, `unavailable` */
  readonly state: string
  /** `Target.Timeout`; empty when it is healthy. */
  readonly reason: string
  readonly description: string
}

/**
 * @param port of the listener whose rules are read
 * @throws ActionError those of `translateAwsError`, except `aws-access-denied`
 */
export async function readConfiguration(
  client: ElasticLoadBalancingV2Client,
  arn: string,
  port: number,
): Promise<LoadBalancerConfiguration> {
  const [listeners, targetGroups, attributes] = await Promise.all([
    undefinedIfAwsDenies(permission('DescribeListeners'), () => readListeners(client, arn, port)),
    undefinedIfAwsDenies(permission('DescribeTargetGroups'), () => readTargetGroups(client, arn)),
    undefinedIfAwsDenies(permission('DescribeLoadBalancerAttributes'), () =>
      readAttributes(client, arn),
    ),
  ])
  return { listeners, targetGroups, attributes }
}

/**
 * The targets of a target group; undefined when the credentials are not allowed to read them.
 * @throws ActionError those of `translateAwsError`, except `aws-access-denied`
 */
export async function readTargetHealth(
  client: ElasticLoadBalancingV2Client,
  targetGroupArn: string,
): Promise<TargetHealth[] | undefined> {
  return undefinedIfAwsDenies(permission('DescribeTargetHealth'), async () => {
    const { TargetHealthDescriptions = [] } = await client.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }),
    )
    return TargetHealthDescriptions.map(toTargetHealth)
  })
}

/** @param operation of ELBv2 */
const permission = (operation: string): string => `elasticloadbalancing:${operation}`

async function readListeners(
  client: ElasticLoadBalancingV2Client,
  arn: string,
  port: number,
): Promise<Listener[]> {
  const sdkListeners = await collectPages(
    paginateDescribeListeners({ client }, { LoadBalancerArn: arn }),
    ({ Listeners = [] }) => Listeners,
  )
  return Promise.all(
    sdkListeners.map(async (listener) => {
      const isRequested = listener.Port === port
      const rules = isRequested ? await readRules(client, listener.ListenerArn) : undefined
      return toListener(listener, rules)
    }),
  )
}

async function readRules(
  client: ElasticLoadBalancingV2Client,
  listenerArn: string | undefined,
): Promise<Rule[] | undefined> {
  return undefinedIfAwsDenies(permission('DescribeRules'), async () => {
    const sdkRules = await collectPages(
      paginateDescribeRules({ client }, { ListenerArn: listenerArn }),
      ({ Rules = [] }) => Rules,
    )
    return sdkRules.filter(({ IsDefault }) => IsDefault !== true).map(toRule)
  })
}

async function readTargetGroups(
  client: ElasticLoadBalancingV2Client,
  arn: string,
): Promise<TargetGroup[]> {
  const sdkTargetGroups = await collectPages(
    paginateDescribeTargetGroups({ client }, { LoadBalancerArn: arn }),
    ({ TargetGroups = [] }) => TargetGroups,
  )
  return sdkTargetGroups.map(toTargetGroup)
}

async function readAttributes(
  client: ElasticLoadBalancingV2Client,
  arn: string,
): Promise<Record<string, string>> {
  const { Attributes = [] } = await client.send(
    new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }),
  )
  return Object.fromEntries(Attributes.map(({ Key = '', Value = '' }) => [Key, Value]))
}

function toListener(
  { Port = 0, Protocol, SslPolicy = '', Certificates = [] }: SdkListener,
  rules: readonly Rule[] | undefined,
): Listener {
  return {
    port: Port,
    protocol: Protocol ?? '',
    sslPolicy: SslPolicy,
    defaultCertificateArn: Certificates[0]?.CertificateArn ?? '',
    rules,
  }
}

function toRule({ Conditions = [], Actions = [] }: SdkRule): Rule {
  const conditionValues = (field: string): string[] =>
    Conditions.filter(({ Field }) => Field === field).flatMap(
      ({ HostHeaderConfig, PathPatternConfig, Values }) =>
        HostHeaderConfig?.Values ?? PathPatternConfig?.Values ?? Values ?? [],
    )
  const targetGroupArn = Actions.map(
    (action) => action.TargetGroupArn ?? action.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn,
  ).find((arn) => arn !== undefined)
  return {
    hosts: conditionValues('host-header'),
    paths: conditionValues('path-pattern'),
    targetGroupArn,
  }
}

const toTargetHealth = ({ Target, TargetHealth }: TargetHealthDescription): TargetHealth => ({
  id: Target?.Id ?? '',
  port: Target?.Port ?? 0,
  state: TargetHealth?.State ?? 'unavailable',
  reason: TargetHealth?.Reason ?? '',
  description: TargetHealth?.Description ?? '',
})

const toTargetGroup = ({
  TargetGroupArn = '',
  TargetGroupName = '',
  ProtocolVersion = '',
  TargetType,
}: SdkTargetGroup): TargetGroup => ({
  arn: TargetGroupArn,
  name: TargetGroupName,
  protocolVersion: ProtocolVersion,
  targetType: TargetType ?? '',
})
