/** `only: failed`: the targets that did not succeed when they were last deployed. */
import { formatCount, truncate } from '../../util/text.ts'
import {
  failedOutcomesExpired,
  failedOutcomesMissing,
  failedOutcomesTooOld,
} from '../../failures/fleet.ts'
import type { Artifact, GitHub, WorkflowRun } from '../github/github.ts'
import { combineOutcomes, readOutcomes, type RecordedOutcomes } from '../outcomes.ts'
import type { FleetTarget } from './targets.ts'

/** The value of input `only`; no target can have this name. */
export const failedFilter = 'failed'

/** The end of an artifact's name, when its run selected all targets of the file. */
export const wholeFileSuffix = 'all'

/** Each run costs at least one request, of the 1,000 that GitHub allows an hour. */
const maxRuns = 50

/** Where to look for earlier outcomes. */
export interface FailedSelection {
  /** GITHUB_RUN_ID and GITHUB_RUN_ATTEMPT. */
  readonly runId: number
  readonly attempt: number
  /** Of the artifacts with outcomes of the same file, mode and `dry-run`. */
  readonly prefix: string
}

/** Targets that did not succeed, and those that no run has planned, which are new in the file. */
export interface FailedTargets {
  readonly failed: readonly FleetTarget[]
  readonly unplanned: readonly FleetTarget[]
}

/**
 * Selects targets by the newest run that planned them. A run of a part of the file says nothing
 * about other targets, so earlier runs are read up to one of the whole file.
 * @throws Error when no earlier run has outcomes, or when they have expired
 */
export async function findFailedTargets(
  targets: readonly FleetTarget[],
  github: GitHub,
  selection: FailedSelection,
): Promise<FailedTargets> {
  const names = targets.map(({ name }) => name)
  const outcomes = combineOutcomes(await readEarlierOutcomes(names, github, selection))
  return {
    failed: targets.filter(({ name }) => outcomes.get(name) === false),
    unplanned: targets.filter(({ name }) => !outcomes.has(name)),
  }
}

/** For an annotation. */
export function describeFailedTargets({ failed, unplanned }: FailedTargets): string {
  const sentences = [
    describeTargets('did not succeed in the last run', failed),
    describeTargets('in no earlier run', unplanned),
  ].filter((sentence) => sentence !== '')
  return sentences.length > 0
    ? sentences.join(' ')
    : 'Every target succeeded in its last run. This run has nothing to do.'
}

const describeTargets = (what: string, targets: readonly FleetTarget[]): string =>
  targets.length === 0
    ? ''
    : `${formatCount(targets.length, 'target')} ${what}: ` +
      `${truncate(targets.map(({ name }) => name).join(', '), 500)}.`

async function readEarlierOutcomes(
  names: readonly string[],
  github: GitHub,
  { runId, attempt, prefix }: FailedSelection,
): Promise<RecordedOutcomes[]> {
  const earlierRuns = await github.listEarlierRuns(runId, maxRuns)
  // An earlier attempt of this run is the newest of all.
  const runs = attempt > 1 ? [{ id: runId, url: '' }, ...earlierRuns] : earlierRuns
  const recorded: RecordedOutcomes[] = []
  let isComplete = earlierRuns.length < maxRuns
  for (const run of runs) {
    // Several: of attempts, and of jobs that deploy different parts of the file.
    const artifacts = await github.listArtifacts(run.id, prefix)
    recorded.push(...(await downloadOutcomes(artifacts, run, github)))
    const known = combineOutcomes(recorded)
    if (artifacts.some(isOfWholeFile) || names.every((name) => known.has(name))) {
      isComplete = true
      break
    }
  }
  if (recorded.length === 0) throw failedOutcomesMissing(maxRuns)
  if (!isComplete) throw failedOutcomesTooOld(maxRuns)
  return recorded
}

const isOfWholeFile = ({ name }: Artifact): boolean => name.endsWith(`-${wholeFileSuffix}`)

function downloadOutcomes(
  artifacts: readonly Artifact[],
  { url }: WorkflowRun,
  github: GitHub,
): Promise<RecordedOutcomes[]> {
  if (artifacts.some(({ expired }) => expired)) throw failedOutcomesExpired(url)
  return Promise.all(
    artifacts.map(async (artifact) => ({
      uploadedAt: Date.parse(artifact.created_at ?? ''),
      outcomes: (await github.readArtifact(artifact)).flatMap(readOutcomes),
    })),
  )
}
