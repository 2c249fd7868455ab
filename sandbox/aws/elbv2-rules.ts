/** Rules of a listener: conditions and actions (Elastic Load Balancing API reference; user guide, "Listener rules"). */
import { listenerOf, loadBalancersOf, refuse, ruleOf, targetGroupOf } from './elbv2-lookup.ts'
import type { Fields } from './fields.ts'
import { number, structure, structures, tags, text, texts } from './fields.ts'
import type { Call, Operation } from './service.ts'
import { page, randomId } from './service.ts'
import type { AwsState, Listener, LoadBalancer, Rule } from './state.ts'

/** Where a rule's requests go, in the terms of the account's state. */
export type RuleAction = Pick<Rule, 'action' | 'redirect'>

/** A forward action, in either form; only one target group is modelled. */
function forwardTo(action: Fields, state: AwsState, loadBalancer: LoadBalancer, protocol: string): RuleAction {
  const groups = structures(structure(action, 'ForwardConfig'), 'TargetGroups')
  if (groups.length > 1) throw refuse('ValidationError', 'sandbox: weighted target groups are not modelled')
  const targetGroupArn = text(action, 'TargetGroupArn') ?? text(groups[0] ?? {}, 'TargetGroupArn') ?? ''
  const group = targetGroupOf(state, targetGroupArn)
  // Wording from aws-load-balancer-controller #2214.
  if (group.protocolVersion === 'GRPC' && protocol !== 'HTTPS') {
    throw refuse('InvalidLoadBalancerAction', `Listener protocol '${protocol}' is not supported with a target group with the protocol-version 'GRPC'`)
  }
  if (loadBalancersOf(state, targetGroupArn).some((other) => other !== loadBalancer)) {
    throw refuse('TargetGroupAssociationLimit', `The following target groups cannot be associated with more than one load balancer: ${targetGroupArn}`)
  }
  return { action: { targetGroupArn } }
}

/** Reads the one action of a rule. Throws what AWS refuses. */
export function parseAction(actions: readonly Fields[], state: AwsState, loadBalancer: LoadBalancer, protocol: string): RuleAction {
  const [action, ...more] = actions
  if (!action) throw refuse('ValidationError', 'An action must be specified')
  if (more.length > 0) throw refuse('ValidationError', 'sandbox: several actions in a rule are not modelled')
  const kinds: Readonly<Record<string, () => RuleAction>> = {
    forward: () => forwardTo(action, state, loadBalancer, protocol),
    'fixed-response': () => {
      const fixed = structure(action, 'FixedResponseConfig')
      const status = text(fixed, 'StatusCode') ?? ''
      if (!/^[245]\d\d$/.test(status)) throw refuse('InvalidLoadBalancerAction', `The status code '${status}' of a fixed response must be 2XX, 4XX or 5XX`)
      return { action: { status: Number(status), contentType: text(fixed, 'ContentType') ?? 'text/plain', body: text(fixed, 'MessageBody') ?? '' } }
    },
    redirect: () => {
      const to = structure(action, 'RedirectConfig')
      const part = (name: string, fallback: string) => text(to, name) ?? fallback
      return {
        action: { status: Number(part('StatusCode', 'HTTP_301').replace('HTTP_', '')), contentType: 'text/html', body: '' },
        redirect: {
          protocol: part('Protocol', '#{protocol}'), host: part('Host', '#{host}'), port: part('Port', '#{port}'),
          path: part('Path', '/#{path}'), query: part('Query', '#{query}'),
        },
      }
    },
  }
  const parse = kinds[text(action, 'Type') ?? '']
  if (!parse) throw refuse('ValidationError', `sandbox: action type '${text(action, 'Type') ?? ''}' is not modelled`)
  return parse()
}

/** An action as AWS describes it. */
export function actionView({ action, redirect }: RuleAction): Fields {
  if ('targetGroupArn' in action) {
    const { targetGroupArn } = action
    return {
      Type: 'forward',
      TargetGroupArn: targetGroupArn,
      ForwardConfig: { TargetGroups: [{ TargetGroupArn: targetGroupArn, Weight: 1 }], TargetGroupStickinessConfig: { Enabled: false } },
    }
  }
  if (redirect) {
    const { protocol, host, port, path, query } = redirect
    return { Type: 'redirect', RedirectConfig: { Protocol: protocol, Host: host, Port: port, Path: path, Query: query, StatusCode: `HTTP_${action.status}` } }
  }
  return { Type: 'fixed-response', FixedResponseConfig: { MessageBody: action.body, StatusCode: String(action.status), ContentType: action.contentType } }
}

const conditionConfigs: Readonly<Record<string, string>> = { 'host-header': 'HostHeaderConfig', 'path-pattern': 'PathPatternConfig' }

