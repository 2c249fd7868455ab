/**
 * Where an ALB sends a request: pure functions over what ELBv2 holds.
 */
import type { AwsState, Listener, LoadBalancer, Rule, Target, TargetGroup } from '../aws/state.ts'

/** What a rule looks at. */
export interface Request {
  /** HTTP/2 or HTTP/1.1, as negotiated with the client. */
  readonly version: 1 | 2
  readonly method: string
  /** `:authority` or Host, port included if the client sent one. */
  readonly authority: string
  /** With its query string. */
  readonly path: string
  readonly contentType: string
}

/** What the ALB does with a request: its own answer, or a target group to choose a target from. */
export type Route =
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly contentType?: string
      readonly body?: string
      readonly location?: string
    }
  | { readonly kind: 'forward'; readonly group: TargetGroup }

/** Active is what a scenario did not fail and whose provisioning is over. */
export function isActive(loadBalancer: LoadBalancer, now: number): boolean {
  return !loadBalancer.failed && loadBalancer.activeAt <= now
}

/**
 * The action of the first rule that matches, after the checks that an ALB makes of request and
 * target group. 464, source: AWS "Troubleshoot your Application Load Balancers", HTTP 464, and the
 * table of protocol versions in "Target groups for your Application Load Balancers".
 */
export function route(state: AwsState, listener: Listener, request: Request): Route {
  const rule = sortByPriority(listener.rules).find((candidate) => matches(candidate, request))
  // What AWS Load Balancer Controller makes the default action of a listener (build404Action).
  if (!rule) return { kind: 'answer', status: 404, contentType: 'text/plain', body: '' }
  if (rule.redirect)
    return {
      kind: 'answer',
      status: 'status' in rule.action ? rule.action.status : 301,
      location: buildLocation(rule.redirect, listener, request),
    }
  if ('status' in rule.action) return { kind: 'answer', ...rule.action }
  const group = state.targetGroups.get(rule.action.targetGroupArn)
  if (!group) return { kind: 'answer', status: 503 }
  if (!isCompatible(group, request)) return { kind: 'answer', status: 464 }
  return group.targets.length === 0 ? { kind: 'answer', status: 503 } : { kind: 'forward', group }
}

/**
 * Fills in what a redirect keeps of the request: `#{host}` and its like (user guide, "Redirect
 * actions").
 */
function buildLocation(
  redirect: NonNullable<Rule['redirect']>,
  listener: Listener,
  request: Request,
): string {
  const [path = '', query = ''] = request.path.split('?')
  const placeholders: Record<string, string> = {
    protocol: listener.protocol.toLowerCase(),
    host: parseHost(request),
    port: String(listener.port),
    path: path.replace(/^\//, ''),
    query,
  }
  const fill = (text: string): string =>
    text.replace(/#\{(\w+)\}/g, (_all, name: string) => placeholders[name] ?? '')
  const locationQuery = fill(redirect.query)
  return `${fill(redirect.protocol).toLowerCase()}://${fill(redirect.host)}:${fill(redirect.port)}${fill(redirect.path)}${locationQuery === '' ? '' : `?${locationQuery}`}`
}

function parseHost(request: Request): string {
  return request.authority.replace(/:\d+$/, '').toLowerCase()
}

function sortByPriority(rules: readonly Rule[]): Rule[] {
  const getRank = ({ priority }: Rule): number => (priority === 'default' ? Infinity : priority)
  return [...rules].sort((a, b) => (getRank(a) === getRank(b) ? 0 : getRank(a) - getRank(b)))
}

function matches(rule: Rule, request: Request): boolean {
  if (rule.priority === 'default') return true
  const host = parseHost(request)
  const path = request.path.replace(/\?.*$/s, '')
  return (
    (rule.hosts.length === 0 ||
      rule.hosts.some((pattern) => matchesPattern(pattern.toLowerCase(), host))) &&
    (rule.paths.length === 0 || rule.paths.some((pattern) => matchesPattern(pattern, path)))
  )
}

/** Compares with `*` for any characters and `?` for exactly one. */
function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}

function isCompatible(group: TargetGroup, request: Request): boolean {
  const isGrpc = request.contentType.startsWith('application/grpc')
  const acceptsByVersion: Record<TargetGroup['protocolVersion'], boolean> = {
    GRPC: request.version === 2 && request.method === 'POST',
    HTTP2: request.version === 2,
    HTTP1: !isGrpc,
  }
  return acceptsByVersion[group.protocolVersion]
}

/**
 * Round robin over the healthy targets; over all of them when none is healthy, for an ALB fails
 * open.
 */
export function chooseTarget(
  group: TargetGroup,
  requestIndex: number,
  now: number,
): Target | undefined {
  const healthy = group.targets.filter(
    (target) => target.unhealthyReason === undefined && target.healthyAt <= now,
  )
  const candidates = healthy.length > 0 ? healthy : group.targets
  return candidates[requestIndex % candidates.length]
}
