/** on-failure: rollback. Lists, before the first change, what a rollback could not restore. */
import { replacesLoadBalancer } from '../steps/ingress/ingress.ts'
import { isProtectedByAnnotation } from '../steps/ingress/protection.ts'
import {
  isKeptByController,
  resolveServiceLoadBalancer,
  serviceLoadBalancerConfig,
} from '../steps/preflight/service-load-balancer.ts'
import type { UpgradeRelease } from '../steps/release/operations.ts'
import { logRollbackNotes } from '../steps/release/rollback.ts'
import type { Context } from '../steps/step.ts'
import type { Plan } from './plan.ts'

/** Notes every planned change that cannot be rolled back completely. */
export function noteIrreversibleChanges(context: Context, plan: Plan): void {
  noteReimport(context, plan)
  if (plan.target.release)
    logRollbackNotes(context, plan.target.release, findUpgrade(plan)?.review.rollbackPlan)
  noteFailedRevision(context, plan)
  noteNewAlbName(context, plan)
  noteProtectedAlb(context, plan)
  noteNewServiceLoadBalancer(context, plan)
}

function findUpgrade({ release }: Plan): UpgradeRelease | undefined {
  return release.find((operation) => operation.action === 'upgrade')
}

function noteReimport(context: Context, { certificate: { operations } }: Plan): void {
  const reimport = operations.find((operation) => operation.action === 'reimport')
  if (!reimport) return
  context.log.note(
    `If this run fails, ${reimport.arn} keeps the new certificate: ACM cannot restore the old ` +
      'one. To restore it, run the action with the old certificate and its key.',
  )
}

function noteFailedRevision(context: Context, plan: Plan): void {
  const upgrade = findUpgrade(plan)
  if (!upgrade) return
  const { latestRevision, deployedRevision } = upgrade.release
  if (latestRevision.status === 'deployed') return
  context.log.note(
    `If this run fails after helm has started, release ${latestRevision.name} is rolled back to ` +
      `revision ${deployedRevision.revision}, the last deployed one, including its Service type.`,
  )
}

function noteNewAlbName(context: Context, { ingress: operations }: Plan): void {
  if (!replacesLoadBalancer(operations)) return
  context.log.note(
    'If this run fails, the settings of the Ingress are restored, but with a new load balancer ' +
      'under a new name: the current one is deleted.',
  )
}

function noteProtectedAlb(context: Context, { ingress: operations, target }: Plan): void {
  const apply = operations.find((operation) => operation.action === 'apply')
  if (!apply || target.ingress || !isProtectedByAnnotation(apply.desired.template)) return
  context.log.note(
    `If this run fails after Ingress ${target.ingressName} is created, the Ingress, its load ` +
      'balancer and its certificate stay: deletion protection (input annotations) is on.',
  )
}

function noteNewServiceLoadBalancer(context: Context, plan: Plan): void {
  const { name, live } = plan.target.service
  if (!findUpgrade(plan) || live?.spec.type !== 'LoadBalancer') return
  const config = serviceLoadBalancerConfig(live)
  if (isKeptByController(config)) return
  const { description } = resolveServiceLoadBalancer(config)
  context.log.note(
    `If this run fails after helm has started, Service ${name} is restored with a new load ` +
      `balancer under a new name (${description}): the name of the old one is lost.`,
  )
}
