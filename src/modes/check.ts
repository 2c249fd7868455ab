/**
 * check: every step's plan and nothing else, then the probe, then whether a deploy would change
 * anything. Writes nothing, and asks for no right to.
 */
import type { X509Certificate } from 'node:crypto'
import { ActionError, combineErrors } from '../failures/action-error.ts'
import { toActionError } from '../failures/thrown.ts'
import { type StepName } from '../failures/codes.ts'
import type { Change, Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import * as certificate from '../steps/certificate/certificate.ts'
import { logSupersededNotes } from '../steps/certificate/superseded.ts'
import type { CertificateDecision } from '../steps/certificate/selection.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import { parseCertificateArns } from '../steps/ingress/manifest.ts'
import { planForCheck, checkState } from '../steps/load-balancer/check.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import * as release from '../steps/release/release.ts'
import { logRestartNotes } from '../steps/release/restarts.ts'
import {
  expectedArn,
  setAddressOutputs,
  setCertificateOutputs,
  setTargetOutputs,
  startObservations,
  type Observations,
} from './plan.ts'
import { runProbe } from './run-probe.ts'
import { createClients, type Clients } from './clients.ts'

/**
 * @throws ActionError of what a deploy could not heal, and `drift-found` or `drift-unknown`
 *   unless fail-on-drift is false
 */
export async function check(
  parentContext: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const unreadable: string[] = []
  const context: Context = {
    ...parentContext,
    recordUnreadable: (what) => {
      unreadable.push(what)
      parentContext.recordUnreadable(what)
    },
  }
  context.setOutput('drift', 'unknown')
  const clients = createClients(context, settings, env)
  const failures: ActionError[] = []
  const collectFailure = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (thrown) {
      const failure = toActionError(thrown)
      if (failure.code === 'cancelled') throw failure
      failures.push(failure)
      return false
    }
  }
  const observations = startObservations(context, settings, clients)
  await collectFailure(() =>
    context.step('preflight', async () => {
      await observations.allChecks
      return { summary: 'all that has to be there is', result: undefined }
    }),
  )
  const comparisons = await compareSteps(context, settings, clients, observations)
  const allDifferences: Change[] = []
  let isComplete = comparisons.length === comparedStepCount
  for (const { step, differences, runAdditionalChecks } of comparisons) {
    const isSuccessful = await collectFailure(() =>
      context.step(step, async () => {
        differences.forEach((difference) => context.recordDifference(difference))
        allDifferences.push(...differences)
        await runAdditionalChecks?.()
        return {
          summary:
            differences.length === 0
              ? 'nothing differs'
              : formatDifferenceCount(differences.length),
          result: undefined,
        }
      }),
    )
    isComplete &&= isSuccessful
  }
  await collectFailure(() => probeCurrentEndpoint(context, settings, clients, observations))

  context.setOutput(
    'drift',
    allDifferences.length > 0 ? 'true' : unreadable.length > 0 || !isComplete ? 'unknown' : 'false',
  )
  const drift = createDriftError(allDifferences, unreadable)
  if (drift && !settings.failOnDrift) context.log.warn(`${drift.message} ${drift.remedy}`)
  if (drift && settings.failOnDrift) failures.push(drift)
  if (failures.length > 0) throw combineErrors(failures)
}

/** certificate, release, ingress, load-balancer. */
const comparedStepCount = 4

/** A step's differences, and what is looked at besides. */
interface Comparison {
  readonly step: StepName
  readonly differences: readonly Change[]
  readonly runAdditionalChecks?: () => Promise<void>
}

/** The value of a read; undefined when it failed, which `all` says. */
const valueOrUndefined = async <T>(promise: Promise<T>): Promise<T | undefined> =>
  promise.catch(() => undefined)

