/** Target groups of type ip (Elastic Load Balancing API reference and user guide). */
import { setAttributes, targetGroupAttributes } from './elbv2-attributes.ts'
import {
  buildArn,
  checkName,
  findLoadBalancersByTargetGroup,
  createElbError,
  findTargetGroup,
  selectPage,
} from './elbv2-lookup.ts'
import {
  getNumber,
  getStructure,
  getStructureList,
  toTagList,
  readTags,
  getString,
  getStringList,
  type Fields,
} from './fields.ts'
import { randomId, type OperationCall, type Operation } from './service.ts'
import { targetOperations } from './elbv2-targets.ts'
import type { AwsState, TargetGroup } from './state.ts'

/** The health check settings of a target group, with their defaults for targets of type ip. */
const healthCheckSettings: readonly (readonly [member: string, fallback: string])[] = [
  ['HealthCheckProtocol', 'HTTP'],
  ['HealthCheckPort', 'traffic-port'],
  ['HealthCheckIntervalSeconds', '30'],
  ['HealthCheckTimeoutSeconds', '5'],
  ['HealthyThresholdCount', '5'],
  ['UnhealthyThresholdCount', '2'],
]

/** The valid matcher codes. Source of the wording: aws-load-balancer-controller #2804. */
const matcherRules = {
  GRPC: { member: 'GrpcCode', kind: 'GRPC', fallback: '12', min: 0, max: 99 },
  HTTP1: { member: 'HttpCode', kind: 'HTTP', fallback: '200', min: 200, max: 499 },
  HTTP2: { member: 'HttpCode', kind: 'HTTP', fallback: '200', min: 200, max: 499 },
} as const

function parseMatcher(input: Fields, version: TargetGroup['protocolVersion']): string | undefined {
  const { member, kind, min, max } = matcherRules[version]
  const codes = getString(getStructure(input, 'Matcher'), member)
  const isOutOfRange = codes
    ?.split(/[,-]/)
    .some((code) => !(/^\d+$/.test(code) && Number(code) >= min && Number(code) <= max))
  if (isOutOfRange)
    throw createElbError(
      'ValidationError',
      `Health check matcher ${kind} code '${codes ?? ''}' must be within '${min}-${max}' inclusive`,
    )
  return codes
}

function toTargetGroupDescription(targetGroup: TargetGroup, state: AwsState): Fields {
  const settings = healthCheckSettings.map(
    ([member, fallback]) => [member, targetGroup.healthCheck?.[member] ?? fallback] as const,
  )
  return {
    TargetGroupArn: targetGroup.arn,
    TargetGroupName: targetGroup.name,
    Protocol: targetGroup.protocol,
    Port: targetGroup.port,
    VpcId: targetGroup.vpcId ?? 'vpc-0123456789abcdef0',
    ...Object.fromEntries(settings),
    HealthCheckEnabled: true,
    HealthCheckPath: targetGroup.healthCheckPath,
    Matcher: { [matcherRules[targetGroup.protocolVersion].member]: targetGroup.matcher },
    LoadBalancerArns: findLoadBalancersByTargetGroup(state, targetGroup.arn).map(({ arn }) => arn),
    TargetType: 'ip',
    ProtocolVersion: targetGroup.protocolVersion,
    IpAddressType: 'ipv4',
  }
}

function parseHealthCheck(input: Fields): Record<string, string> {
  return Object.fromEntries(
    healthCheckSettings.flatMap(([member]) => {
      const value = getString(input, member)
      return value === undefined ? [] : [[member, value] as const]
    }),
  )
}

function parseProtocolVersion(input: Fields): TargetGroup['protocolVersion'] {
  const version = getString(input, 'ProtocolVersion') ?? 'HTTP1'
  if (version !== 'GRPC' && version !== 'HTTP1' && version !== 'HTTP2')
    throw createElbError(
      'ValidationError',
      `Protocol version '${version}' must be one of 'HTTP1, HTTP2, GRPC'`,
    )
  return version
}

/** The fields that must be equal in a repeated call. */
function parseIdentity(
  input: Fields,
): Pick<TargetGroup, 'name' | 'port' | 'protocol' | 'protocolVersion'> {
  const [name, port, protocol] = [
    getString(input, 'Name') ?? '',
    getNumber(input, 'Port') ?? 0,
    getString(input, 'Protocol') ?? '',
  ]
  checkName('Target group', name)
  if ((getString(input, 'TargetType') ?? 'instance') !== 'ip')
    throw createElbError('ValidationError', 'simulator: only targets of type ip are modelled')
  if (!['HTTP', 'HTTPS'].includes(protocol))
    throw createElbError(
      'ValidationError',
      `Target group protocol '${protocol}' must be one of 'HTTP, HTTPS'`,
    )
  if (!(port >= 1 && port <= 65_535))
    throw createElbError(
      'ValidationError',
      `Target group port '${port}' must be between '1' and '65535' inclusive`,
    )
  return { name, port, protocol, protocolVersion: parseProtocolVersion(input) }
}

