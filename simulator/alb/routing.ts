/** Routes requests according to the state of ELBv2. */
import type {
  AwsState,
  Listener,
  LoadBalancer,
  Rule,
  RegisteredTarget,
  TargetGroup,
} from '../aws/state.ts'

/** The part of a request that rules match. */
export interface AlbRequest {
  /** HTTP/2 or HTTP/1.1, as negotiated with the client. */
  readonly version: 1 | 2
  readonly method: string
  /** `:authority` or Host, with the port if the client sent one. */
  readonly authority: string
  /** Includes the query string. */
  readonly path: string
  readonly contentType: string
}

/** A response of the ALB itself. */
export interface DirectResponse {
  readonly status: number
  readonly contentType?: string
  readonly body?: string
  readonly location?: string
}

/** What the ALB does with a request: answer it itself, or forward it to a target group. */
export type Route =
  | ({ readonly kind: 'answer' } & DirectResponse)
  | { readonly kind: 'forward'; readonly group: TargetGroup }

/** Whether a load balancer is provisioned, and not made to fail by a scenario. */
export function isActive(loadBalancer: LoadBalancer, now: number): boolean {
  return !loadBalancer.failed && loadBalancer.activeAt <= now
}

/**
 * The action of the first rule that matches, or the ALB's own answer if the target group cannot
 * handle the request. Sources for 464: AWS "Troubleshoot your Application Load Balancers", HTTP
 * 464, and the table of protocol versions in "Target groups for your Application Load Balancers".
 */
export function route(state: AwsState, listener: Listener, request: AlbRequest): Route {
  const rule = sortByPriority(listener.rules).find((candidate) => matches(candidate, request))
  // The default action that AWS Load Balancer Controller sets (build404Action).
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

/** Replaces placeholders such as `#{host}` (user guide, "Redirect actions"). */
function buildLocation(
  redirect: NonNullable<Rule['redirect']>,
  listener: Listener,
  request: AlbRequest,
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
  const protocol = fill(redirect.protocol).toLowerCase()
  const origin = `${protocol}://${fill(redirect.host)}:${fill(redirect.port)}`
  const locationQuery = fill(redirect.query)
  return `${origin}${fill(redirect.path)}${locationQuery === '' ? '' : `?${locationQuery}`}`
}

function parseHost(request: AlbRequest): string {
  return request.authority.replace(/:\d+$/, '').toLowerCase()
}

function sortByPriority(rules: readonly Rule[]): Rule[] {
  const getRank = ({ priority }: Rule): number => (priority === 'default' ? Infinity : priority)
  return [...rules].sort((a, b) => (getRank(a) === getRank(b) ? 0 : getRank(a) - getRank(b)))
}

function matches(rule: Rule, request: AlbRequest): boolean {
  if (rule.priority === 'default') return true
  const host = parseHost(request)
  const path = request.path.replace(/\?.*$/s, '')
  return (
    (rule.hosts.length === 0 ||
      rule.hosts.some((pattern) => matchesPattern(pattern.toLowerCase(), host))) &&
    (rule.paths.length === 0 || rule.paths.some((pattern) => matchesPattern(pattern, path)))
  )
}

/** In a pattern, `*` matches any characters and `?` exactly one. */
function matchesPattern(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 's').test(text)
}

function isCompatible(group: TargetGroup, request: AlbRequest): boolean {
  const isGrpc = request.contentType.startsWith('application/grpc')
  const acceptsByVersion: Record<TargetGroup['protocolVersion'], boolean> = {
    GRPC: request.version === 2 && request.method === 'POST',
    HTTP2: request.version === 2,
    HTTP1: !isGrpc,
  }
  return acceptsByVersion[group.protocolVersion]
}

/** Round robin over the healthy targets, or over all if none is healthy: an ALB fails open. */
export function chooseTarget(
  group: TargetGroup,
  requestIndex: number,
  now: number,
): RegisteredTarget | undefined {
  const healthy = group.targets.filter(
    (target) => target.unhealthyReason === undefined && target.healthyAt <= now,
  )
  const candidates = healthy.length > 0 ? healthy : group.targets
  return candidates[requestIndex % candidates.length]
}
