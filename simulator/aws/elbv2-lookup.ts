/** Look-ups by ARN, pages and checks that several Elastic Load Balancing operations share. */
import { getNumber, getString, type Fields } from './fields.ts'
import { AwsError, paginate } from './service.ts'
import type { AwsState, Listener, LoadBalancer, Rule, TargetGroup } from './state.ts'

/** An error of Elastic Load Balancing with status 400. */
export function createElbError(code: string, message: string): AwsError {
  return new AwsError(code, message)
}

/** An Elastic Load Balancing ARN of the account. */
export function buildArn(state: Pick<AwsState, 'account' | 'region'>, resource: string): string {
  return `arn:aws:elasticloadbalancing:${state.region}:${state.account}:${resource}`
}

/** A load balancer by ARN. */
export function findLoadBalancer(state: AwsState, arn = ''): LoadBalancer {
  const loadBalancer = state.loadBalancers.get(arn)
  if (!loadBalancer)
    throw createElbError('LoadBalancerNotFound', `Load balancer '${arn}' not found`)
  return loadBalancer
}

/** A listener by ARN, with its load balancer. */
export function findListener(
  state: AwsState,
  arn = '',
): { loadBalancer: LoadBalancer; listener: Listener } {
  for (const loadBalancer of state.loadBalancers.values()) {
    const listener = loadBalancer.listeners.find((candidate) => candidate.arn === arn)
    if (listener) return { loadBalancer, listener }
  }
  throw createElbError('ListenerNotFound', 'One or more listeners not found')
}

/** A rule by ARN, with its listener. */
export function findRule(
  state: AwsState,
  arn = '',
): { loadBalancer: LoadBalancer; listener: Listener; rule: Rule } {
  for (const loadBalancer of state.loadBalancers.values()) {
    for (const listener of loadBalancer.listeners) {
      const rule = listener.rules.find((candidate) => candidate.arn === arn)
      if (rule) return { loadBalancer, listener, rule }
    }
  }
  throw createElbError('RuleNotFound', 'One or more rules not found')
}

/** A target group by ARN. */
export function findTargetGroup(state: AwsState, arn = ''): TargetGroup {
  const targetGroup = state.targetGroups.get(arn)
  if (!targetGroup)
    throw createElbError('TargetGroupNotFound', `One or more target groups not found`)
  return targetGroup
}

/** The load balancers that forward to a target group. */
export function findLoadBalancersByTargetGroup(
  state: AwsState,
  targetGroupArn: string,
): LoadBalancer[] {
  return [...state.loadBalancers.values()].filter(({ listeners }) =>
    listeners.some(({ rules }) =>
      rules.some(
        ({ action }) => 'targetGroupArn' in action && action.targetGroupArn === targetGroupArn,
      ),
    ),
  )
}

/** The page of a list that a call requests, and the output members for the next page. */
export function selectPage<T>(
  items: readonly T[],
  input: Fields,
): { page: T[]; nextPage: { NextMarker?: string } } {
  const pageSize = getNumber(input, 'PageSize') ?? 400
  const { items: page, next } = paginate(items, pageSize, getString(input, 'Marker'))
  return { page, nextPage: next === undefined ? {} : { NextMarker: next } }
}

/** Validates a name (API reference, CreateLoadBalancer and CreateTargetGroup). */
export function checkName(kind: 'Load balancer' | 'Target group', name: string): void {
  const rules: readonly (readonly [boolean, string])[] = [
    [name === '', `${kind} name must not be empty`],
    [name.length > 32, `${kind} name '${name}' cannot be longer than '32' characters`],
    [
      !/^[A-Za-z0-9-]*$/.test(name),
      `${kind} name '${name}' can only contain characters that are ` +
        'alphanumeric characters and hyphens(-)',
    ],
    [/^-|-$/.test(name), `${kind} name '${name}' cannot begin or end with '-'`],
    [
      kind === 'Load balancer' && name.startsWith('internal-'),
      `${kind} name '${name}' cannot begin with 'internal-'`,
    ],
  ]
  const violation = rules.find(([isViolated]) => isViolated)
  if (violation) throw createElbError('ValidationError', violation[1])
}

/**
 * The resource with an ARN.
 * @throws AwsError of its kind when it does not exist
 */
export function findTaggedResource(
  state: AwsState,
  arn: string,
): { readonly tags: Map<string, string> } {
  const kinds: readonly (readonly [RegExp, () => { readonly tags: Map<string, string> }])[] = [
    [/:loadbalancer\//, () => findLoadBalancer(state, arn)],
    [/:listener\//, () => findListener(state, arn).listener],
    [/:listener-rule\//, () => findRule(state, arn).rule],
    [/:targetgroup\//, () => findTargetGroup(state, arn)],
  ]
  const kind = kinds.find(([pattern]) => pattern.test(arn))
  if (!kind) throw createElbError('ValidationError', `'${arn}' is not a valid load balancer ARN`)
  return kind[1]()
}
