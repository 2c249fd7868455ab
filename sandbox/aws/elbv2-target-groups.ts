/** Target groups of type ip, and the health of their targets (Elastic Load Balancing API reference and user guide). */
import { isIP } from 'node:net'
import { setAttributes } from './elbv2-load-balancers.ts'
import { arnOf, checkName, loadBalancersOf, refuse, targetGroupOf } from './elbv2-lookup.ts'
import type { Fields } from './fields.ts'
import { number, structure, structures, tagList, tags, text, texts } from './fields.ts'
import type { Call, Operation } from './service.ts'
import { page, randomId } from './service.ts'
import type { AwsState, Target, TargetGroup } from './state.ts'

/** User guide, "Target group attributes". */
const defaultAttributes: Readonly<Record<string, string>> = {
  'deregistration_delay.timeout_seconds': '300',
  'load_balancing.algorithm.anomaly_mitigation': 'off',
  'load_balancing.algorithm.type': 'round_robin',
  'load_balancing.cross_zone.enabled': 'use_load_balancer_configuration',
  'slow_start.duration_seconds': '0',
  'stickiness.app_cookie.cookie_name': '',
  'stickiness.app_cookie.duration_seconds': '86400',
  'stickiness.enabled': 'false',
  'stickiness.lb_cookie.duration_seconds': '86400',
  'stickiness.type': 'lb_cookie',
  'target_group_health.dns_failover.minimum_healthy_targets.count': '1',
  'target_group_health.dns_failover.minimum_healthy_targets.percentage': 'off',
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.count': '1',
  'target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage': 'off',
}

/** Health check settings of CreateTargetGroup and ModifyTargetGroup, with their defaults for targets of type ip. */
const healthCheckSettings: readonly (readonly [member: string, fallback: string])[] = [
  ['HealthCheckProtocol', 'HTTP'],
  ['HealthCheckPort', 'traffic-port'],
  ['HealthCheckIntervalSeconds', '30'],
  ['HealthCheckTimeoutSeconds', '5'],
  ['HealthyThresholdCount', '5'],
  ['UnhealthyThresholdCount', '2'],
]

/** Matcher codes: wording from aws-load-balancer-controller #2804. */
const matchers = {
  GRPC: { member: 'GrpcCode', kind: 'GRPC', fallback: '12', min: 0, max: 99 },
  HTTP1: { member: 'HttpCode', kind: 'HTTP', fallback: '200', min: 200, max: 499 },
  HTTP2: { member: 'HttpCode', kind: 'HTTP', fallback: '200', min: 200, max: 499 },
} as const

function matcherOf(input: Fields, version: TargetGroup['protocolVersion']): string | undefined {
  const { member, kind, min, max } = matchers[version]
  const codes = text(structure(input, 'Matcher'), member)
  const outside = codes?.split(/[,-]/).some((code) => !(/^\d+$/.test(code) && Number(code) >= min && Number(code) <= max))
  if (outside) throw refuse('ValidationError', `Health check matcher ${kind} code '${codes ?? ''}' must be within '${min}-${max}' inclusive`)
  return codes
}

function view(held: TargetGroup, state: AwsState): Fields {
  const settings = healthCheckSettings.map(([member, fallback]) => [member, held.healthCheck?.[member] ?? fallback] as const)
  return {
    TargetGroupArn: held.arn,
    TargetGroupName: held.name,
    Protocol: held.protocol,
    Port: held.port,
    VpcId: held.vpcId ?? 'vpc-0123456789abcdef0',
    ...Object.fromEntries(settings),
    HealthCheckEnabled: true,
    HealthCheckPath: held.healthCheckPath,
    Matcher: { [matchers[held.protocolVersion].member]: held.matcher },
    LoadBalancerArns: loadBalancersOf(state, held.arn).map(({ arn }) => arn),
    TargetType: 'ip',
    ProtocolVersion: held.protocolVersion,
    IpAddressType: 'ipv4',
  }
}

function healthCheckOf(input: Fields): Record<string, string> {
  return Object.fromEntries(healthCheckSettings.flatMap(([member]) => {
    const value = text(input, member)
    return value === undefined ? [] : [[member, value] as const]
  }))
}

