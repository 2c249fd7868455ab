/** Failures of a whole run: any step may end with them. */
import { ActionError } from './action-error.ts'
import type { StepName } from './codes.ts'
import { countObjects, formatCount, getErrorMessage } from '../util/text.ts'

/** The workflow run, or this job of it, was cancelled. */
export const jobCancelled = (): ActionError =>
  new ActionError({
    code: 'cancelled',
    problem: 'The job was cancelled.',
    remedy: 'Run the job again at any time: it continues from the state that this run left.',
  })

/** A value was thrown that is no known failure: a bug in the action. */
export const internalError = (thrown: unknown): ActionError =>
  new ActionError({
    code: 'internal-error',
    problem: `The action failed unexpectedly: ${getErrorMessage(thrown)}`,
    remedy:
      'Run the job again with debug logging. If it fails again, open an issue in the repository of the action, and attach the log.',
    cause: thrown,
  })

/** A value that differs from the inputs. `before` or `after` is absent when the value is. */
interface Difference {
  readonly object: string
  readonly path: string
  readonly before?: string
  readonly after?: string
  readonly why: string
}

/** How many differences an error lists. */
const maxListedDifferences = 3

/** What a deploy with the same inputs would do, as far as a check knows. */
export interface DeployOutlook {
  /** Whether it found nothing else at which the deploy would fail. */
  readonly isDeployable: boolean
  /** Whether the deploy fails without `force-conflicts: true`. */
  readonly requiresForce: boolean
}

/**
 * A check found differences between the inputs and the deployment.
 * @param step the step of the first difference
 * @param differences at least one
 */
export function driftFound(
  step: StepName,
  differences: readonly Difference[],
  outlook: DeployOutlook,
): ActionError {
  const listed = selectListed(differences).map(describeDifference)
  const unlistedCount = differences.length - listed.length
  if (unlistedCount > 0) listed.push(`and ${formatCount(unlistedCount, 'more field')}`)
  const { objects, fields } = countObjects(differences)
  return new ActionError({
    code: 'drift-found',
    step,
    problem: `The deployment differs from the inputs in ${objects}${fields}: ${listed.join('; ')}.`,
    remedy: adviseDeploy(outlook),
  })
}

function adviseDeploy({ isDeployable, requiresForce }: DeployOutlook): string {
  const inputs = requiresForce ? 'force-conflicts: true' : 'the same inputs'
  const deploy = `mode deploy with ${inputs} to correct this, or change the inputs if it is intended.`
  return isDeployable
    ? `Run ${deploy}`
    : `First solve the other problems of this check: a deploy would fail because of them. Then run ${deploy}`
}

/** One of each object before the others, so that a new Ingress does not hide the rest. */
function selectListed(differences: readonly Difference[]): Difference[] {
  const first = new Map<string, Difference>()
  for (const difference of differences)
    if (!first.has(difference.object)) first.set(difference.object, difference)
  return [...new Set([...first.values(), ...differences])].slice(0, maxListedDifferences)
}

function describeDifference({ object, path, before, after, why }: Difference): string {
  // The sentence begins with the same words.
  const reason = why.replace(/^differs from the inputs(: |, and )?/, '')
  const difference = `${object}: ${path} is ${before ?? 'absent'}, expected ${after ?? 'absent'}`
  return reason === '' ? difference : `${difference} (${reason})`
}

/**
 * A check found no difference, but could not check everything.
 * @param unchecked what it could not check, at least one phrase
 */
export const driftUnknown = (unchecked: readonly string[]): ActionError =>
  new ActionError({
    code: 'drift-unknown',
    step: 'preflight',
    problem: `No differences were found, but this run could not check ${unchecked.join('; ')}.`,
    remedy:
      'Grant the role the permissions that docs/permissions.md lists for a check. If AWS did not answer, run the job again.',
  })

/**
 * A run that failed could not roll back all of its changes.
 * @param incidents what was not rolled back and why, one or more sentences each
 */
export const rollbackIncomplete = (incidents: readonly string[]): ActionError =>
  new ActionError({
    code: 'rollback-incomplete',
    problem: `The rollback is incomplete. ${incidents.join(' ')}`,
    remedy:
      'Roll back the rest by hand, or fix the failure and run the job again: it continues from the current state.',
  })
