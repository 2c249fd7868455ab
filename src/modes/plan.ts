/** The plan of a deployment: what exists, and what each step would change. Writes nothing. */
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificateDecision } from '../steps/certificate/selection.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import { listOrphanRemovals } from '../steps/release/orphans.ts'
import type { ReviewedUpgrade } from '../steps/release/preview.ts'
import * as release from '../steps/release/release.ts'
import type { Change, Outcome } from '../steps/step.ts'
import { formatCount } from '../util/text.ts'
import type { Run } from './clients.ts'
import { expectedArn, planIngressChanges } from './ingress-changes.ts'
import { startObservations } from './observations.ts'
import { setCertificateOutputs, setTargetOutputs } from './outputs.ts'

/**
 * What exists, and what has to change. The Ingress is planned again when the ARN of a new
 * certificate is known.
 */
export interface Plan {
  readonly target: Target
  readonly certificate: {
    readonly decision: CertificateDecision
    readonly changes: readonly Change[]
  }
  readonly release: {
    readonly changes: readonly Change[]
    readonly upgrade: ReviewedUpgrade | undefined
  }
  /** The current load balancer in ELBv2. */
  readonly loadBalancer: LoadBalancerSnapshot | undefined
  /** The changes of all steps, in order of execution, as far as they are known in advance. */
  readonly changes: readonly Change[]
}

/** @throws ActionError of every problem that the reads and checks found */
export async function buildPlan(run: Run): Promise<Outcome<Plan>> {
  const { context, settings } = run
  const observations = startObservations(run)
  await observations.allChecks
  const target = await observations.target
  const decision = await observations.certificateDecision
  const upgradeChanges = await observations.releaseChanges
  const upgrade = await observations.upgrade
  const snapshot = await observations.loadBalancer

  setTargetOutputs(context, target)
  if (decision.action === 'use') setCertificateOutputs(context, decision)
  release.logReleaseNotes(context, settings, target, upgradeChanges)

  const orphanRemovals = listOrphanRemovals(settings.namespace, upgrade?.orphanedObjects ?? [])
  const certificateChanges = certificate.plan(decision)
  const releaseChanges = [...upgradeChanges, ...orphanRemovals]
  const ingressChanges = planIngressChanges(run, target, expectedArn(decision), snapshot)
  const changes = [...certificateChanges, ...releaseChanges, ...ingressChanges]
  return {
    summary:
      changes.length === 0
        ? 'no changes needed'
        : `${formatCount(changes.length, 'change')} planned`,
    result: {
      target,
      certificate: { decision, changes: certificateChanges },
      release: { changes: releaseChanges, upgrade },
      loadBalancer: snapshot,
      changes,
    },
  }
}
