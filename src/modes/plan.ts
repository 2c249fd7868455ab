/** The plan of a deployment: what exists, and what each step would do. Writes nothing. */
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificatePlan } from '../steps/certificate/selection.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import type { IngressOperation } from '../steps/ingress/operations.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import type { LoadBalancerOperation } from '../steps/load-balancer/operations.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import type { ReleaseOperation } from '../steps/release/operations.ts'
import * as release from '../steps/release/release.ts'
import type { EndpointRun } from '../steps/run.ts'
import type { Change, Outcome } from '../steps/step.ts'
import { formatObjects } from '../util/text.ts'
import { startObservations } from './observations.ts'
import { setCertificateOutputs, setTargetOutputs } from './outputs.ts'

/** What exists, and the operations of each step. */
export interface Plan {
  readonly target: Target
  /** The current load balancer in ELBv2. */
  readonly snapshot: LoadBalancerSnapshot | undefined
  readonly certificate: CertificatePlan
  readonly release: readonly ReleaseOperation[]
  /** What a dry run can tell of a release that it may not read. */
  readonly changesOfUnreadableRelease: readonly Change[]
  readonly ingress: readonly IngressOperation[]
  /** Performed unless the apply of the Ingress makes the controller reconcile. */
  readonly loadBalancer: readonly LoadBalancerOperation[]
}

/** @throws ActionError of every problem that the reads and checks found */
export async function buildPlan(run: EndpointRun): Promise<Outcome<Plan>> {
  const { context } = run
  const observations = startObservations(run)
  await observations.allChecks
  const target = await observations.target
  const differences = await observations.releaseDifferences
  const review = await observations.upgradeReview
  const plan: Plan = {
    target,
    snapshot: (await observations.observedLoadBalancer).snapshot,
    certificate: await observations.certificatePlan,
    release: release.plan(run, { target, differences, review }),
    changesOfUnreadableRelease: release.listVisibleChanges(run, target, differences),
    ingress: await observations.ingressOperations,
    loadBalancer: await observations.loadBalancerOperations,
  }
  setTargetOutputs(run, target)
  const { current, operations } = plan.certificate
  if (current && operations.length === 0) setCertificateOutputs(run, current)
  release.logReleaseNotes(run, target, differences)
  if (differences.length === 0 && isReleaseCompared(run, target))
    context.setOutput('restarts', '[]')
  const changes = listChanges(plan)
  const summary = changes.length === 0 ? 'no changes needed' : formatObjects(changes, 'to change')
  return { summary, result: plan }
}

/** A dry run that may not read the release compares only its Service. */
const isReleaseCompared = ({ settings }: EndpointRun, target: Target): boolean =>
  target.unreadableReleaseName === undefined || settings.cutover === 'never'

/** The changes of all steps, in the order of the steps. */
export function listChanges(plan: Plan): readonly Change[] {
  return [
    ...certificate.toChanges(plan.certificate.operations),
    ...release.toChanges(plan.release),
    ...plan.changesOfUnreadableRelease,
    ...ingress.toChanges(plan.ingress),
    ...(ingress.changesFields(plan.ingress) ? [] : loadBalancer.toChanges(plan.loadBalancer)),
  ]
}
