/** ELBv2: what AWS itself says of a load balancer. */
import { DescribeLoadBalancersCommand, paginateDescribeLoadBalancers, type ElasticLoadBalancingV2Client, type LoadBalancer } from '@aws-sdk/client-elastic-load-balancing-v2'
import { awsError, errorName } from './errors.ts'
import { ending } from './pages.ts'
import { readParts, readTargets, type LoadBalancerParts, type Target } from './load-balancer-parts.ts'

/** A load balancer's state. */
export interface LoadBalancerState {
  readonly arn: string
  readonly name: string
  /** `provisioning`, `active`, `active_impaired`, `failed`. Source: ELBv2, LoadBalancerState. */
  readonly state: string
  /** ELB's words for a state that needs some. */
  readonly reason: string
}

/** What steps ask ELBv2. All of it throws ActionError; what is denied of parts and targets is undefined. */
export interface LoadBalancers {
  /** The load balancer with a DNS name. */
  find(dnsName: string): Promise<LoadBalancerState | undefined>
  /** The load balancer of an ARN; undefined when it is gone. */
  get(arn: string): Promise<LoadBalancerState | undefined>
  /** What it is made of, with the rules of the listener of a port. */
  parts(arn: string, port: number): Promise<LoadBalancerParts>
  /** The targets of a target group. */
  targets(targetGroup: string): Promise<readonly Target[] | undefined>
}

/** ELBv2 behind a client. */
export const loadBalancers = (client: ElasticLoadBalancingV2Client): LoadBalancers => ({
  find: (dnsName) => findLoadBalancer(client, dnsName),
  get: (arn) => getLoadBalancer(client, arn),
  parts: (arn, port) => readParts(client, arn, port),
  targets: (targetGroup) => readTargets(client, targetGroup),
})

/**
 * The load balancer with this DNS name; undefined when there is none.
 * @throws ActionError `aws-access-denied` and the other AWS ones
 */
export async function findLoadBalancer(client: ElasticLoadBalancingV2Client, dnsName: string): Promise<LoadBalancerState | undefined> {
  const matches = (candidate: LoadBalancer) => candidate.DNSName?.toLowerCase() === dnsName.toLowerCase()
  try {
    const named = await byName(client, nameInDnsName(dnsName))
    if (named && matches(named)) return toState(named)
    for await (const page of ending(paginateDescribeLoadBalancers({ client, pageSize: 400 }, {}))) {
      const found = page.LoadBalancers?.find(matches)
      if (found) return toState(found)
    }
    return undefined
  } catch (thrown) {
    throw awsError('elasticloadbalancing:DescribeLoadBalancers', thrown)
  }
}

async function getLoadBalancer(client: ElasticLoadBalancingV2Client, arn: string): Promise<LoadBalancerState | undefined> {
  try {
    const [found] = (await client.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }))).LoadBalancers ?? []
    return found && toState(found)
  } catch (thrown) {
    if (/^LoadBalancerNotFound(Exception)?$/.test(errorName(thrown))) return undefined
    throw awsError('elasticloadbalancing:DescribeLoadBalancers', thrown)
  }
}

/** The name is the first label without its scheme and id: `internal-NAME-1234567890.us-east-2.elb.amazonaws.com`. */
export function nameInDnsName(dnsName: string): string {
  return (dnsName.split('.')[0] ?? '').replace(/^internal-/, '').replace(/-\d+$/, '')
}

async function byName(client: ElasticLoadBalancingV2Client, name: string): Promise<LoadBalancer | undefined> {
  try {
    const answer = await client.send(new DescribeLoadBalancersCommand({ Names: [name] }))
    return answer.LoadBalancers?.[0]
  } catch (thrown) {
    if (errorName(thrown) === 'LoadBalancerNotFoundException' || errorName(thrown) === 'LoadBalancerNotFound' || errorName(thrown) === 'ValidationError') return undefined
    throw thrown
  }
}

function toState(balancer: LoadBalancer): LoadBalancerState {
  return { arn: balancer.LoadBalancerArn ?? '', name: balancer.LoadBalancerName ?? '', state: balancer.State?.Code ?? 'unknown', reason: balancer.State?.Reason ?? '' }
}