function createTargetGroup({ input, state }: OperationCall): Fields {
  const { name, port, protocol, protocolVersion } = parseIdentity(input)
  const existing = [...state.targetGroups.values()].find((targetGroup) => targetGroup.name === name)
  if (
    existing &&
    existing.port === port &&
    existing.protocol === protocol &&
    existing.protocolVersion === protocolVersion
  )
    return { TargetGroups: [toTargetGroupDescription(existing, state)] }
  if (existing)
    throw createElbError(
      'DuplicateTargetGroupName',
      `A target group with the same name '${name}' exists, but with different settings`,
    )
  const created: TargetGroup = {
    arn: buildArn(state, `targetgroup/${name}/${randomId()}`),
    name,
    port,
    protocol,
    protocolVersion,
    healthCheckPath:
      getString(input, 'HealthCheckPath') ??
      (protocolVersion === 'GRPC' ? '/AWS.ALB/healthcheck' : '/'),
    matcher: parseMatcher(input, protocolVersion) ?? matcherRules[protocolVersion].fallback,
    vpcId: getString(input, 'VpcId') ?? 'vpc-0123456789abcdef0',
    healthCheck: parseHealthCheck(input),
    attributes: new Map(Object.entries(targetGroupAttributes)),
    tags: readTags(input),
    targets: [],
  }
  state.targetGroups.set(created.arn, created)
  return { TargetGroups: [toTargetGroupDescription(created, state)] }
}

function describeTargetGroups({ input, state }: OperationCall): Fields {
  const [names, arns, loadBalancerArn] = [
    getStringList(input, 'Names'),
    getStringList(input, 'TargetGroupArns'),
    getString(input, 'LoadBalancerArn'),
  ]
  const all = [...state.targetGroups.values()]
  const hasMissing =
    names.some((name) => !all.some((targetGroup) => targetGroup.name === name)) ||
    arns.some((arn) => !state.targetGroups.has(arn))
  if (hasMissing) throw createElbError('TargetGroupNotFound', 'One or more target groups not found')
  const matching = all.filter(
    ({ name, arn }) =>
      (names.length === 0 || names.includes(name)) &&
      (arns.length === 0 || arns.includes(arn)) &&
      (loadBalancerArn === undefined ||
        findLoadBalancersByTargetGroup(state, arn).some(
          (loadBalancer) => loadBalancer.arn === loadBalancerArn,
        )),
  )
  const { page, nextPage } = selectPage(matching, input)
  return {
    TargetGroups: page.map((targetGroup) => toTargetGroupDescription(targetGroup, state)),
    ...nextPage,
  }
}

/** The operations on target groups and targets. */
export const targetGroupOperations: Record<string, Operation> = {
  DescribeTargetGroups: describeTargetGroups,
  CreateTargetGroup: createTargetGroup,
  DeleteTargetGroup: ({ input, state }) => {
    const arn = getString(input, 'TargetGroupArn') ?? ''
    if (findLoadBalancersByTargetGroup(state, arn).length > 0)
      throw createElbError(
        'ResourceInUse',
        `Target group '${arn}' is currently in use by a listener or a rule`,
      )
    state.targetGroups.delete(arn)
    return {}
  },
  ModifyTargetGroup: ({ input, state }) => {
    const existing = findTargetGroup(state, getString(input, 'TargetGroupArn'))
    existing.matcher = parseMatcher(input, existing.protocolVersion) ?? existing.matcher
    existing.healthCheckPath = getString(input, 'HealthCheckPath') ?? existing.healthCheckPath
    existing.healthCheck = { ...existing.healthCheck, ...parseHealthCheck(input) }
    return { TargetGroups: [toTargetGroupDescription(existing, state)] }
  },
  DescribeTargetGroupAttributes: ({ input, state }) => ({
    Attributes: toTagList(findTargetGroup(state, getString(input, 'TargetGroupArn')).attributes),
  }),
  ModifyTargetGroupAttributes: ({ input, state }) => {
    const existing = findTargetGroup(state, getString(input, 'TargetGroupArn'))
    setAttributes(
      'Target group',
      existing.attributes,
      targetGroupAttributes,
      getStructureList(input, 'Attributes'),
    )
    return { Attributes: toTagList(existing.attributes) }
  },
  ...targetOperations,
}