function versionOf(input: Fields): TargetGroup['protocolVersion'] {
  const version = text(input, 'ProtocolVersion') ?? 'HTTP1'
  if (version !== 'GRPC' && version !== 'HTTP1' && version !== 'HTTP2') throw refuse('ValidationError', `Protocol version '${version}' must be one of 'HTTP1, HTTP2, GRPC'`)
  return version
}

/** What makes a target group another one: its name is taken, or the call is a repetition. */
function identityOf(input: Fields): Pick<TargetGroup, 'name' | 'port' | 'protocol' | 'protocolVersion'> {
  const [name, port, protocol] = [text(input, 'Name') ?? '', number(input, 'Port') ?? 0, text(input, 'Protocol') ?? '']
  checkName('Target group', name)
  if ((text(input, 'TargetType') ?? 'instance') !== 'ip') throw refuse('ValidationError', 'sandbox: only targets of type ip are modelled')
  if (!['HTTP', 'HTTPS'].includes(protocol)) throw refuse('ValidationError', `Target group protocol '${protocol}' must be one of 'HTTP, HTTPS'`)
  if (!(port >= 1 && port <= 65_535)) throw refuse('ValidationError', `Target group port '${port}' must be between '1' and '65535' inclusive`)
  return { name, port, protocol, protocolVersion: versionOf(input) }
}

function create({ input, state }: Call): Fields {
  const { name, port, protocol, protocolVersion } = identityOf(input)
  const same = [...state.targetGroups.values()].find((held) => held.name === name)
  if (same && same.port === port && same.protocol === protocol && same.protocolVersion === protocolVersion) return { TargetGroups: [view(same, state)] }
  if (same) throw refuse('DuplicateTargetGroupName', `A target group with the same name '${name}' exists, but with different settings`)
  const created: TargetGroup = {
    arn: arnOf(state, `targetgroup/${name}/${randomId()}`),
    name,
    port,
    protocol,
    protocolVersion,
    healthCheckPath: text(input, 'HealthCheckPath') ?? (protocolVersion === 'GRPC' ? '/AWS.ALB/healthcheck' : '/'),
    matcher: matcherOf(input, protocolVersion) ?? matchers[protocolVersion].fallback,
    vpcId: text(input, 'VpcId') ?? 'vpc-0123456789abcdef0',
    healthCheck: healthCheckOf(input),
    attributes: new Map(Object.entries(defaultAttributes)),
    tags: tags(input),
    targets: [],
  }
  state.targetGroups.set(created.arn, created)
  return { TargetGroups: [view(created, state)] }
}

function describe({ input, state }: Call): Fields {
  const [names, arns, loadBalancerArn] = [texts(input, 'Names'), texts(input, 'TargetGroupArns'), text(input, 'LoadBalancerArn')]
  const all = [...state.targetGroups.values()]
  const missing = names.some((name) => !all.some((held) => held.name === name)) || arns.some((arn) => !state.targetGroups.has(arn))
  if (missing) throw refuse('TargetGroupNotFound', 'One or more target groups not found')
  const found = all.filter(({ name, arn }) => (names.length === 0 || names.includes(name)) && (arns.length === 0 || arns.includes(arn)) &&
    (loadBalancerArn === undefined || loadBalancersOf(state, arn).some((user) => user.arn === loadBalancerArn)))
  const { items, next } = page(found, number(input, 'PageSize') ?? 400, text(input, 'Marker'))
  return { TargetGroups: items.map((held) => view(held, state)), ...(next === undefined ? {} : { NextMarker: next }) }
}

/** Reasons with what AWS says of them (API reference, TargetHealth). */
const descriptions: Readonly<Record<string, string>> = {
  'Elb.RegistrationInProgress': 'Target registration is in progress',
  'Elb.InitialHealthChecking': 'Initial health checks in progress',
  'Target.FailedHealthChecks': 'Health checks failed',
  'Target.ResponseCodeMismatch': 'Health checks failed with these codes: [{matcher}]',
  'Target.Timeout': 'Request timed out',
  'Target.NotRegistered': 'Target is not registered to the target group',
  'Target.NotInUse': 'Target group is not configured to receive traffic from the load balancer',
}

