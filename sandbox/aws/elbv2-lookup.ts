/** Finding what an ARN names, and the checks that several Elastic Load Balancing operations share. */
import { AwsError } from './service.ts'
import type { AwsState, Listener, LoadBalancer, Rule, TargetGroup } from './state.ts'

/** An Elastic Load Balancing error of its own code, status 400. */
export function refuse(code: string, message: string): AwsError {
  return new AwsError(code, message)
}

/** The prefix of the account's ARNs. */
export function arnOf(state: AwsState, resource: string): string {
  return `arn:aws:elasticloadbalancing:${state.region}:${state.account}:${resource}`
}

/** A load balancer by ARN. */
export function loadBalancerOf(state: AwsState, arn = ''): LoadBalancer {
  const found = state.loadBalancers.get(arn)
  if (!found) throw refuse('LoadBalancerNotFound', `Load balancer '${arn}' not found`)
  return found
}

/** A listener by ARN, with the load balancer that it belongs to. */
export function listenerOf(state: AwsState, arn = ''): { loadBalancer: LoadBalancer; listener: Listener } {
  for (const loadBalancer of state.loadBalancers.values()) {
    const listener = loadBalancer.listeners.find((candidate) => candidate.arn === arn)
    if (listener) return { loadBalancer, listener }
  }
  throw refuse('ListenerNotFound', 'One or more listeners not found')
}

/** A rule by ARN, with its listener. */
export function ruleOf(state: AwsState, arn = ''): { loadBalancer: LoadBalancer; listener: Listener; rule: Rule } {
  for (const loadBalancer of state.loadBalancers.values()) {
    for (const listener of loadBalancer.listeners) {
      const rule = listener.rules.find((candidate) => candidate.arn === arn)
      if (rule) return { loadBalancer, listener, rule }
    }
  }
  throw refuse('RuleNotFound', 'One or more rules not found')
}

/** A target group by ARN. */
export function targetGroupOf(state: AwsState, arn = ''): TargetGroup {
  const found = state.targetGroups.get(arn)
  if (!found) throw refuse('TargetGroupNotFound', `One or more target groups not found`)
  return found
}

/** The load balancers that send requests to a target group. */
export function loadBalancersOf(state: AwsState, targetGroupArn: string): LoadBalancer[] {
  return [...state.loadBalancers.values()].filter(({ listeners }) => listeners.some(({ rules }) =>
    rules.some(({ action }) => 'targetGroupArn' in action && action.targetGroupArn === targetGroupArn)))
}

/** Names of load balancers and target groups (API reference, CreateLoadBalancer and CreateTargetGroup). */
export function checkName(kind: 'Load balancer' | 'Target group', name: string): void {
  const rules: readonly (readonly [boolean, string])[] = [
    [name === '', `${kind} name must not be empty`],
    [name.length > 32, `${kind} name '${name}' cannot be longer than '32' characters`],
    [!/^[A-Za-z0-9-]*$/.test(name), `${kind} name '${name}' can only contain characters that are alphanumeric characters and hyphens(-)`],
    [/^-|-$/.test(name), `${kind} name '${name}' cannot begin or end with '-'`],
    [kind === 'Load balancer' && name.startsWith('internal-'), `${kind} name '${name}' cannot begin with 'internal-'`],
  ]
  const broken = rules.find(([failed]) => failed)
  if (broken) throw refuse('ValidationError', broken[1])
}

/** What carries the tags of an ARN; throws that kind's not-found error. */
export function taggedOf(state: AwsState, arn: string): { readonly tags: Map<string, string> } {
  const kinds: readonly (readonly [RegExp, () => { readonly tags: Map<string, string> }])[] = [
    [/:loadbalancer\//, () => loadBalancerOf(state, arn)],
    [/:listener\//, () => listenerOf(state, arn).listener],
    [/:listener-rule\//, () => ruleOf(state, arn).rule],
    [/:targetgroup\//, () => targetGroupOf(state, arn)],
  ]
  const kind = kinds.find(([pattern]) => pattern.test(arn))
  if (!kind) throw refuse('ValidationError', `'${arn}' is not a valid load balancer ARN`)
  return kind[1]()
}
