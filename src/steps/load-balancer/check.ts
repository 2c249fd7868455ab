/**
 * load-balancer in mode check: drift in AWS, and whether the load balancer works. Does not wait.
 */
import type { ActionError } from '../../failures/action-error.ts'
import { lastReconcileRejected, loadBalancerFailed } from '../../failures/load-balancer.ts'
import { latestStatusEvent, classifyEvent } from '../../controller/events.ts'
import type { Target } from '../preflight/preflight.ts'
import type { EndpointRun } from '../run.ts'
import type { Change } from '../step.ts'
import { plan, toDifferences, type LoadBalancerPlanInput } from './load-balancer.ts'
import { isActive, type LoadBalancerSnapshot } from './snapshot.ts'
import { findTargetGroupArn, reportTargets } from './target-health.ts'

/**
 * Compares AWS with the live Ingress, even if that differs from the inputs, but not if the
 * controller rejected it.
 */
export function findDifferences(
  run: Pick<EndpointRun, 'settings'>,
  input: LoadBalancerPlanInput,
): Change[] {
  return findRejection(input.target) ? [] : toDifferences(plan(run, input))
}

/**
 * Checks the state of the load balancer, and warns of unhealthy targets: one healthy target is
 * enough for the probe.
 * @throws ActionError `controller-refused`, `load-balancer-failed`
 */
export async function checkState(
  { context, settings, clients }: EndpointRun,
  target: Target,
  snapshot: LoadBalancerSnapshot | undefined,
): Promise<void> {
  const rejection = findRejection(target)
  if (rejection) throw rejection
  const loadBalancer = snapshot?.loadBalancer
  if (loadBalancer?.state === 'failed')
    throw loadBalancerFailed(loadBalancer.name, loadBalancer.reason)
  if (loadBalancer && !isActive(loadBalancer))
    context.log.warn(
      `Load balancer ${loadBalancer.name} is ${loadBalancer.state}: it may not pass traffic yet.`,
    )
  const targetGroupArn = findTargetGroupArn(snapshot, settings)
  if (targetGroupArn === undefined) return
  const targets = await clients.loadBalancers.getTargetHealth(targetGroupArn)
  if (!targets) {
    context.recordUnreadable(
      'the health of the targets (elasticloadbalancing:DescribeTargetHealth)',
    )
    return
  }
  reportTargets(context.log, targets, settings)
}

/** The failure of the controller's latest event, if that is final. */
function findRejection({ events, ingressName }: Target): ActionError | undefined {
  const latestEvent = latestStatusEvent(events)
  const status = latestEvent && classifyEvent(latestEvent, {})
  if (status?.kind !== 'failed') return undefined
  const { message, remedy } = status
  return lastReconcileRejected({ ingress: ingressName, message, advice: remedy })
}
