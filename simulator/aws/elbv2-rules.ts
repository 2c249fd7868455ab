/**
 * Rules of a listener: conditions and actions (Elastic Load Balancing API reference; user guide,
 * "Listener rules").
 */
import {
  findListener,
  findLoadBalancersByTargetGroup,
  createElbError,
  findRule,
  findTargetGroup,
  selectPage,
} from './elbv2-lookup.ts'
import {
  getNumber,
  getStructure,
  getStructureList,
  readTags,
  getString,
  getStringList,
  type Fields,
} from './fields.ts'
import { randomId, type OperationCall, type Operation } from './service.ts'
import type { AwsState, Listener, LoadBalancer, Rule } from './state.ts'

/** What a rule does with requests. */
export type RuleAction = Pick<Rule, 'action' | 'redirect'>

/** Parses a forward action in either form. Only one target group is supported. */
function parseForwardAction(
  action: Fields,
  state: AwsState,
  loadBalancer: LoadBalancer,
  protocol: string,
): RuleAction {
  const groups = getStructureList(getStructure(action, 'ForwardConfig'), 'TargetGroups')
  if (groups.length > 1)
    throw createElbError('ValidationError', 'simulator: weighted target groups are not modelled')
  const targetGroupArn =
    getString(action, 'TargetGroupArn') ?? getString(groups[0] ?? {}, 'TargetGroupArn') ?? ''
  const group = findTargetGroup(state, targetGroupArn)
  // Wording from aws-load-balancer-controller #2214.
  if (group.protocolVersion === 'GRPC' && protocol !== 'HTTPS') {
    throw createElbError(
      'InvalidLoadBalancerAction',
      `Listener protocol '${protocol}' is not supported with a target group ` +
        "with the protocol-version 'GRPC'",
    )
  }
  if (
    findLoadBalancersByTargetGroup(state, targetGroupArn).some((other) => other !== loadBalancer)
  ) {
    throw createElbError(
      'TargetGroupAssociationLimit',
      'The following target groups cannot be associated with more than one load balancer: ' +
        targetGroupArn,
    )
  }
  return { action: { targetGroupArn } }
}

/**
 * Parses the action of a rule.
 * @throws AwsError
 */
export function parseAction(
  actions: readonly Fields[],
  state: AwsState,
  loadBalancer: LoadBalancer,
  protocol: string,
): RuleAction {
  const [action, ...others] = actions
  if (!action) throw createElbError('ValidationError', 'An action must be specified')
  if (others.length > 0)
    throw createElbError('ValidationError', 'simulator: several actions in a rule are not modelled')
  const parsersByType: Readonly<Record<string, () => RuleAction>> = {
    forward: () => parseForwardAction(action, state, loadBalancer, protocol),
    'fixed-response': () => {
      const fixed = getStructure(action, 'FixedResponseConfig')
      const status = getString(fixed, 'StatusCode') ?? ''
      if (!/^[245]\d\d$/.test(status))
        throw createElbError(
          'InvalidLoadBalancerAction',
          `The status code '${status}' of a fixed response must be 2XX, 4XX or 5XX`,
        )
      return {
        action: {
          status: Number(status),
          contentType: getString(fixed, 'ContentType') ?? 'text/plain',
          body: getString(fixed, 'MessageBody') ?? '',
        },
      }
    },
    redirect: () => {
      const redirectConfig = getStructure(action, 'RedirectConfig')
      const getField = (name: string, fallback: string) =>
        getString(redirectConfig, name) ?? fallback
      return {
        action: {
          status: Number(getField('StatusCode', 'HTTP_301').replace('HTTP_', '')),
          contentType: 'text/html',
          body: '',
        },
        redirect: {
          protocol: getField('Protocol', '#{protocol}'),
          host: getField('Host', '#{host}'),
          port: getField('Port', '#{port}'),
          path: getField('Path', '/#{path}'),
          query: getField('Query', '#{query}'),
        },
      }
    },
  }
  const parse = parsersByType[getString(action, 'Type') ?? '']
  if (!parse)
    throw createElbError(
      'ValidationError',
      `simulator: action type '${getString(action, 'Type') ?? ''}' is not modelled`,
    )
  return parse()
}

/** An action in the format of AWS. */
export function toActionDescription({ action, redirect }: RuleAction): Fields {
  if ('targetGroupArn' in action) {
    const { targetGroupArn } = action
    return {
      Type: 'forward',
      TargetGroupArn: targetGroupArn,
      ForwardConfig: {
        TargetGroups: [{ TargetGroupArn: targetGroupArn, Weight: 1 }],
        TargetGroupStickinessConfig: { Enabled: false },
      },
    }
  }
  if (redirect) {
    const { protocol, host, port, path, query } = redirect
    return {
      Type: 'redirect',
      RedirectConfig: {
        Protocol: protocol,
        Host: host,
        Port: port,
        Path: path,
        Query: query,
        StatusCode: `HTTP_${action.status}`,
      },
    }
  }
  return {
    Type: 'fixed-response',
    FixedResponseConfig: {
      MessageBody: action.body,
      StatusCode: String(action.status),
      ContentType: action.contentType,
    },
  }
}

const conditionConfigs: Readonly<Record<string, string>> = {
  'host-header': 'HostHeaderConfig',
  'path-pattern': 'PathPatternConfig',
}

