/**
 * load-balancer in a check: what of AWS is not as the Ingress says, and whether what is there
 * works. Nothing is waited for.
 */
import type { LoadBalancerClient } from '../../clients/aws/load-balancers.ts'
import { ActionError } from '../../failures/action-error.ts'
import type { Change, Context } from '../step.ts'
import type { Settings } from '../../inputs/types.ts'
import { latestStatusEvent, classifyEvent } from '../../controller/events.ts'
import { reconcileRequestPath, plan } from './load-balancer.ts'
import type { Target } from '../preflight/preflight.ts'
import type { LoadBalancerSnapshot } from './drift.ts'
import { describeTargets, findTargetGroupArn } from './target-health.ts'
import { loadBalancerFailedError, isActive } from './wait.ts'

/**
 * What differs. AWS is compared with the Ingress as it is, also when that itself is not as the
 * inputs say; not when the controller refused it.
 */
export function planForCheck(
  context: Context,
  settings: Settings,
  target: Target,
  observed: LoadBalancerSnapshot | undefined,
): Change[] {
  const { ingress } = target
  if (!ingress || findRejection(target)) return []
  const changes = plan(
    target,
    settings,
    { ingress, eventCursor: undefined },
    observed,
    new Date(context.clock.now()),
  )
  // Making the controller look is how a deploy heals a difference, and none itself.
  return changes.length > 1 ? changes.filter(({ path }) => path !== reconcileRequestPath) : changes
}

/**
 * Whether it works, as far as AWS says. Warns of targets that are not healthy: with one that is, a
 * probe is content.
 * @throws ActionError `controller-refused`, `load-balancer-failed`
 */
export async function checkState(
  context: Context,
  settings: Settings,
  loadBalancers: LoadBalancerClient,
  target: Target,
  observed: LoadBalancerSnapshot | undefined,
): Promise<void> {
  const rejection = findRejection(target)
  if (rejection) throw rejection
  const loadBalancer = observed?.loadBalancer
  if (loadBalancer?.state === 'failed') throw loadBalancerFailedError(loadBalancer)
  if (loadBalancer && !isActive(loadBalancer))
    context.log.warn(
      `Load balancer ${loadBalancer.name} is ${loadBalancer.state}: it may not pass traffic yet.`,
    )
  const targetGroupArn = findTargetGroupArn(observed, settings)
  if (targetGroupArn === undefined) return
  const targets = await loadBalancers.getTargetHealth(targetGroupArn)
  if (!targets) {
    context.recordUnreadable(
      'whether the targets are healthy (elasticloadbalancing:DescribeTargetHealth)',
    )
    return
  }
  const { problem, remedy } = describeTargets(targets, settings)
  if (targets.length > 0 && targets.every(({ state }) => state === 'healthy'))
    context.log.info(problem)
  else context.log.warn(`${problem} ${remedy}`.trimEnd())
}

/** The controller's last word, when it was no. */
function findRejection({ events, ingressName }: Target): ActionError | undefined {
  const latestEvent = latestStatusEvent(events)
  const status = latestEvent && classifyEvent(latestEvent, false)
  if (status?.kind !== 'failed') return undefined
  return new ActionError({
    code: 'controller-refused',
    problem: `The AWS Load Balancer Controller last refused Ingress ${ingressName}: ${status.message}`,
    remedy: status.remedy,
  })
}
