/** on-failure: rollback. Lists, before the first change, what a rollback could not restore. */
import { getIngressHostname } from '../steps/ingress/manifest.ts'
import {
  isKeptByController,
  resolveServiceLoadBalancer,
  serviceLoadBalancerConfig,
} from '../steps/preflight/service-load-balancer.ts'
import { logRollbackNotes } from '../steps/release/rollback.ts'
import type { Context } from '../steps/step.ts'
import type { Plan } from './plan.ts'

/** Notes every planned change that cannot be rolled back completely. */
export function noteIrreversibleChanges(context: Context, plan: Plan): void {
  noteReimport(context, plan)
  if (plan.target.release)
    logRollbackNotes(context, plan.target.release, plan.release.upgrade?.rollbackPlan)
  noteFailedRevision(context, plan)
  noteNewAlbName(context, plan)
  noteNewServiceLoadBalancer(context, plan)
}

function noteReimport(context: Context, { certificate: { decision } }: Plan): void {
  if (decision.action !== 'reimport') return
  context.log.note(
    `If this run fails, ${decision.arn} keeps the new certificate: ACM cannot restore the old ` +
      'one. To restore it, run the action with the old certificate and its key.',
  )
}

function noteFailedRevision(context: Context, { target, release: { changes } }: Plan): void {
  if (changes.length === 0 || !target.release) return
  const { latestRevision, deployedRevision } = target.release
  if (latestRevision.status === 'deployed') return
  context.log.note(
    `If this run fails after helm has started, release ${latestRevision.name} is rolled back to ` +
      `revision ${deployedRevision.revision}, the last deployed one, including its Service type.`,
  )
}

/** A change of these annotations replaces the ALB. */
const replacingAnnotation = /\/(scheme|group\.name)$/

function noteNewAlbName(context: Context, { target, changes }: Plan): void {
  const hasAlb = getIngressHostname(target.ingress) !== undefined
  if (!hasAlb || !changes.some(({ path }) => replacingAnnotation.test(path))) return
  context.log.note(
    'If this run fails, the settings of the Ingress are restored, but with a new load balancer ' +
      'under a new name: the current one is deleted.',
  )
}

function noteNewServiceLoadBalancer(
  context: Context,
  { target, release: { changes } }: Plan,
): void {
  const { name, live } = target.service
  if (changes.length === 0 || live?.spec.type !== 'LoadBalancer') return
  const config = serviceLoadBalancerConfig(live)
  if (isKeptByController(config)) return
  const { description } = resolveServiceLoadBalancer(config)
  context.log.note(
    `If this run fails after helm has started, Service ${name} is restored with a new load ` +
      `balancer under a new name (${description}): the name of the old one is lost.`,
  )
}
