/**
 * Calls of Elastic Load Balancing: resources of a group are found by their tags, and errors are
 * worded like those of the SDK for Go.
 */
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  paginateDescribeLoadBalancers,
  paginateDescribeTargetGroups,
  type ElasticLoadBalancingV2Client,
  type Listener,
  type LoadBalancer,
  type Rule,
  type TargetGroup,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { withGoErrors, type ControllerAwsClients } from './aws-clients.ts'

/** Sends a command with the client. */
type SendCommand<Output> = (client: ElasticLoadBalancingV2Client) => Promise<Output>

/** An AWS resource with its tags. */
export interface TaggedResource<T> {
  readonly resource: T
  readonly tags: Readonly<Record<string, string>>
}

/** A client of Elastic Load Balancing. */
export class Elbv2 {
  private readonly clients: ControllerAwsClients

  constructor(clients: ControllerAwsClients) {
    this.clients = clients
  }

  /** Sends a command. Errors name the operation. */
  call<Output>(operation: string, send: SendCommand<Output>): Promise<Output> {
    return withGoErrors('Elastic Load Balancing v2', operation, () => send(this.clients.elbv2))
  }

  /** The load balancers with all of these tags. */
  async listLoadBalancers(
    tags: Readonly<Record<string, string>>,
  ): Promise<TaggedResource<LoadBalancer>[]> {
    const all = await this.call('DescribeLoadBalancers', async (client) => {
      const found: LoadBalancer[] = []
      for await (const page of paginateDescribeLoadBalancers({ client }, {}))
        found.push(...(page.LoadBalancers ?? []))
      return found
    })
    return this.filterByTags(all, ({ LoadBalancerArn }) => LoadBalancerArn, tags)
  }

  /** The target groups with all of these tags. */
  async listTargetGroups(
    tags: Readonly<Record<string, string>>,
  ): Promise<TaggedResource<TargetGroup>[]> {
    const all = await this.call('DescribeTargetGroups', async (client) => {
      const found: TargetGroup[] = []
      for await (const page of paginateDescribeTargetGroups({ client }, {}))
        found.push(...(page.TargetGroups ?? []))
      return found
    })
    return this.filterByTags(all, ({ TargetGroupArn }) => TargetGroupArn, tags)
  }

  /** The listeners of a load balancer. */
  async listListeners(loadBalancerArn: string): Promise<Listener[]> {
    const response = await this.call('DescribeListeners', (client) =>
      client.send(new DescribeListenersCommand({ LoadBalancerArn: loadBalancerArn })),
    )
    return response.Listeners ?? []
  }

  /** The rules of a listener, except for the default one. */
  async listRules(listenerArn: string): Promise<Rule[]> {
    const response = await this.call('DescribeRules', (client) =>
      client.send(new DescribeRulesCommand({ ListenerArn: listenerArn })),
    )
    return (response.Rules ?? []).filter(({ IsDefault }) => IsDefault !== true)
  }

  private async filterByTags<T>(
    all: T[],
    getArn: (resource: T) => string | undefined,
    tags: Readonly<Record<string, string>>,
  ): Promise<TaggedResource<T>[]> {
    const found: TaggedResource<T>[] = []
    // DescribeTags accepts at most 20 ARNs.
    for (let offset = 0; offset < all.length; offset += 20) {
      const batch = all.slice(offset, offset + 20)
      const response = await this.call('DescribeTags', (client) =>
        client.send(
          new DescribeTagsCommand({
            ResourceArns: batch.map((resource) => getArn(resource) ?? ''),
          }),
        ),
      )
      for (const resource of batch) {
        const description = response.TagDescriptions?.find(
          ({ ResourceArn }) => ResourceArn === getArn(resource),
        )
        const resourceTags = Object.fromEntries(
          (description?.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']),
        )
        if (Object.entries(tags).every(([key, value]) => resourceTags[key] === value))
          found.push({ resource, tags: resourceTags })
      }
    }
    return found
  }
}

/** Tags in the format of AWS. */
export function tagList(tags: Readonly<Record<string, string>>): { Key: string; Value: string }[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}
