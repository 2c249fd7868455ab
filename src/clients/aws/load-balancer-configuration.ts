/**
 * ELBv2: what one load balancer is made of, and how its targets are. What these credentials may not
 * read is undefined.
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
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { ActionError } from '../../failures/action-error.ts'
import { translateAwsError } from './errors.ts'
import { limitPages } from './pagination.ts'

/** A listener. */
export interface Listener {
  readonly port: number
  readonly protocol: string
  /** ARN of the default certificate; empty when it has none. */
  readonly defaultCertificateArn: string
  readonly sslPolicy: string
  /**
   * Those of the listener that was asked about, but for the default one; of others, and when they
   * may not be read, undefined.
   */
  readonly rules: readonly Rule[] | undefined
}

/** A rule. No hosts or paths means all of them. */
export interface Rule {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  /**
   * ARN of the target group that it forwards to; undefined when it answers by itself or redirects.
   */
  readonly targetGroupArn: string | undefined
}

/** A target group. */
export interface TargetGroup {
  readonly arn: string
  readonly name: string
  /** `GRPC`, `HTTP2`, `HTTP1` */
  readonly protocolVersion: string
  /** `ip`, `instance` */
  readonly targetType: string
}

/** What a load balancer is made of. */
export interface LoadBalancerConfiguration {
  readonly listeners: readonly Listener[] | undefined
  readonly targetGroups: readonly TargetGroup[] | undefined
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** A registered target, in ELB's words. Source: ELBv2, TargetHealthDescription. */
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
 * @param port of the listener whose rules are read.
 * @throws ActionError of AWS, but for `aws-access-denied`
 */
export async function readConfiguration(
  client: ElasticLoadBalancingV2Client,
  arn: string,
  port: number,
): Promise<LoadBalancerConfiguration> {
  const [listeners, targetGroups, attributes] = await Promise.all([
    undefinedIfDenied('DescribeListeners', () => readListeners(client, arn, port)),
    undefinedIfDenied('DescribeTargetGroups', async () =>
      (
        await collectPages(
          paginateDescribeTargetGroups({ client }, { LoadBalancerArn: arn }),
          ({ TargetGroups = [] }) => TargetGroups,
        )
      ).map(toTargetGroup),
    ),
    undefinedIfDenied('DescribeLoadBalancerAttributes', async () => {
      const { Attributes = [] } = await client.send(
        new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }),
      )
      return Object.fromEntries(Attributes.map(({ Key = '', Value = '' }) => [Key, Value]))
    }),
  ])
  return { listeners, targetGroups, attributes }
}

/**
 * The targets of a target group.
 * @throws ActionError of AWS, but for `aws-access-denied`
 */
export async function readTargetHealth(
  client: ElasticLoadBalancingV2Client,
  targetGroupArn: string,
): Promise<TargetHealth[] | undefined> {
  return undefinedIfDenied('DescribeTargetHealth', async () => {
    const { TargetHealthDescriptions = [] } = await client.send(
      new DescribeTargetHealthCommand({ TargetGroupArn: targetGroupArn }),
    )
    return TargetHealthDescriptions.map(
      ({
        Target: { Id = '', Port = 0 } = { Id: '' },
        TargetHealth: { State = 'unavailable', Reason = '', Description = '' } = {},
      }) => ({ id: Id, port: Port, state: State, reason: Reason, description: Description }),
    )
  })
}

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
    sdkListeners.map(async (listener) =>
      toListener(
        listener,
        listener.Port === port ? await readRules(client, listener.ListenerArn) : undefined,
      ),
    ),
  )
}

async function readRules(
  client: ElasticLoadBalancingV2Client,
  listenerArn: string | undefined,
): Promise<Rule[] | undefined> {
  return undefinedIfDenied('DescribeRules', async () => {
    const sdkRules = await collectPages(
      paginateDescribeRules({ client }, { ListenerArn: listenerArn }),
      ({ Rules = [] }) => Rules,
    )
    return sdkRules.filter(({ IsDefault }) => IsDefault !== true).map(toRule)
  })
}

async function collectPages<Page, Item>(
  pages: AsyncIterable<Page>,
  items: (page: Page) => readonly Item[],
): Promise<Item[]> {
  const collected: Item[] = []
  for await (const page of limitPages(pages)) collected.push(...items(page))
  return collected
}

async function undefinedIfDenied<T>(
  operation: string,
  read: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await read()
  } catch (thrown) {
    const error = translateAwsError(`elasticloadbalancing:${operation}`, thrown)
    if (error instanceof ActionError && error.code === 'aws-access-denied') return undefined
    throw error
  }
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
