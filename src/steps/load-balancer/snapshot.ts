/** The state of the load balancer in ELB. */
import type {
  LoadBalancerConfiguration,
  Rule,
} from '../../clients/aws/load-balancer-configuration.ts'
import type { LoadBalancerClient, LoadBalancerSummary } from '../../clients/aws/load-balancers.ts'
import { readOptional, type OptionalRead } from '../../failures/optional-read.ts'
import type { Settings } from '../../inputs/types.ts'

/** What ELB reports about the load balancer whose name is in the Ingress' status. */
export interface LoadBalancerSnapshot {
  readonly address: string
  /** Undefined when it no longer exists. */
  readonly loadBalancer: LoadBalancerSummary | undefined
  readonly configuration: LoadBalancerConfiguration
}

const unknownConfiguration: LoadBalancerConfiguration = {
  listeners: undefined,
  targetGroups: undefined,
  attributes: undefined,
}

/** Reads the load balancer with a DNS name, if ELB permits it and responds. */
export const readLoadBalancer = (
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  address: string,
): Promise<OptionalRead<LoadBalancerSnapshot>> =>
  readOptional(fetchSnapshot(settings, loadBalancers, address), ['aws-request-failed'])

/** As readLoadBalancer; undefined when there is no result. */
export async function describeLoadBalancer(
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  address: string,
): Promise<LoadBalancerSnapshot | undefined> {
  const read = await readLoadBalancer(settings, loadBalancers, address)
  return read.available ? read.value : undefined
}

async function fetchSnapshot(
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  address: string,
): Promise<LoadBalancerSnapshot> {
  const loadBalancer = await loadBalancers.findByDnsName(address)
  const configuration = loadBalancer
    ? await loadBalancers.getConfiguration(loadBalancer.arn, settings.ingress.listenPort)
    : unknownConfiguration
  return { address, loadBalancer, configuration }
}

/** Whether it passes traffic. Source: ELBv2, LoadBalancerState. */
export const isActive = ({ state }: { readonly state: string }): boolean =>
  state === 'active' || state === 'active_impaired'

/**
 * The rule for a host that has a path of an Ingress. In a group, other members may have rules for
 * other paths of the same host.
 * @param pattern the controller turns a path of type Prefix into two, `/v1/vector` and
 *   `/v1/vector/*`: the second one, or `/*` for gRPC
 */
export const findRule = (rules: readonly Rule[], host: string, pattern: string): Rule | undefined =>
  rules.find(
    ({ hosts, paths }) =>
      hosts.some((each) => each.toLowerCase() === host) &&
      (paths.length === 0 ? pattern === '/*' : paths.includes(pattern)),
  )

/**
 * Whether everything was read that the controller writes, up to the rules, which it writes last.
 * @param port of this action's listener
 */
export const isComplete = (
  { listeners, targetGroups }: LoadBalancerConfiguration,
  port: number,
): boolean =>
  targetGroups !== undefined &&
  listeners !== undefined &&
  listeners.every((listener) => listener.port !== port || listener.rules !== undefined)

/**
 * The parts that could not be read, with the permissions they require; undefined when there are
 * none. Pure.
 * @param port of this action's listener
 */
export function describeUnreadable(
  { loadBalancer, configuration }: LoadBalancerSnapshot,
  port: number,
): string | undefined {
  const { listeners, targetGroups, attributes } = configuration
  const listener = listeners?.find((candidate) => candidate.port === port)
  const parts = [
    { isMissing: !listeners, name: 'listeners', action: 'DescribeListeners' },
    { isMissing: listener && !listener.rules, name: 'rules', action: 'DescribeRules' },
    { isMissing: !targetGroups, name: 'target groups', action: 'DescribeTargetGroups' },
    { isMissing: !attributes, name: 'attributes', action: 'DescribeLoadBalancerAttributes' },
  ].filter(({ isMissing }) => isMissing)
  if (!loadBalancer || parts.length === 0) return undefined
  const names = parts.map(({ name }) => name).join(', ')
  const actions = parts.map(({ action }) => `elasticloadbalancing:${action}`).join(', ')
  return `the ${names} of load balancer ${loadBalancer.name} (${actions})`
}