/** Parses conditions in both forms: with `Values`, or with the newer config object per field. */
function parseConditions(conditions: readonly Fields[]): Pick<Rule, 'hosts' | 'paths'> {
  const valuesByField = { 'host-header': [] as string[], 'path-pattern': [] as string[] }
  for (const condition of conditions) {
    const field = getString(condition, 'Field') ?? ''
    if (field !== 'host-header' && field !== 'path-pattern')
      throw createElbError(
        'ValidationError',
        `simulator: condition field '${field}' is not modelled`,
      )
    const values = [
      ...getStringList(condition, 'Values'),
      ...getStringList(getStructure(condition, conditionConfigs[field] ?? ''), 'Values'),
    ]
    if (values.length === 0)
      throw createElbError('ValidationError', 'A condition value must be specified')
    valuesByField[field].push(...values)
  }
  if (valuesByField['host-header'].length + valuesByField['path-pattern'].length > 5)
    throw createElbError('ValidationError', 'A rule can have at most 5 condition values')
  return { hosts: valuesByField['host-header'], paths: valuesByField['path-pattern'] }
}

function toConditionDescription(field: string, values: readonly string[]): Fields[] {
  if (values.length === 0) return []
  const config = conditionConfigs[field] ?? ''
  return [{ Field: field, Values: [...values], [config]: { Values: [...values] } }]
}

/** A rule in the format of AWS. */
export function toRuleDescription(rule: Rule): Fields {
  return {
    RuleArn: rule.arn,
    Priority: String(rule.priority),
    Conditions: [
      ...toConditionDescription('host-header', rule.hosts),
      ...toConditionDescription('path-pattern', rule.paths),
    ],
    Actions: [toActionDescription(rule)],
    IsDefault: rule.priority === 'default',
  }
}

const getSortKey = (rule: Rule) => (rule.priority === 'default' ? Infinity : rule.priority)

/** Inserts a rule by priority, with the default rule last. */
export function insertRule(listener: Listener, rule: Rule): void {
  listener.rules.push(rule)
  listener.rules.sort((a, b) => getSortKey(a) - getSortKey(b))
}

/** A new ARN for a rule of a listener. */
export function createRuleArn(listenerArn: string): string {
  return `${listenerArn.replace(':listener/', ':listener-rule/')}/${randomId()}`
}

function createRule({ input, state }: OperationCall): Fields {
  const { loadBalancer, listener } = findListener(state, getString(input, 'ListenerArn'))
  const priority = getNumber(input, 'Priority') ?? 0
  if (!(priority >= 1 && priority <= 50_000))
    throw createElbError('ValidationError', `Priority '${priority}' must be between 1 and 50000`)
  if (listener.rules.some((rule) => rule.priority === priority))
    throw createElbError('PriorityInUse', `Priority '${priority}' is currently in use`)
  const conditions = parseConditions(getStructureList(input, 'Conditions'))
  const rule: Rule = {
    arn: createRuleArn(listener.arn),
    priority,
    ...conditions,
    ...parseAction(getStructureList(input, 'Actions'), state, loadBalancer, listener.protocol),
    tags: readTags(input),
  }
  insertRule(listener, rule)
  return { Rules: [toRuleDescription(rule)] }
}

function modifyRule({ input, state }: OperationCall): Fields {
  const { loadBalancer, listener, rule } = findRule(state, getString(input, 'RuleArn'))
  const [conditions, actions] = [
    getStructureList(input, 'Conditions'),
    getStructureList(input, 'Actions'),
  ]
  if (conditions.length > 0) Object.assign(rule, parseConditions(conditions))
  if (actions.length > 0) {
    delete rule.redirect
    Object.assign(rule, parseAction(actions, state, loadBalancer, listener.protocol))
  }
  return { Rules: [toRuleDescription(rule)] }
}

/** The operations on rules. */
export const ruleOperations: Record<string, Operation> = {
  DescribeRules: ({ input, state }) => {
    const arns = getStringList(input, 'RuleArns')
    const matching =
      arns.length > 0
        ? arns.map((arn) => findRule(state, arn).rule)
        : findListener(state, getString(input, 'ListenerArn')).listener.rules
    const { page, nextPage } = selectPage(matching, input)
    return {
      Rules: page.map(toRuleDescription),
      ...nextPage,
    }
  },
  CreateRule: createRule,
  ModifyRule: modifyRule,
  DeleteRule: ({ input, state }) => {
    const { listener, rule } = findRule(state, getString(input, 'RuleArn'))
    if (rule.priority === 'default')
      throw createElbError('OperationNotPermitted', `Default rule '${rule.arn}' cannot be deleted`)
    listener.rules.splice(listener.rules.indexOf(rule), 1)
    return {}
  },
  SetRulePriorities: ({ input, state }) => {
    const changes = getStructureList(input, 'RulePriorities').map((pair) => ({
      ...findRule(state, getString(pair, 'RuleArn')),
      priority: getNumber(pair, 'Priority') ?? 0,
    }))
    for (const { listener, priority } of changes) {
      const isInUse = listener.rules.some(
        (other) => other.priority === priority && !changes.some(({ rule }) => rule === other),
      )
      if (isInUse)
        throw createElbError('PriorityInUse', `Priority '${priority}' is currently in use`)
    }
    for (const { listener, rule, priority } of changes) {
      rule.priority = priority
      listener.rules.sort((a, b) => getSortKey(a) - getSortKey(b))
    }
    return { Rules: changes.map(({ rule }) => toRuleDescription(rule)) }
  },
}