/** What differs of every step whose reads worked. */
async function compareSteps(
  context: Context,
  settings: Settings,
  clients: Clients,
  observations: Observations,
): Promise<Comparison[]> {
  const [target, decision, loadBalancerResult] = await Promise.all([
    valueOrUndefined(observations.target),
    valueOrUndefined(observations.certificateDecision),
    valueOrUndefined(observations.loadBalancer.then((snapshot) => ({ observed: snapshot }))),
  ])
  if (decision) setServedCertificateOutputs(context, decision)
  const certificateComparisons: Comparison[] = decision
    ? [
        {
          step: 'certificate',
          differences: certificate.plan(decision),
          runAdditionalChecks: async () => {
            if ('arn' in decision)
              await certificate.logUsageNotes(context, clients.acm, decision.arn)
            logSupersededNotes(context, decision)
          },
        },
      ]
    : []
  if (!target) return certificateComparisons
  setTargetOutputs(context, target)
  const releaseChanges = release.plan(target, settings)
  release.logReleaseNotes(context, settings, target, releaseChanges)
  logRestartNotes(context, target, releaseChanges)
  return [
    ...certificateComparisons,
    { step: 'release', differences: releaseChanges },
    {
      step: 'ingress',
      differences: ingress.plan(
        target,
        settings,
        decision ? expectedArn(decision) : fallbackArn(settings, target),
      ),
    },
    ...(loadBalancerResult
      ? [
          {
            step: 'load-balancer' as const,
            differences: planForCheck(context, settings, target, loadBalancerResult.observed),
            runAdditionalChecks: () =>
              checkState(
                context,
                settings,
                clients.loadBalancers,
                target,
                loadBalancerResult.observed,
              ),
          },
        ]
      : []),
  ]
}

/** When ACM did not say: the ARN that is given, or else whatever the Ingress names. */
const fallbackArn = ({ certificate: source }: Settings, { ingress: liveIngress }: Target): string =>
  (source.kind === 'arn' ? source.arn : liveIngress && parseCertificateArns(liveIngress)[0]) ??
  '(of the certificate that a deploy is given)'

/** A check says what is there, also of a certificate that a deploy would renew. */
function setServedCertificateOutputs(context: Context, decision: CertificateDecision): void {
  if (decision.action === 'use') setCertificateOutputs(context, decision)
  if (decision.action === 'reimport')
    setCertificateOutputs(context, { arn: decision.arn, leaf: decision.previousLeaf })
}

async function probeCurrentEndpoint(
  context: Context,
  settings: Settings,
  clients: Clients,
  observations: Observations,
): Promise<void> {
  const [cluster, target, decision] = await Promise.all([
    valueOrUndefined(clients.cluster),
    valueOrUndefined(observations.target),
    valueOrUndefined(observations.certificateDecision),
  ])
  const address = target && setAddressOutputs(context, settings, target)
  if (!cluster || !target || address === undefined || !settings.probe.required) return
  await runProbe(
    context,
    settings,
    { ...clients, ...cluster },
    target,
    address,
    decision && findServedCertificate(target, decision),
  )
}

/**
 * The certificate that the Ingress names, as far as it is known: not the one given, which a deploy
 * would still have to put there.
 */
function findServedCertificate(
  { ingress }: Target,
  decision: CertificateDecision,
): X509Certificate | undefined {
  const arn = ingress && parseCertificateArns(ingress)[0]
  if (decision.action === 'use' && decision.arn === arn) return decision.leaf
  return decision.action === 'reimport' && decision.arn === arn ? decision.previousLeaf : undefined
}

const formatDifferenceCount = (count: number): string =>
  `${count} difference${count === 1 ? '' : 's'}`

/** How many differences are named. */
const maxListedDifferences = 3

/** What a check has to say; undefined when all was seen and nothing differs. Pure. */
export function createDriftError(
  differences: readonly Change[],
  unreadable: readonly string[],
): ActionError | undefined {
  const [first] = differences
  if (first) {
    const listed = differences
      .slice(0, maxListedDifferences)
      .map(
        ({ object, path, before, after, why }) =>
          `${object}: ${path} is ${before ?? 'not there'}, and should ${after === undefined ? 'not be there' : `be ${after}`} (${why})`,
      )
    const suffix =
      differences.length > maxListedDifferences
        ? `; and ${differences.length - maxListedDifferences} more`
        : ''
    return new ActionError({
      code: 'drift-found',
      step: first.step,
      problem: `${formatDifferenceCount(differences.length)} from what the inputs say: ${listed.join('; ')}${suffix}.`,
      remedy:
        'Run mode deploy with the same inputs to set it right, or change the inputs when the difference is meant.',
    })
  }
  if (unreadable.length === 0) return undefined
  return new ActionError({
    code: 'drift-unknown',
    step: 'preflight',
    problem: `Nothing differs in what could be seen, but this run could not see ${unreadable.join('; ')}.`,
    remedy:
      'Give the role of the check the permissions that docs/permissions.md lists for a check; when AWS had no answer, run the job again.',
  })
}
