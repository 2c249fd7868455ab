/** ELBv2: what AWS itself says of a load balancer. */
import {
  DescribeLoadBalancersCommand,
  paginateDescribeLoadBalancers,
  type ElasticLoadBalancingV2Client,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { translateAwsError, errorName } from './errors.ts'
import { limitPages } from './pagination.ts'
import {
  readConfiguration,
  readTargetHealth,
  type LoadBalancerConfiguration,
  type TargetHealth,
} from './load-balancer-configuration.ts'

/** A load balancer's state. */
export interface LoadBalancerSummary {
  readonly arn: string
  readonly name: string
  /** `provisioning`, `active`, `active_impaired`, `failed`. Source: ELBv2, LoadBalancerState. */
  readonly state: string
  /** ELB's words for a state that needs some. */
  readonly reason: string
}

/**
 * What steps ask ELBv2. All of it throws ActionError; what is denied of parts and targets is
 * undefined.
 */
export interface LoadBalancerClient {
  /** The load balancer with a DNS name. */
  findByDnsName(dnsName: string): Promise<LoadBalancerSummary | undefined>
  /** The load balancer of an ARN; undefined when it is gone. */
  getByArn(arn: string): Promise<LoadBalancerSummary | undefined>
  /** What it is made of, with the rules of the listener of a port. */
  getConfiguration(arn: string, port: number): Promise<LoadBalancerConfiguration>
  /** The targets of a target group. */
  getTargetHealth(targetGroupArn: string): Promise<readonly TargetHealth[] | undefined>
}

/** ELBv2 behind a client. */
export const createLoadBalancerClient = (
  client: ElasticLoadBalancingV2Client,
): LoadBalancerClient => ({
  findByDnsName: (dnsName) => findLoadBalancerByDnsName(client, dnsName),
  getByArn: (arn) => getLoadBalancerByArn(client, arn),
  getConfiguration: (arn, port) => readConfiguration(client, arn, port),
  getTargetHealth: (targetGroupArn) => readTargetHealth(client, targetGroupArn),
})

/**
 * The load balancer with this DNS name; undefined when there is none.
 * @throws ActionError `aws-access-denied` and the other AWS ones
 */
export async function findLoadBalancerByDnsName(
  client: ElasticLoadBalancingV2Client,
  dnsName: string,
): Promise<LoadBalancerSummary | undefined> {
  const hasDnsName = (candidate: LoadBalancer) =>
    candidate.DNSName?.toLowerCase() === dnsName.toLowerCase()
  try {
    const match = await findLoadBalancerByName(client, nameFromDnsName(dnsName))
    if (match && hasDnsName(match)) return toSummary(match)
    for await (const page of limitPages(
      paginateDescribeLoadBalancers({ client, pageSize: 400 }, {}),
    )) {
      const found = page.LoadBalancers?.find(hasDnsName)
      if (found) return toSummary(found)
    }
    return undefined
  } catch (thrown) {
    throw translateAwsError('elasticloadbalancing:DescribeLoadBalancers', thrown)
  }
}

async function getLoadBalancerByArn(
  client: ElasticLoadBalancingV2Client,
  arn: string,
): Promise<LoadBalancerSummary | undefined> {
  try {
    const [found] =
      (await client.send(new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] })))
        .LoadBalancers ?? []
    return found && toSummary(found)
  } catch (thrown) {
    if (/^LoadBalancerNotFound(Exception)?$/.test(errorName(thrown))) return undefined
    throw translateAwsError('elasticloadbalancing:DescribeLoadBalancers', thrown)
  }
}

/**
 * The name is the first label without its scheme and id:
 * `internal-NAME-1234567890.us-east-2.elb.amazonaws.com`.
 */
export function nameFromDnsName(dnsName: string): string {
  return (dnsName.split('.')[0] ?? '').replace(/^internal-/, '').replace(/-\d+$/, '')
}

async function findLoadBalancerByName(
  client: ElasticLoadBalancingV2Client,
  name: string,
): Promise<LoadBalancer | undefined> {
  try {
    const response = await client.send(new DescribeLoadBalancersCommand({ Names: [name] }))
    return response.LoadBalancers?.[0]
  } catch (thrown) {
    if (
      errorName(thrown) === 'LoadBalancerNotFoundException' ||
      errorName(thrown) === 'LoadBalancerNotFound' ||
      errorName(thrown) === 'ValidationError'
    )
      return undefined
    throw thrown
  }
}

function toSummary(loadBalancer: LoadBalancer): LoadBalancerSummary {
  return {
    arn: loadBalancer.LoadBalancerArn ?? '',
    name: loadBalancer.LoadBalancerName ?? '',
    state: loadBalancer.State?.Code ?? 'unknown',
    reason: loadBalancer.State?.Reason ?? '',
  }
}
