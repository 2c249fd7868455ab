/** What a rollback could not restore, of the changes that a run plans. */
import { replacesLoadBalancer } from '../steps/ingress/ingress.ts'
import { isProtectedByAnnotation } from '../steps/ingress/protection.ts'
import {
  isKeptByController,
  resolveServiceLoadBalancer,
  serviceLoadBalancerConfig,
} from '../steps/preflight/service-load-balancer.ts'
import type { UpgradeRelease } from '../steps/release/operations.ts'
import { findInexactRollback } from '../steps/release/rollback.ts'
import type { IrreversibleChange } from '../steps/step.ts'
import type { EndpointRun } from '../steps/run.ts'
import type { Plan } from './plan.ts'

/**
 * Outputs every planned change that cannot be rolled back completely. A run with on-failure:
 * rollback notes them too, before its first change.
 */
export function reportIrreversibleChanges({ context, settings }: EndpointRun, plan: Plan): void {
  const changes = [
    findReimport(plan),
    findInexactRollback(
      settings.namespace,
      plan.target.release,
      findUpgrade(plan)?.review.rollbackPlan,
    ),
    findFailedRevision(plan),
    findMilvusUpgrade(plan),
    findReplacedAlb(plan),
    findProtectedAlb(plan),
    findServiceLoadBalancer(plan),
  ].filter((change) => change !== undefined)
  const entries = changes.map(({ object, why }) => ({ object, why }))
  context.setOutput('irreversible', JSON.stringify(entries))
  if (settings.onFailure !== 'rollback') return
  for (const { note } of changes) context.log.note(note)
}

function findUpgrade({ release }: Plan): UpgradeRelease | undefined {
  return release.find((operation) => operation.action === 'upgrade')
}

function findReimport({ certificate: { operations } }: Plan): IrreversibleChange | undefined {
  const reimport = operations.find((operation) => operation.action === 'reimport')
  if (!reimport) return undefined
  return {
    object: `ACM certificate ${reimport.arn}`,
    why: 'ACM cannot restore the old certificate',
    note:
      `If this run fails, ${reimport.arn} keeps the new certificate: ACM cannot restore the old ` +
      'one. To restore it, run the action with the old certificate and its key.',
  }
}

function findFailedRevision(plan: Plan): IrreversibleChange | undefined {
  const upgrade = findUpgrade(plan)
  if (!upgrade) return undefined
  const { latestRevision, deployedRevision } = upgrade.release
  if (latestRevision.status === 'deployed') return undefined
  const { name } = latestRevision
  const target = `revision ${deployedRevision.revision}, the last deployed one`
  return {
    object: `release ${upgrade.namespace}/${name}`,
    why: `only ${target}, can be restored`,
    note:
      `If this run fails after Helm has started, release ${name} is rolled back to ${target}, ` +
      'including its Service type.',
  }
}

function findMilvusUpgrade(plan: Plan): IrreversibleChange | undefined {
  const upgrade = findUpgrade(plan)
  const versions = upgrade?.review.oneWayUpgrade
  if (!upgrade || versions === undefined) return undefined
  const { name } = upgrade.release.latestRevision
  const why = `Milvus cannot be downgraded after an upgrade from ${versions}`
  return {
    object: `release ${upgrade.namespace}/${name}`,
    why,
    note:
      `If this run fails after Helm has started, release ${name} is rolled back, although ` +
      `${why}.`,
  }
}

function findReplacedAlb({ ingress, target }: Plan): IrreversibleChange | undefined {
  if (!replacesLoadBalancer(ingress)) return undefined
  return {
    object: `load balancer of Ingress ${target.namespace.name}/${target.ingressName}`,
    why: 'another one with a new DNS name replaces it',
    note:
      'If this run fails, the settings of the Ingress are restored, but with a new load balancer ' +
      'under a new name: the current one is deleted.',
  }
}

function findProtectedAlb({ ingress, target }: Plan): IrreversibleChange | undefined {
  const apply = ingress.find((operation) => operation.action === 'apply')
  if (!apply || target.ingress || !isProtectedByAnnotation(apply.desired.template)) return undefined
  return {
    object: `Ingress ${target.namespace.name}/${target.ingressName}`,
    why: 'deletion protection keeps it, its load balancer and its certificate',
    note:
      `If this run fails after Ingress ${target.ingressName} is created, the Ingress, its load ` +
      'balancer and its certificate stay: deletion protection (input annotations) is on.',
  }
}

function findServiceLoadBalancer(plan: Plan): IrreversibleChange | undefined {
  const { name, live } = plan.target.service
  const isChanged = findUpgrade(plan) !== undefined || plan.changesOfUnreadableRelease.length > 0
  if (!isChanged || live?.spec.type !== 'LoadBalancer') return undefined
  const config = serviceLoadBalancerConfig(live)
  if (isKeptByController(config)) return undefined
  const { description } = resolveServiceLoadBalancer(config)
  return {
    object: `load balancer of Service ${plan.target.namespace.name}/${name}`,
    why: 'it is deleted, and a new one would have a new name',
    note:
      `If this run fails after Helm has started, Service ${name} is restored with a new load ` +
      `balancer under a new name (${description}): the name of the old one is lost.`,
  }
}
