/**
 * The state of load balancers in ELBv2. It is read directly from moto, so that the lab's own calls
 * are not recorded.
 */
import {
  DescribeListenerCertificatesCommand,
  DescribeListenersCommand,
  DescribeLoadBalancerAttributesCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  type Action,
  type Listener,
  type Rule,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Moto } from './moto.ts'

/** The target of matching requests. */
export type RuleAction =
  | { readonly targetGroup: string }
  | { readonly status: number; readonly body: string }
  | { readonly redirectPort: number }

/** A rule. No hosts or no paths means all of them. */
export interface RuleView {
  readonly hosts: readonly string[]
  readonly paths: readonly string[]
  readonly action: RuleAction
}

/** A listener with its rules in order of priority; the default rule is last. */
export interface ListenerView {
  readonly arn: string
  readonly port: number
  readonly protocol: string
  readonly sslPolicy: string
  /** The default certificate is first. */
  readonly certificates: readonly string[]
  readonly rules: readonly RuleView[]
}

export interface LoadBalancerView {
  readonly arn: string
  readonly name: string
  readonly dnsName: string
  readonly scheme: string
  readonly idleTimeout: number
  readonly listeners: readonly ListenerView[]
}

export interface TargetGroupView {
  readonly arn: string
  readonly name: string
  readonly protocolVersion: string
  readonly targets: readonly { readonly id: string; readonly port: number }[]
}

/** A snapshot of the account's load balancing. */
export interface LoadBalancingView {
  /** The newest is last. */
  readonly loadBalancers: readonly LoadBalancerView[]
  readonly targetGroups: readonly TargetGroupView[]
}

/** Reads the state of load balancers as administrator. */
export class LoadBalancers {
  private readonly client: ElasticLoadBalancingV2Client

  constructor(moto: Moto) {
    this.client = new ElasticLoadBalancingV2Client({
      endpoint: moto.url,
      region: moto.region,
      credentials: moto.users.administrator,
      maxAttempts: 1,
    })
  }

  async describeAll(): Promise<LoadBalancingView> {
    const [balancers, groups] = await Promise.all([
      this.client.send(new DescribeLoadBalancersCommand({})),
      this.client.send(new DescribeTargetGroupsCommand({})),
    ])
    const loadBalancers = await Promise.all(
      (balancers.LoadBalancers ?? []).map(
        async (described): Promise<LoadBalancerView & { createdAt: number }> => {
          const arn = described.LoadBalancerArn ?? ''
          const [{ Listeners = [] }, { Attributes = [] }] = await Promise.all([
            this.client.send(new DescribeListenersCommand({ LoadBalancerArn: arn })),
            this.client.send(new DescribeLoadBalancerAttributesCommand({ LoadBalancerArn: arn })),
          ])
          return {
            arn,
            name: described.LoadBalancerName ?? '',
            dnsName: described.DNSName ?? '',
            scheme: described.Scheme ?? '',
            createdAt: described.CreatedTime?.getTime() ?? 0,
            idleTimeout: Number(
              Attributes.find(({ Key }) => Key === 'idle_timeout.timeout_seconds')?.Value ?? 60,
            ),
            listeners: await Promise.all(Listeners.map((listener) => this.listener(listener))),
          }
        },
      ),
    )
    const targetGroups = await Promise.all(
      (groups.TargetGroups ?? []).map(async (described): Promise<TargetGroupView> => {
        const arn = described.TargetGroupArn ?? ''
        const { TargetHealthDescriptions = [] } = await this.client.send(
          new DescribeTargetHealthCommand({ TargetGroupArn: arn }),
        )
        const targets = TargetHealthDescriptions.filter(
          ({ TargetHealth }) => TargetHealth?.State !== 'draining',
        ).map(({ Target }) => ({ id: Target?.Id ?? '', port: Target?.Port ?? 0 }))
        return {
          arn,
          name: described.TargetGroupName ?? '',
          protocolVersion: described.ProtocolVersion ?? 'HTTP1',
          targets,
        }
      }),
    )
    return { loadBalancers: loadBalancers.sort((a, b) => a.createdAt - b.createdAt), targetGroups }
  }

  close(): void {
    this.client.destroy()
  }

  private async listener(described: Listener): Promise<ListenerView> {
    const ListenerArn = described.ListenerArn ?? ''
    const [{ Rules = [] }, { Certificates = [] }] = await Promise.all([
      this.client.send(new DescribeRulesCommand({ ListenerArn })),
      this.client.send(new DescribeListenerCertificatesCommand({ ListenerArn })),
    ])
    const defaultArn = described.Certificates?.[0]?.CertificateArn
    const arns = [defaultArn, ...Certificates.map(({ CertificateArn }) => CertificateArn)].filter(
      (arn) => arn !== undefined,
    )
    return {
      arn: ListenerArn,
      port: described.Port ?? 0,
      protocol: described.Protocol ?? '',
      sslPolicy: described.SslPolicy ?? '',
      certificates: [...new Set(arns)],
      rules: [
        ...Rules.sort(compareByPriority)
          .map(toRuleView)
          .filter((rule) => rule !== undefined),
      ],
    }
  }
}

function compareByPriority(a: Rule, b: Rule): number {
  const getRank = ({ Priority, IsDefault }: Rule): number =>
    IsDefault === true || Priority === 'default' ? Infinity : Number(Priority)
  return getRank(a) === getRank(b) ? 0 : getRank(a) - getRank(b)
}

function toRuleView({ Conditions = [], Actions = [] }: Rule): RuleView | undefined {
  const action = toRuleAction(Actions[0])
  if (!action) return undefined
  const values = (field: string): string[] =>
    Conditions.filter(({ Field }) => Field === field).flatMap(
      ({ HostHeaderConfig, PathPatternConfig, Values }) =>
        HostHeaderConfig?.Values ?? PathPatternConfig?.Values ?? Values ?? [],
    )
  return { hosts: values('host-header'), paths: values('path-pattern'), action }
}

function toRuleAction(action: Action | undefined): RuleAction | undefined {
  const targetGroup =
    action?.TargetGroupArn ?? action?.ForwardConfig?.TargetGroups?.[0]?.TargetGroupArn
  if (targetGroup !== undefined) return { targetGroup }
  const { FixedResponseConfig: fixed, RedirectConfig: redirect } = action ?? {}
  if (fixed) return { status: Number(fixed.StatusCode), body: fixed.MessageBody ?? '' }
  return redirect ? { redirectPort: Number(redirect.Port ?? 443) } : undefined
}
