/**
 * check: compares every step with the inputs, then probes. Writes nothing, and needs no permission
 * to write.
 */
import type { X509Certificate } from 'node:crypto'
import { combineErrors, type ActionError } from '../failures/action-error.ts'
import { driftFound, driftUnknown, type DeployOutlook } from '../failures/run.ts'
import { toActionError } from '../failures/thrown.ts'
import type { EndpointSettings } from '../inputs/types.ts'
import type { CertificatePlan } from '../steps/certificate/selection.ts'
import { parseCertificateArns, servesRest } from '../steps/ingress/manifest.ts'
import { findTargetGroupArn } from '../steps/load-balancer/target-health.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import { formatDifferences } from '../util/text.ts'
import type { EndpointRun } from '../steps/run.ts'
import type { Change, Context } from '../steps/step.ts'
import { createClients } from './clients.ts'
import { comparedStepCount, compareSteps, valueOrUndefined, type Comparison } from './comparison.ts'
import { startObservations, type Observations } from './observations.ts'
import { setAddressOutputs, setCertificateOutputs, setTargetOutputs } from './outputs.ts'
import { runProbe } from './run-probe.ts'

/**
 * @throws ActionError of every problem that a deploy could not fix, and `drift-found` or
 *   `drift-unknown` unless fail-on-drift is false
 */
export async function check(
  parentContext: Context,
  settings: EndpointSettings,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const unchecked: string[] = []
  const context: Context = {
    ...parentContext,
    recordUnreadable: (what) => {
      unchecked.push(what)
      parentContext.recordUnreadable(what)
    },
  }
  context.setOutput('drift', 'unknown')
  const run: EndpointRun = { context, settings, clients: createClients(context, settings, env) }
  const failures = new FailureCollector()
  const observations = startObservations(run)
  await failures.collect(() => checkPrerequisites(run, observations))
  await setCurrentOutputs(run, observations)
  const { differences, requiresForce, isComplete } = await compareAll(run, observations, failures)
  // A deploy may solve what the probe finds.
  const isDeployable = failures.isEmpty
  await failures.collect(() => probeCurrentEndpoint(run, observations))

  const isEverythingChecked = isComplete && unchecked.length === 0
  context.setOutput('drift', describeDrift(differences, isEverythingChecked))
  const drift = createDriftError(differences, unchecked, { isDeployable, requiresForce })
  if (drift && settings.failOnDrift) failures.add(drift)
  else if (drift) context.log.warn(`${drift.message} ${drift.remedy}`)
  failures.throwIfAny()
}

/** The failures of a check. A check continues after each, except after a cancellation. */
class FailureCollector {
  private readonly failures: ActionError[] = []

  /**
   * @returns whether `work` succeeded
   * @throws ActionError `cancelled`
   */
  async collect(work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (thrown) {
      const failure = toActionError(thrown)
      if (failure.code === 'cancelled') throw failure
      this.add(failure)
      return false
    }
  }

  add(failure: ActionError): void {
    this.failures.push(failure)
  }

  get isEmpty(): boolean {
    return this.failures.length === 0
  }

  throwIfAny(): void {
    if (this.failures.length > 0) throw combineErrors(this.failures)
  }
}

const checkPrerequisites = ({ context }: EndpointRun, observations: Observations): Promise<void> =>
  context.step('preflight', async () => {
    await observations.allChecks
    return { summary: 'no problems found', result: undefined }
  })

/** Sets the outputs that describe the current state, even where a deploy would change it. */
async function setCurrentOutputs(run: EndpointRun, observations: Observations): Promise<void> {
  const [target, certificatePlan] = await Promise.all([
    valueOrUndefined(observations.target),
    valueOrUndefined(observations.certificatePlan),
  ])
  if (certificatePlan?.current) setCertificateOutputs(run, certificatePlan.current)
  if (target) setTargetOutputs(run, target)
}

interface ComparisonResult {
  readonly differences: readonly Change[]
  /** Whether a deploy corrects them only with `force-conflicts: true`. */
  readonly requiresForce: boolean
  /** Whether every step was compared, and every additional check passed. */
  readonly isComplete: boolean
}

async function compareAll(
  run: EndpointRun,
  observations: Observations,
  failures: FailureCollector,
): Promise<ComparisonResult> {
  const comparisons = await compareSteps(run, observations)
  let isComplete = comparisons.length === comparedStepCount
  for (const comparison of comparisons) {
    const isSuccessful = await failures.collect(() => reportComparison(run, comparison))
    isComplete &&= isSuccessful
  }
  return {
    differences: comparisons.flatMap(({ differences }) => differences),
    requiresForce: comparisons.some((comparison) => comparison.requiresForce === true),
    isComplete,
  }
}

const reportComparison = (
  { context }: EndpointRun,
  { step, differences, missingObject, runAdditionalChecks }: Comparison,
): Promise<void> =>
  context.step(step, async () => {
    differences.forEach((difference) => context.recordDifference(difference))
    await runAdditionalChecks?.()
    if (missingObject !== undefined)
      return { summary: `skipped, ${missingObject}`, state: 'skipped', result: undefined }
    if (differences.length === 0) return { summary: 'no differences', result: undefined }
    return { summary: formatDifferences(differences), state: 'differs', result: undefined }
  })

async function probeCurrentEndpoint(run: EndpointRun, observations: Observations): Promise<void> {
  const { context, settings, clients } = run
  const [cluster, target, certificatePlan, observedLoadBalancer] = await Promise.all([
    valueOrUndefined(clients.cluster),
    valueOrUndefined(observations.target),
    valueOrUndefined(observations.certificatePlan),
    valueOrUndefined(observations.observedLoadBalancer),
  ])
  const addresses = target && setAddressOutputs(context, settings, target)
  if (!cluster || !target || !settings.probe.required) return
  if (addresses === undefined) {
    const summary = 'skipped, there is no load balancer to call'
    await context.step('probe', () =>
      Promise.resolve({ summary, state: 'skipped', result: undefined }),
    )
    return
  }
  const certificate = certificatePlan && findServedCertificate(target, certificatePlan)
  const targetGroupArn = findTargetGroupArn(observedLoadBalancer?.snapshot, settings)
  // An Ingress that does not route it yet is a difference.
  const isRestServed = settings.ingress.rest && servesRest(target.ingress)
  const endpoint = { target, addresses, certificate, isRestServed, targetGroupArn }
  await runProbe({ ...run, clients: { ...clients, ...cluster } }, endpoint)
}

/**
 * The certificate that the Ingress names, if its content is known. That of the inputs is not served
 * before a deploy.
 */
function findServedCertificate(
  { ingress }: Target,
  { current }: CertificatePlan,
): X509Certificate | undefined {
  const servedArn = ingress && parseCertificateArns(ingress)[0]
  return current && current.arn === servedArn ? current.leaf : undefined
}

/** The value of output drift. */
function describeDrift(
  differences: readonly Change[],
  isEverythingChecked: boolean,
): 'true' | 'false' | 'unknown' {
  if (differences.length > 0) return 'true'
  return isEverythingChecked ? 'false' : 'unknown'
}

/** @returns undefined when everything could be checked and nothing differs */
export function createDriftError(
  differences: readonly Change[],
  unchecked: readonly string[],
  outlook: DeployOutlook,
): ActionError | undefined {
  const [first] = differences
  if (first) return driftFound(first.step, differences, outlook)
  return unchecked.length > 0 ? driftUnknown(unchecked) : undefined
}
