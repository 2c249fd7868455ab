/** What a check compares: the differences of each step from the inputs. */
import type { StepName } from '../failures/codes.ts'
import type { Settings } from '../inputs/types.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificateDecision } from '../steps/certificate/selection.ts'
import { logSupersededNotes } from '../steps/certificate/superseded.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import { parseCertificateArns } from '../steps/ingress/manifest.ts'
import { planForCheck, checkState } from '../steps/load-balancer/check.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import * as release from '../steps/release/release.ts'
import { logRestartNotes } from '../steps/release/restarts.ts'
import type { Change } from '../steps/step.ts'
import type { Run } from './clients.ts'
import { expectedArn, unknownCertificateArn } from './ingress-changes.ts'
import type { Observations } from './observations.ts'

/** A compared step. */
export interface Comparison {
  readonly step: StepName
  readonly differences: readonly Change[]
  /** Checks and notes that are no differences. */
  readonly runAdditionalChecks?: () => void | Promise<void>
}

/** The steps that a check compares: certificate, release, ingress, load-balancer. */
export const comparedStepCount = 4

/** The value of a read. Undefined when the read failed, which `allChecks` reports. */
export const valueOrUndefined = <T>(promise: Promise<T>): Promise<T | undefined> =>
  promise.catch(() => undefined)

/** @returns the comparison of each step whose reads succeeded */
export async function compareSteps(run: Run, observations: Observations): Promise<Comparison[]> {
  const [target, decision, loadBalancer] = await Promise.all([
    valueOrUndefined(observations.target),
    valueOrUndefined(observations.certificateDecision),
    valueOrUndefined(observeSnapshot(observations)),
  ])
  const comparisons: Comparison[] = []
  if (decision) comparisons.push(compareCertificate(run, decision))
  if (!target) return comparisons
  comparisons.push(compareRelease(run, target), compareIngress(run, target, decision))
  if (loadBalancer) comparisons.push(compareLoadBalancer(run, target, loadBalancer.snapshot))
  return comparisons
}

/** Tells a load balancer that does not exist from one that could not be read. */
async function observeSnapshot(
  observations: Observations,
): Promise<{ readonly snapshot: LoadBalancerSnapshot | undefined }> {
  return { snapshot: await observations.loadBalancer }
}

function compareCertificate({ context, clients }: Run, decision: CertificateDecision): Comparison {
  return {
    step: 'certificate',
    differences: certificate.plan(decision),
    runAdditionalChecks: async () => {
      if ('arn' in decision) await certificate.logUsageNotes(context, clients.acm, decision.arn)
      logSupersededNotes(context, decision)
    },
  }
}

function compareRelease({ context, settings }: Run, target: Target): Comparison {
  const differences = release.plan(target, settings)
  return {
    step: 'release',
    differences,
    runAdditionalChecks: () => {
      release.logReleaseNotes(context, settings, target, differences)
      logRestartNotes(context, target, differences)
    },
  }
}

function compareIngress(
  { settings }: Run,
  target: Target,
  decision: CertificateDecision | undefined,
): Comparison {
  const arn = decision ? expectedArn(decision) : fallbackArn(settings, target)
  return { step: 'ingress', differences: ingress.plan(target, settings, arn) }
}

/** The ARN to expect when ACM could not be read: that of the inputs, or else the current one. */
function fallbackArn({ certificate: source }: Settings, { ingress: liveIngress }: Target): string {
  if (source.kind === 'arn') return source.arn
  const currentArn = liveIngress && parseCertificateArns(liveIngress)[0]
  return currentArn ?? unknownCertificateArn
}

function compareLoadBalancer(
  { context, settings, clients }: Run,
  target: Target,
  snapshot: LoadBalancerSnapshot | undefined,
): Comparison {
  return {
    step: 'load-balancer',
    differences: planForCheck(context, settings, target, snapshot),
    runAdditionalChecks: () =>
      checkState(context, settings, clients.loadBalancers, { target, observed: snapshot }),
  }
}
