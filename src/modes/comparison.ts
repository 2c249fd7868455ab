/** What a check compares: the differences of each step from the inputs. */
import type { StepName } from '../failures/codes.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import type { CertificatePlan } from '../steps/certificate/selection.ts'
import { logSupersededNotes } from '../steps/certificate/superseded.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import type { IngressOperation } from '../steps/ingress/operations.ts'
import { checkState, findDifferences } from '../steps/load-balancer/check.ts'
import type { LoadBalancerPlanInput } from '../steps/load-balancer/load-balancer.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import type { ReleaseDifference } from '../steps/release/differences.ts'
import * as release from '../steps/release/release.ts'
import { logRestartNotes } from '../steps/release/restarts.ts'
import type { EndpointRun } from '../steps/run.ts'
import type { Change } from '../steps/step.ts'
import type { Observations } from './observations.ts'

/** A compared step. */
export interface Comparison {
  readonly step: StepName
  readonly differences: readonly Change[]
  /** Whether a deploy corrects them only with `force-conflicts: true`. */
  readonly requiresForce?: boolean
  /** Why there is nothing to compare. */
  readonly missingObject?: string | undefined
  /** Checks and notes that are no differences. */
  readonly runAdditionalChecks?: () => void | Promise<void>
}

/** The steps that a check compares: certificate, release, ingress, load-balancer. */
export const comparedStepCount = 4

/** The value of a read. Undefined when the read failed, which `allChecks` reports. */
export const valueOrUndefined = <T>(promise: Promise<T>): Promise<T | undefined> =>
  promise.catch(() => undefined)

/** @returns the comparison of each step whose reads succeeded */
export async function compareSteps(
  run: EndpointRun,
  observations: Observations,
): Promise<Comparison[]> {
  const [target, certificatePlan, observedLoadBalancer] = await Promise.all([
    valueOrUndefined(observations.target),
    valueOrUndefined(observations.certificatePlan),
    valueOrUndefined(observations.observedLoadBalancer),
  ])
  const comparisons: Comparison[] = []
  if (certificatePlan) comparisons.push(compareCertificate(run, certificatePlan))
  if (!target) return comparisons
  comparisons.push(compareRelease(run, target, await observations.releaseDifferences))
  comparisons.push(compareIngress(await observations.ingressOperations))
  if (!observedLoadBalancer) return comparisons
  const certificateArn = await observations.certificateArn
  comparisons.push(
    compareLoadBalancer(run, { target, certificateArn, observed: observedLoadBalancer }),
  )
  return comparisons
}

const compareCertificate = (run: EndpointRun, plan: CertificatePlan): Comparison => ({
  step: 'certificate',
  differences: certificate.toChanges(plan.operations),
  runAdditionalChecks: async () => {
    if (plan.current) await certificate.logUsageNotes(run, plan.current.arn)
    logSupersededNotes(run.context, plan)
  },
})

function compareRelease(
  run: EndpointRun,
  target: Target,
  differences: readonly ReleaseDifference[],
): Comparison {
  const name = target.release?.latestRevision.name ?? target.unreadableReleaseName
  return {
    step: 'release',
    differences:
      name === undefined ? [] : release.toDifferences(run.settings.namespace, name, differences),
    requiresForce: release.requiresForce(run, target, differences),
    runAdditionalChecks: () => {
      release.logReleaseNotes(run, target, differences)
      logRestartNotes(run.context, target, differences)
    },
  }
}

const compareIngress = (operations: readonly IngressOperation[]): Comparison => ({
  step: 'ingress',
  differences: ingress.toChanges(operations),
  requiresForce: ingress.requiresForce(operations),
})

const compareLoadBalancer = (run: EndpointRun, input: LoadBalancerPlanInput): Comparison => ({
  step: 'load-balancer',
  differences: findDifferences(run, input),
  missingObject: input.target.ingress ? undefined : 'the Ingress does not exist yet',
  runAdditionalChecks: () => checkState(run, input.target, input.observed.snapshot),
})
