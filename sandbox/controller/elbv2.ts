/**
 * What the controller does with Elastic Load Balancing: finding what is a group's by its tags, and every call with its
 * error in the SDK for Go's words.
 */
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  paginateDescribeLoadBalancers,
  paginateDescribeTargetGroups,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { ElasticLoadBalancingV2Client, Listener, LoadBalancer, Rule, TargetGroup } from '@aws-sdk/client-elastic-load-balancing-v2'
import type { AwsClients } from './aws.ts'
import { inGo } from './aws.ts'

/** A command of the client that answers `Output`. */
type Sending<Output> = (client: ElasticLoadBalancingV2Client) => Promise<Output>

/** Something of AWS with its tags. */
export interface Tagged<T> {
  readonly held: T
  readonly tags: Readonly<Record<string, string>>
}

/** The calls. */
export class Elbv2 {
  private readonly clients: AwsClients

  constructor(clients: AwsClients) {
    this.clients = clients
  }

  /** Sends a command; an error says which operation it was. */
  call<Output>(operation: string, send: Sending<Output>): Promise<Output> {
    return inGo('Elastic Load Balancing v2', operation, () => send(this.clients.elbv2))
  }

  /** The load balancers that carry all of these tags. */
  async loadBalancers(tags: Readonly<Record<string, string>>): Promise<Tagged<LoadBalancer>[]> {
    const all = await this.call('DescribeLoadBalancers', async (client) => {
      const found: LoadBalancer[] = []
      for await (const page of paginateDescribeLoadBalancers({ client }, {})) found.push(...(page.LoadBalancers ?? []))
      return found
    })
    return this.tagged(all, ({ LoadBalancerArn }) => LoadBalancerArn, tags)
  }

  /** The target groups that carry all of these tags. */
  async targetGroups(tags: Readonly<Record<string, string>>): Promise<Tagged<TargetGroup>[]> {
    const all = await this.call('DescribeTargetGroups', async (client) => {
      const found: TargetGroup[] = []
      for await (const page of paginateDescribeTargetGroups({ client }, {})) found.push(...(page.TargetGroups ?? []))
      return found
    })
    return this.tagged(all, ({ TargetGroupArn }) => TargetGroupArn, tags)
  }

  /** The listeners of a load balancer. */
  async listeners(loadBalancerArn: string): Promise<Listener[]> {
    const answer = await this.call('DescribeListeners', (client) => client.send(new DescribeListenersCommand({ LoadBalancerArn: loadBalancerArn })))
    return answer.Listeners ?? []
  }

  /** The rules of a listener, but for the default one. */
  async rules(listenerArn: string): Promise<Rule[]> {
    const answer = await this.call('DescribeRules', (client) => client.send(new DescribeRulesCommand({ ListenerArn: listenerArn })))
    return (answer.Rules ?? []).filter(({ IsDefault }) => IsDefault !== true)
  }

  private async tagged<T>(all: T[], arnOf: (held: T) => string | undefined, tags: Readonly<Record<string, string>>): Promise<Tagged<T>[]> {
    const found: Tagged<T>[] = []
    // DescribeTags takes 20 at once.
    for (let from = 0; from < all.length; from += 20) {
      const some = all.slice(from, from + 20)
      const answer = await this.call('DescribeTags', (client) => client.send(new DescribeTagsCommand({ ResourceArns: some.map((held) => arnOf(held) ?? '') })))
      for (const held of some) {
        const description = answer.TagDescriptions?.find(({ ResourceArn }) => ResourceArn === arnOf(held))
        const own = Object.fromEntries((description?.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']))
        if (Object.entries(tags).every(([key, value]) => own[key] === value)) found.push({ held, tags: own })
      }
    }
    return found
  }
}

/** Tags as AWS takes them. */
export function tagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}