function health(state: string, reason?: string): Fields {
  return reason === undefined ? { State: state } : { State: state, Reason: reason, Description: descriptions[reason] ?? reason }
}

/** A target of a group that no listener uses is not checked at all. */
function targetHealth(target: Target, used: boolean, now: number): Fields {
  if (!used) return health('unused', 'Target.NotInUse')
  if (target.unhealthyReason !== undefined) return health('unhealthy', target.unhealthyReason)
  return target.healthyAt > now ? health('initial', 'Elb.RegistrationInProgress') : health('healthy')
}

/** Targets of a call; the port is the group's where none is given. */
function targetsOf(input: Fields, group: TargetGroup): { id: string; port: number }[] {
  return structures(input, 'Targets').map((target) => ({ id: text(target, 'Id') ?? '', port: number(target, 'Port') ?? group.port }))
}

function describeHealth({ input, state, now }: Call): Fields {
  const group = targetGroupOf(state, text(input, 'TargetGroupArn'))
  const used = loadBalancersOf(state, group.arn).length > 0
  const asked = input['Targets'] === undefined ? group.targets : targetsOf(input, group)
  return {
    TargetHealthDescriptions: asked.map(({ id, port }) => {
      const target = group.targets.find((held) => held.id === id && held.port === port)
      return {
        Target: { Id: id, Port: port },
        HealthCheckPort: String(port),
        TargetHealth: target ? targetHealth(target, used, now) : health('unused', 'Target.NotRegistered'),
      }
    }),
  }
}

function register({ input, state, now }: Call): Fields {
  const group = targetGroupOf(state, text(input, 'TargetGroupArn'))
  const given = targetsOf(input, group)
  const bad = given.find(({ id }) => isIP(id) === 0)
  if (bad) throw refuse('ValidationError', `The IP address '${bad.id}' is not a valid IPv4 address`)
  for (const { id, port } of given) {
    if (!group.targets.some((held) => held.id === id && held.port === port)) group.targets.push({ id, port, healthyAt: now + state.targetHealthTime })
  }
  return {}
}

/** The operations on target groups and targets. */
export const targetGroupOperations: Record<string, Operation> = {
  DescribeTargetGroups: describe,
  CreateTargetGroup: create,
  DeleteTargetGroup: ({ input, state }) => {
    const arn = text(input, 'TargetGroupArn') ?? ''
    if (loadBalancersOf(state, arn).length > 0) throw refuse('ResourceInUse', `Target group '${arn}' is currently in use by a listener or a rule`)
    state.targetGroups.delete(arn)
    return {}
  },
  ModifyTargetGroup: ({ input, state }) => {
    const held = targetGroupOf(state, text(input, 'TargetGroupArn'))
    held.matcher = matcherOf(input, held.protocolVersion) ?? held.matcher
    held.healthCheckPath = text(input, 'HealthCheckPath') ?? held.healthCheckPath
    held.healthCheck = { ...held.healthCheck, ...healthCheckOf(input) }
    return { TargetGroups: [view(held, state)] }
  },
  DescribeTargetGroupAttributes: ({ input, state }) => ({ Attributes: tagList(targetGroupOf(state, text(input, 'TargetGroupArn')).attributes) }),
  ModifyTargetGroupAttributes: ({ input, state }) => {
    const held = targetGroupOf(state, text(input, 'TargetGroupArn'))
    setAttributes('Target group', held.attributes, defaultAttributes, structures(input, 'Attributes'))
    return { Attributes: tagList(held.attributes) }
  },
  RegisterTargets: register,
  DeregisterTargets: ({ input, state }) => {
    const group = targetGroupOf(state, text(input, 'TargetGroupArn'))
    const gone = targetsOf(input, group)
    group.targets = group.targets.filter((held) => !gone.some(({ id, port }) => held.id === id && held.port === port))
    return {}
  },
  DescribeTargetHealth: describeHealth,
}
