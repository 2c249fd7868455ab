/** ELBv2: finds load balancers and reads their state. */
import {
  DescribeLoadBalancersCommand,
  paginateDescribeLoadBalancers,
  type ElasticLoadBalancingV2Client,
  type LoadBalancer,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { ActionError } from '../../failures/action-error.ts'
import { isAwsAccessDenied } from '../../failures/aws.ts'
import { translateAwsError, errorName } from './errors.ts'
import { limitPages } from './pagination.ts'
import {
  readConfiguration,
  readTargetHealth,
  type LoadBalancerConfiguration,
  type TargetHealth,
} from './load-balancer-configuration.ts'

export interface LoadBalancerSummary {
  readonly arn: string
  readonly name: string
  /** `provisioning`, `active`, `active_impaired`, `failed`. Source: ELBv2, LoadBalancerState. */
  readonly state: string
  /** ELB's explanation of the state; mostly empty. */
  readonly reason: string
}

/**
 * The ELBv2 calls of the steps. Each throws ActionError; configuration and targets that the
 * credentials are not allowed to read are undefined.
 */
export interface LoadBalancerClient {
  findByDnsName(dnsName: string): Promise<LoadBalancerSummary | undefined>
  /** Undefined when it does not exist (any more). */
  getByArn(arn: string): Promise<LoadBalancerSummary | undefined>
  /**
   * Whether a resource may exist: everything but a load balancer that ELBv2 knows to be gone. It
   * knows neither Classic Load Balancers nor what else uses a certificate.
   */
  mayExist(arn: string): Promise<boolean>
  /** @param port of the listener whose rules are read */
  getConfiguration(arn: string, port: number): Promise<LoadBalancerConfiguration>
  getTargetHealth(targetGroupArn: string): Promise<readonly TargetHealth[] | undefined>
}

export const createLoadBalancerClient = (
  client: ElasticLoadBalancingV2Client,
): LoadBalancerClient => ({
  findByDnsName: (dnsName) => findLoadBalancerByDnsName(client, dnsName),
  getByArn: (arn) => getLoadBalancerByArn(client, arn),
  mayExist: (arn) => mayExist(client, arn),
  getConfiguration: (arn, port) => readConfiguration(client, arn, port),
  getTargetHealth: (targetGroupArn) => readTargetHealth(client, targetGroupArn),
})

/**
 * The load balancer with this DNS name; undefined when there is none. Looks it up by the name that
 * the DNS name usually contains, and lists all load balancers only if that fails.
 * @throws ActionError those of `translateAwsError`
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
    const pages = paginateDescribeLoadBalancers({ client, pageSize: 400 }, {})
    for await (const { LoadBalancers = [] } of limitPages(pages)) {
      const found = LoadBalancers.find(hasDnsName)
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
    const { LoadBalancers: [found] = [] } = await client.send(
      new DescribeLoadBalancersCommand({ LoadBalancerArns: [arn] }),
    )
    return found && toSummary(found)
  } catch (thrown) {
    if (isLoadBalancerNotFound(thrown)) return undefined
    throw translateAwsError('elasticloadbalancing:DescribeLoadBalancers', thrown)
  }
}

/** Application, Network and Gateway Load Balancers. The ARN of a Classic one has only its name. */
const loadBalancerArn = /:loadbalancer\/(app|net|gwy)\//

async function mayExist(client: ElasticLoadBalancingV2Client, arn: string): Promise<boolean> {
  if (!loadBalancerArn.test(arn)) return true
  try {
    return (await getLoadBalancerByArn(client, arn)) !== undefined
  } catch (thrown) {
    const isRejectedArn =
      thrown instanceof ActionError && errorName(thrown.cause) === 'ValidationError'
    if (isRejectedArn || isAwsAccessDenied(thrown)) return true
    throw thrown
  }
}

/**
 * The name that a DNS name contains: `internal-NAME-1234567890.us-east-2.elb.amazonaws.com`.
 */
export function nameFromDnsName(dnsName: string): string {
  return (dnsName.split('.')[0] ?? '').replace(/^internal-/, '').replace(/-\d+$/, '')
}

/**
 * The scheme of the load balancer with a DNS name. No name of a load balancer begins with
 * `internal-`. Source: ELBv2, CreateLoadBalancer.
 */
export const schemeFromDnsName = (dnsName: string): 'internal' | 'internet-facing' =>
  dnsName.startsWith('internal-') ? 'internal' : 'internet-facing'

/**
 * Whether a DNS name is that of a load balancer with this name. The controller writes it in lower
 * case (since v3.2), whatever the name is.
 */
export const isDnsNameOf = (loadBalancerName: string, dnsName: string): boolean =>
  nameFromDnsName(dnsName).toLowerCase() === loadBalancerName.toLowerCase()

async function findLoadBalancerByName(
  client: ElasticLoadBalancingV2Client,
  name: string,
): Promise<LoadBalancer | undefined> {
  try {
    const response = await client.send(new DescribeLoadBalancersCommand({ Names: [name] }))
    return response.LoadBalancers?.[0]
  } catch (thrown) {
    // The DNS name was not one of an ALB, so the derived name may not be valid.
    const isInvalidName = errorName(thrown) === 'ValidationError'
    if (isInvalidName || isLoadBalancerNotFound(thrown)) return undefined
    throw thrown
  }
}

const isLoadBalancerNotFound = (thrown: unknown): boolean =>
  /^LoadBalancerNotFound(Exception)?$/.test(errorName(thrown))

function toSummary(loadBalancer: LoadBalancer): LoadBalancerSummary {
  return {
    arn: loadBalancer.LoadBalancerArn ?? '',
    name: loadBalancer.LoadBalancerName ?? '',
    state: loadBalancer.State?.Code ?? 'unknown',
    reason: loadBalancer.State?.Reason ?? '',
  }
}