/** Conditions of both forms: `Values`, and the newer configuration of the field's own. */
function parseConditions(conditions: readonly Fields[]): Pick<Rule, 'hosts' | 'paths'> {
  const found = { 'host-header': [] as string[], 'path-pattern': [] as string[] }
  for (const condition of conditions) {
    const field = text(condition, 'Field') ?? ''
    if (field !== 'host-header' && field !== 'path-pattern') throw refuse('ValidationError', `sandbox: condition field '${field}' is not modelled`)
    const values = [...texts(condition, 'Values'), ...texts(structure(condition, conditionConfigs[field] ?? ''), 'Values')]
    if (values.length === 0) throw refuse('ValidationError', 'A condition value must be specified')
    found[field].push(...values)
  }
  if (found['host-header'].length + found['path-pattern'].length > 5) throw refuse('ValidationError', 'A rule can have at most 5 condition values')
  return { hosts: found['host-header'], paths: found['path-pattern'] }
}

function conditionView(field: string, values: readonly string[]): Fields[] {
  return values.length === 0 ? [] : [{ Field: field, Values: [...values], [conditionConfigs[field] ?? '']: { Values: [...values] } }]
}

/** A rule as AWS describes it. */
export function ruleView(rule: Rule): Fields {
  return {
    RuleArn: rule.arn,
    Priority: String(rule.priority),
    Conditions: [...conditionView('host-header', rule.hosts), ...conditionView('path-pattern', rule.paths)],
    Actions: [actionView(rule)],
    IsDefault: rule.priority === 'default',
  }
}

const order = (rule: Rule) => rule.priority === 'default' ? Infinity : rule.priority

/** Puts a rule among the others, by priority with the default one last. */
export function insertRule(listener: Listener, rule: Rule): void {
  listener.rules.push(rule)
  listener.rules.sort((a, b) => order(a) - order(b))
}

/** A listener's rule ARNs are made of its own. */
export function ruleArn(listenerArn: string): string {
  return `${listenerArn.replace(':listener/', ':listener-rule/')}/${randomId()}`
}

function create({ input, state }: Call): Fields {
  const { loadBalancer, listener } = listenerOf(state, text(input, 'ListenerArn'))
  const priority = number(input, 'Priority') ?? 0
  if (!(priority >= 1 && priority <= 50_000)) throw refuse('ValidationError', `Priority '${priority}' must be between 1 and 50000`)
  if (listener.rules.some((rule) => rule.priority === priority)) throw refuse('PriorityInUse', `Priority '${priority}' is currently in use`)
  const conditions = parseConditions(structures(input, 'Conditions'))
  const rule: Rule = {
    arn: ruleArn(listener.arn), priority, ...conditions,
    ...parseAction(structures(input, 'Actions'), state, loadBalancer, listener.protocol), tags: tags(input),
  }
  insertRule(listener, rule)
  return { Rules: [ruleView(rule)] }
}

function modify({ input, state }: Call): Fields {
  const { loadBalancer, listener, rule } = ruleOf(state, text(input, 'RuleArn'))
  const [conditions, actions] = [structures(input, 'Conditions'), structures(input, 'Actions')]
  if (conditions.length > 0) Object.assign(rule, parseConditions(conditions))
  if (actions.length > 0) {
    delete rule.redirect
    Object.assign(rule, parseAction(actions, state, loadBalancer, listener.protocol))
  }
  return { Rules: [ruleView(rule)] }
}

/** The operations on rules. */
export const ruleOperations: Record<string, Operation> = {
  DescribeRules: ({ input, state }) => {
    const arns = texts(input, 'RuleArns')
    const found = arns.length > 0 ? arns.map((arn) => ruleOf(state, arn).rule) : listenerOf(state, text(input, 'ListenerArn')).listener.rules
    const { items, next } = page(found, number(input, 'PageSize') ?? 400, text(input, 'Marker'))
    return { Rules: items.map(ruleView), ...(next === undefined ? {} : { NextMarker: next }) }
  },
  CreateRule: create,
  ModifyRule: modify,
  DeleteRule: ({ input, state }) => {
    const { listener, rule } = ruleOf(state, text(input, 'RuleArn'))
    if (rule.priority === 'default') throw refuse('OperationNotPermitted', `Default rule '${rule.arn}' cannot be deleted`)
    listener.rules.splice(listener.rules.indexOf(rule), 1)
    return {}
  },
  SetRulePriorities: ({ input, state }) => {
    const changes = structures(input, 'RulePriorities').map((pair) => ({ ...ruleOf(state, text(pair, 'RuleArn')), priority: number(pair, 'Priority') ?? 0 }))
    for (const { listener, priority } of changes) {
      const taken = listener.rules.some((other) => other.priority === priority && !changes.some(({ rule }) => rule === other))
      if (taken) throw refuse('PriorityInUse', `Priority '${priority}' is currently in use`)
    }
    for (const { listener, rule, priority } of changes) {
      rule.priority = priority
      listener.rules.sort((a, b) => order(a) - order(b))
    }
    return { Rules: changes.map(({ rule }) => ruleView(rule)) }
  },
}
