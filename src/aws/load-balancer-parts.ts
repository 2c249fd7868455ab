/** ELBv2: what one load balancer is made of, and how its targets are. What these credentials may not read is undefined. */
import {
  DescribeLoadBalancerAttributesCommand, DescribeTargetHealthCommand, paginateDescribeListeners, paginateDescribeRules, paginateDescribeTargetGroups,
  type ElasticLoadBalancingV2Client, type Listener as SdkListener, type Rule as SdkRule, type TargetGroup as SdkTargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { ActionError } from '../core/errors.ts'
import { awsError } from './errors.ts'
import { ending } from './pages.ts'

/** A listener. */
export interface Listener {
  readonly port: number
  readonly protocol: string
  /** ARN of the default certificate; empty when it has none. */
  readonly certificate: string
  readonly sslPolicy: string
  /** Those of the listener that was asked about, but for the default one; of others, and when they may not be read, undefined. */
  readonly rules: readonly Rule[] | undefined
}

/** A rule. No hosts or paths means all of them. */
export interface Rule {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  /** ARN of the target group that it forwards to; undefined when it answers by itself or redirects. */
  readonly targetGroup: string | undefined
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
export interface LoadBalancerParts {
  readonly listeners: readonly Listener[] | undefined
  readonly targetGroups: readonly TargetGroup[] | undefined
  readonly attributes: Readonly<Record<string, string>> | undefined
}

/** A registered target, in ELB's words. Source: ELBv2, TargetHealthDescription. */
export interface Target {
  readonly id: string
  readonly port: number
  /** `healthy`, `unhealthy`, `initial`, `draining`, `unused`, `unavailable` */
  readonly state: string
  /** `Target.Timeout`; empty when it is healthy. */
  readonly reason: string
  readonly description: string
}

/** @param port of the listener whose rules are read. @throws ActionError of AWS, but for `aws-access-denied` */
export async function readParts(client: ElasticLoadBalancingV2Client, arn: string, port: number): Promise<LoadBalancerParts> {
  const [listeners, targetGroups, attributes] = await Promise.all([
    whereAllowed('DescribeListeners', () => readListeners(client, arn, port)),
    whereAllowed('DescribeTargetGroups', async () => (await gather(paginateDescribeTargetGroups({ client }, { LoadBalancerArn: arn }), ({ TargetGroups = [] }) => TargetGroups)).map(toTargetGroup)),
    whereAllowed('DescribeLoadBalancerAttributes', async () => {
      const { Attributes = [] } = await client.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn }))
      return Object.fromEntries(Attributes.map(({ Key = '', Value = '' }) => [Key, Value]))
    }),
  ])
  return { listeners, targetGroups, attributes }
}

/** The targets of a target group. @throws ActionError of AWS, but for `aws-access-denied` */
export async function readTargets(client: ElasticLoadBalancingV2Client, targetGroup: string): Promise<Target[] | undefined> {
  return whereAllowed('DescribeTargetHealth', async () => {
    const { TargetHealthDescriptions = [] } = await client.send(new DescribeTargetHealthCommand({ TargetGroupArn: targetGroup }))
    return TargetHealthDescriptions.map(({ Target: { Id = '', Port = 0 } = { Id: '' }, TargetHealth: { State = 'unavailable', Reason = '', Description = '' } = {} }) =>
      ({ id: Id, port: Port, state: State, reason: Reason, description: Description }))
  })
}

async function readListeners(client: ElasticLoadBalancingV2Client, arn: string, port: number): Promise<Listener[]> {
  const found = await gather(paginateDescribeListeners({ client }, { LoadBalancerArn: arn }), ({ Listeners = [] }) => Listeners)
  return Promise.all(found.map(async (listener) => toListener(listener, listener.Port === port ? await readRules(client, listener.ListenerArn) : undefined)))
}

async function readRules(client: ElasticLoadBalancingV2Client, listener: string | undefined): Promise<Rule[] | undefined> {
  return whereAllowed('DescribeRules', async () => {
    const found = await gather(paginateDescribeRules({ client }, { ListenerArn: listener }), ({ Rules = [] }) => Rules)
    return found.filter(({ IsDefault }) => IsDefault !== true).map(toRule)
  })
}

async function gather<Page, Item>(pages: AsyncIterable<Page>, items: (page: Page) => readonly Item[]): Promise<Item[]> {
  const found: Item[] = []
  for await (const page of ending(pages)) found.push(...items(page))
  return found
}

async function whereAllowed<T>(operation: string, read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (thrown) {
    const error = awsError(`elasticloadbalancing:${operation}`, thrown)
    if (error instanceof ActionError && error.code === 'aws-access-denied') return undefined
    throw error
  }
}

function toListener({ Port = 0, Protocol, SslPolicy = '', Certificates = [] }: SdkListener, rules: readonly Rule[] | undefined): Listener {
  return { port: Port, protocol: Protocol ?? '', sslPolicy: SslPolicy, certificate: Certificates[0]?.CertificateArn ?? '', rules }
}

function toRule({ Conditions = [], Actions = [] }: SdkRule): Rule {
  const values = (field: string): string[] => Conditions.filter(({ Field }) => Field === field).flatMap(({ HostHeaderConfig, PathPatternConfig, Values }) => HostHeaderConfig?.Values ?? PathPatternConfig?.Values ?? Values ?? [])
  const targetGroup = Actions.map((action) => action.TargetGroupArn ?? action.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn).find((arn) => arn !== undefined)
  return { hosts: values('host-header'), paths: values('path-pattern'), targetGroup }
}

const toTargetGroup = ({ TargetGroupArn = '', TargetGroupName = '', ProtocolVersion = '', TargetType }: SdkTargetGroup): TargetGroup =>
  ({ arn: TargetGroupArn, name: TargetGroupName, protocolVersion: ProtocolVersion, targetType: TargetType ?? '' })
