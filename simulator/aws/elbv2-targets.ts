/** Targets and their health (Elastic Load Balancing API reference and user guide). */
import { isIP } from 'node:net'
import { findLoadBalancersByTargetGroup, createElbError, findTargetGroup } from './elbv2-lookup.ts'
import { getNumber, getStructureList, getString, type Fields } from './fields.ts'
import type { OperationCall, Operation } from './service.ts'
import type { RegisteredTarget, TargetGroup } from './state.ts'

/** The descriptions of reasons (API reference, TargetHealth). */
const reasonDescriptions: Readonly<Record<string, string>> = {
  'Elb.RegistrationInProgress': 'Target registration is in progress',
  'Elb.InitialHealthChecking': 'Initial health checks in progress',
  'Target.FailedHealthChecks': 'Health checks failed',
  'Target.ResponseCodeMismatch': 'Health checks failed with these codes: [{matcher}]',
  'Target.Timeout': 'Request timed out',
  'Target.NotRegistered': 'Target is not registered to the target group',
  'Target.NotInUse': 'Target group is not configured to receive traffic from the load balancer',
}

function toHealthDescription(state: string, reason?: string): Fields {
  return reason === undefined
    ? { State: state }
    : { State: state, Reason: reason, Description: reasonDescriptions[reason] ?? reason }
}

/** Targets of a group that no listener uses are not checked. */
function evaluateTargetHealth(target: RegisteredTarget, isInUse: boolean, now: number): Fields {
  if (!isInUse) return toHealthDescription('unused', 'Target.NotInUse')
  if (target.unhealthyReason !== undefined)
    return toHealthDescription('unhealthy', target.unhealthyReason)
  return target.healthyAt > now
    ? toHealthDescription('initial', 'Elb.RegistrationInProgress')
    : toHealthDescription('healthy')
}

/** The targets of a call. The default port is that of the group. */
function parseTargets(input: Fields, group: TargetGroup): { id: string; port: number }[] {
  return getStructureList(input, 'Targets').map((target) => ({
    id: getString(target, 'Id') ?? '',
    port: getNumber(target, 'Port') ?? group.port,
  }))
}

function describeTargetHealth({ input, state, now }: OperationCall): Fields {
  const group = findTargetGroup(state, getString(input, 'TargetGroupArn'))
  const isInUse = findLoadBalancersByTargetGroup(state, group.arn).length > 0
  const requestedTargets =
    input['Targets'] === undefined ? group.targets : parseTargets(input, group)
  return {
    TargetHealthDescriptions: requestedTargets.map(({ id, port }) => {
      const target = group.targets.find(
        (candidate) => candidate.id === id && candidate.port === port,
      )
      return {
        Target: { Id: id, Port: port },
        HealthCheckPort: String(port),
        TargetHealth: target
          ? evaluateTargetHealth(target, isInUse, now)
          : toHealthDescription('unused', 'Target.NotRegistered'),
      }
    }),
  }
}

function registerTargets({ input, state, now }: OperationCall): Fields {
  const group = findTargetGroup(state, getString(input, 'TargetGroupArn'))
  const newTargets = parseTargets(input, group)
  const invalidTarget = newTargets.find(({ id }) => isIP(id) === 0)
  if (invalidTarget)
    throw createElbError(
      'ValidationError',
      `The IP address '${invalidTarget.id}' is not a valid IPv4 address`,
    )
  for (const { id, port } of newTargets) {
    if (!group.targets.some((candidate) => candidate.id === id && candidate.port === port))
      group.targets.push({ id, port, healthyAt: now + state.targetHealthTime })
  }
  return {}
}

function deregisterTargets({ input, state }: OperationCall): Fields {
  const group = findTargetGroup(state, getString(input, 'TargetGroupArn'))
  const removedTargets = parseTargets(input, group)
  group.targets = group.targets.filter(
    (existing) =>
      !removedTargets.some(({ id, port }) => existing.id === id && existing.port === port),
  )
  return {}
}

/** The operations on targets. */
export const targetOperations: Record<string, Operation> = {
  RegisterTargets: registerTargets,
  DeregisterTargets: deregisterTargets,
  DescribeTargetHealth: describeTargetHealth,
}
