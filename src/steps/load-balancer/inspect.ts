/** load-balancer in a check: what of AWS is not as the Ingress says, and whether what is there works. Nothing is waited for. */
import type { LoadBalancers } from '../../aws/load-balancers.ts'
import { ActionError } from '../../core/errors.ts'
import type { Change, Context } from '../../core/step.ts'
import type { Settings } from '../../settings/types.ts'
import { newest, verdict } from '../controller-verdict.ts'
import { nudgePath, plan } from '../load-balancer.ts'
import type { Target } from '../preflight.ts'
import type { Observed } from './drift.ts'
import { describeTargets, targetGroupOf } from './targets.ts'
import { failed, isActive } from './wait.ts'

/** What differs. AWS is compared with the Ingress as it is, also when that itself is not as the inputs say; not when the controller refused it. */
export function inspect(context: Context, settings: Settings, target: Target, observed: Observed | undefined): Change[] {
  const { ingress } = target
  if (!ingress || refusal(target)) return []
  const changes = plan(target, settings, { ingress, wordsSince: undefined }, observed, new Date(context.clock.now()))
  // Making the controller look is how a deploy heals a difference, and none itself.
  return changes.length > 1 ? changes.filter(({ path }) => path !== nudgePath) : changes
}

/**
 * Whether it works, as far as AWS says. Warns of targets that are not healthy: with one that is, a probe is content.
 * @throws ActionError `controller-refused`, `load-balancer-failed`
 */
export async function inspectState(context: Context, settings: Settings, loadBalancers: LoadBalancers, target: Target, observed: Observed | undefined): Promise<void> {
  const refused = refusal(target)
  if (refused) throw refused
  const balancer = observed?.balancer
  if (balancer?.state === 'failed') throw failed(balancer)
  if (balancer && !isActive(balancer)) context.log.warn(`Load balancer ${balancer.name} is ${balancer.state}: it may not pass traffic yet.`)
  const group = targetGroupOf(observed, settings)
  if (group === undefined) return
  const targets = await loadBalancers.targets(group)
  if (!targets) {
    context.unseen('whether the targets are healthy (elasticloadbalancing:DescribeTargetHealth)')
    return
  }
  const { problem, remedy } = describeTargets(targets, settings)
  if (targets.length > 0 && targets.every(({ state }) => state === 'healthy')) context.log.info(problem)
  else context.log.warn(`${problem} ${remedy}`.trimEnd())
}

/** The controller's last word, when it was no. */
function refusal({ events, ingressName }: Target): ActionError | undefined {
  const last = newest(events)
  const word = last && verdict(last, false)
  if (word?.kind !== 'refused') return undefined
  return new ActionError({ code: 'controller-refused', problem: `The AWS Load Balancer Controller last refused Ingress ${ingressName}: ${word.message}`, remedy: word.remedy })
}
