/** The action fleet/plan: turns targets into the matrix of a job. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import {
  getBooleanInput,
  getInput,
  notice,
  setFailed,
  setOutput,
  setSecret,
  summary,
} from '@actions/core'
import {
  failedNotForChecks,
  maxParallelTooSmall,
  planTooLarge,
  targetsFileUnreadable,
  tokenMissing,
} from '../../failures/fleet.ts'
import { formatCount, getErrorMessage, truncate } from '../../util/text.ts'
import { isDryRun, readCount, readFlag } from '../job-inputs.ts'
import { writeOutcomes } from '../outcomes.ts'
import { GitHub } from '../github/github.ts'
import { checkEnvironments } from './environments.ts'
import {
  describeFailedTargets,
  failedFilter,
  findFailedTargets,
  wholeFileSuffix,
} from './failed.ts'
import {
  buildJobs,
  findCommonInputs,
  getConcurrencyGroup,
  splitIntoMatrices,
  type Job,
} from './matrix.ts'
import { escapeCell } from '../report/markdown.ts'
import { compileFilter, filterTargets } from './filter.ts'
import { compareTargets, isFromFork, type TargetComparison } from './pull-request.ts'
import { readTargets, readWorkflowTarget, type TargetsResult, type FleetTarget } from './targets.ts'

/** Characters: the report passes the problems on in a variable of at most 128 KiB. */
const maxProblemsLength = 30_000

/**
 * Source: GitHub, workflow syntax, jobs.<job_id>.outputs: 1 MB per job, estimated in UTF-16. The
 * rest is for the other outputs; `problems` is empty when there are jobs.
 */
const maxOutputBytes = 2 ** 20 - 4_096

/** What is known of the environment of the jobs; their runner may be another one. */
const jobEnvironment = {
  MILVUS_ALB_WITHOUT_CHECKOUT: process.env['MILVUS_ALB_WITHOUT_CHECKOUT'],
}

let hasRecordedOutcomes = false

async function run(): Promise<void> {
  setOutput('problems', '')
  setOutput('attempt', process.env['GITHUB_RUN_ATTEMPT'] ?? '1')
  setOutput('outcomes', '')
  const path = getInput('file')
  const isPullRequest = getBooleanInput('pull-request')
  const skipReason = isPullRequest && isFromFork(process.env) ? 'fork' : ''
  setOutput('skipped', skipReason)
  // The report of a file with problems needs it too.
  if (path !== '') setOutput('artifacts', getArtifactPrefix([]))
  const selectedTargets = await readSelectedTargets(path)
  const { changed: targets, abandoned } =
    skipReason === '' ? selectChanged(selectedTargets) : await skipFork(selectedTargets)
  // At once: a run that fails below deploys none of these targets.
  if (recordsOutcomes() && targets.length > 0) recordOutcomes(targets)
  await checkEnvironments(targets, connectToGitHub(), {
    environmentsOf: getEnvironmentSelector(isPullRequest),
    required: readFlag('require-environments'),
  })
  const commonInputs = findCommonInputs(targets)
  const matrixCount = readCount('matrices') ?? 1
  const jobs = buildJobs(targets, {
    runsOn: getInput('runs-on') || 'ubuntu-latest',
    check: isPullRequest || getInput('mode') === 'check',
    commonInputs,
    matrixCount,
    maxJobs: readCount('max-jobs'),
  })
  // Without a file, the targets themselves identify the selection.
  if (path === '') setOutput('artifacts', getArtifactPrefix(targets.map(getTargetKey)))
  const matrices = splitIntoMatrices(jobs)
  setOutputs({
    ...createMatrixOutputs(matrices, matrixCount),
    'max-parallel': divideParallelJobs(readCount('max-parallel'), matrices.length),
    'common-inputs': JSON.stringify(commonInputs),
    targets: JSON.stringify(targets.map(({ name }) => name)),
    unchanged: String(selectedTargets.length - targets.length),
    abandoned: JSON.stringify(abandoned),
  })
  console.log(`${formatCount(targets.length, 'target')} in ${formatCount(jobs.length, 'job')}`)
}

/** Whether later runs with `only: failed` need to know what happened in this one. */
const recordsOutcomes = (): boolean =>
  getInput('file') !== '' && getInput('mode') !== 'check' && !getBooleanInput('pull-request')

/** No target has succeeded yet: fleet/report replaces this when the jobs have ended. */
function recordOutcomes(targets: readonly FleetTarget[]): void {
  hasRecordedOutcomes = true
  const suffix = getFilter() === '' ? wholeFileSuffix : hash([getFilter()])
  const outcomes = targets.map(({ name }) => ({ name, succeeded: false }))
  setOutput('outcomes', getOutcomesPrefix() + suffix)
  setOutput('outcomes-file', writeOutcomes(outcomes, process.env['RUNNER_TEMP'] ?? '.'))
}

/** @returns undefined without a token, and outside of GitHub */
function connectToGitHub(): GitHub | undefined {
  const token = getInput('token')
  const { GITHUB_API_URL: apiUrl, GITHUB_REPOSITORY: repository } = process.env
  if (token === '' || !apiUrl || !repository) return undefined
  setSecret(token)
  return new GitHub({ apiUrl, repository, token })
}

/** `matrix`, `matrix-2` and so on, as many as the workflow has; empty without jobs. */
function createMatrixOutputs(
  matrices: readonly (readonly Job[])[],
  matrixCount: number,
): Record<string, string> {
  const outputs = Array.from({ length: matrixCount }, (_, index): [string, string] => {
    const jobs = matrices[index]
    const name = index === 0 ? 'matrix' : `matrix-${index + 1}`
    return [name, jobs === undefined ? '' : JSON.stringify({ include: jobs })]
  })
  return Object.fromEntries(outputs)
}

/**
 * The `max-parallel` of each matrix.
 * @param maxParallel of all matrices together
 * @throws RangeError when it is not enough for one job of each matrix
 */
function divideParallelJobs(maxParallel: number | undefined, matrixCount: number): string {
  if (maxParallel === undefined) return ''
  if (maxParallel < matrixCount) throw maxParallelTooSmall(maxParallel, matrixCount)
  return String(Math.floor(maxParallel / Math.max(1, matrixCount)))
}

/** Selects the targets that a pull request changes: all without a file to compare with. */
function selectChanged(targets: readonly FleetTarget[]): TargetComparison {
  const basePath = getInput('base-file')
  if (basePath === '') return { changed: targets, abandoned: [] }
  return compareTargets(targets, readBaseTargets(basePath))
}

/** None if the file is new, or was so broken that nothing could be deployed with it. */
function readBaseTargets(path: string): readonly FleetTarget[] {
  if (!existsSync(path)) return []
  const result = readTargetsFile(path)
  if (!('targets' in result)) return []
  const isSelected = compileFilter(getInput('only'))
  return result.targets.filter(({ name }) => isSelected(name))
}

/** Selects no target, and says why. */
async function skipFork(targets: readonly FleetTarget[]): Promise<TargetComparison> {
  const text =
    'This pull request comes from a fork. GitHub gives its workflow no secrets and a token that ' +
    'can only read, so no target was compared with AWS, and no comment was written.'
  const title = `${formatCount(targets.length, 'target')} can be planned, and none was`
  console.log(`${title}. ${text}`)
  await summary.addHeading(title, 3).addRaw(text, true).write()
  return { changed: [], abandoned: [] }
}

/** @throws Error when GitHub would drop them */
function setOutputs(outputs: Readonly<Record<string, string>>): void {
  const size = Object.values(outputs).reduce(
    (sum, text) => sum + Buffer.byteLength(text, 'utf16le'),
    0,
  )
  if (size > maxOutputBytes) throw planTooLarge(size, maxOutputBytes)
  for (const [name, text] of Object.entries(outputs)) setOutput(name, text)
}

/** A single target needs no filter. */
const getFilter = (): string => (getInput('file') === '' ? '' : getInput('only'))

const hash = (parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8)

/** A pull request is planned in one environment, and deployed in another one later. */
function getEnvironmentSelector(isPullRequest: boolean): (target: FleetTarget) => string[] {
  if (isPullRequest) return ({ environment, checkEnvironment }) => [environment, checkEnvironment]
  const isCheck = getInput('mode') === 'check'
  return ({ environment, checkEnvironment }) => [isCheck ? checkEnvironment : environment]
}

/** What a run does with the targets: its results say nothing about other runs. */
function getRunKind(): string[] {
  const dryRun = isDryRun() ? ['dry-run'] : []
  const pullRequest = getBooleanInput('pull-request') ? ['pull-request'] : []
  return [getInput('mode') || 'deploy', ...dryRun, ...pullRequest]
}

/** Of the artifacts about all selections of the file. */
const getOutcomesPrefix = (): string =>
  `milvus-alb-outcomes-${hash([...getRunKind(), getInput('file')])}-`

/**
 * Distinguishes the selections of targets within a run, whose artifacts need different names (a
 * plan and the deployment that follows it, for example), and within a workflow, which keeps an
 * issue per selection.
 * @param targetKeys of targets without a file
 */
function getArtifactPrefix(targetKeys: readonly string[]): string {
  const selection = [...getRunKind(), getInput('file'), getFilter(), ...targetKeys]
  return `milvus-alb-results-${hash(selection)}-`
}

/** @param path of the targets file; empty for the single target of a reusable workflow */
async function readSelectedTargets(path: string): Promise<readonly FleetTarget[]> {
  const source = path || 'The workflow'
  const result =
    path === ''
      ? readWorkflowTarget(getInput('target', { required: true }), jobEnvironment)
      : readTargetsFile(path)
  if ('targets' in result)
    return getFilter() === failedFilter
      ? selectFailedTargets(result.targets)
      : filterTargets(result.targets, getFilter(), source)
  const { problems } = result
  const title = `${source} has ${formatCount(problems.length, 'problem')}`
  await summary.addHeading(escapeCell(title), 3).addList(problems.map(escapeCell)).write()
  throw new TargetsError(title, problems)
}

/** The problems that prevent every target from being deployed or checked. */
class TargetsError extends Error {
  readonly problems: readonly string[]

  constructor(title: string, problems: readonly string[]) {
    super(`${title}:\n${problems.map((problem) => `- ${problem}`).join('\n')}`)
    this.problems = problems
  }
}

/** Passes the reason on to the report. A single target has no report, and no issue. */
function fail(thrown: unknown): void {
  const problems = thrown instanceof TargetsError ? thrown.problems : [getErrorMessage(thrown)]
  const list = problems.map((problem) => `- ${escapeCell(problem)}`).join('\n')
  if (getInput('file') !== '') setOutput('problems', truncate(list, maxProblemsLength))
  // Without a selection, no earlier run says anything about the targets of this file.
  if (recordsOutcomes() && getFilter() === '' && !hasRecordedOutcomes) recordOutcomes([])
  setFailed(getErrorMessage(thrown))
}

function readTargetsFile(path: string): TargetsResult {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (thrown) {
    throw targetsFileUnreadable(path, thrown)
  }
  return readTargets(text, jobEnvironment)
}

/** @throws Error when earlier runs do not say which targets failed */
async function selectFailedTargets(
  targets: readonly FleetTarget[],
): Promise<readonly FleetTarget[]> {
  if (getInput('mode') === 'check' || getBooleanInput('pull-request')) throw failedNotForChecks()
  const { GITHUB_RUN_ID: runId, GITHUB_RUN_ATTEMPT: attempt = '1' } = process.env
  const github = connectToGitHub()
  if (github === undefined) throw tokenMissing()
  const found = await findFailedTargets(targets, github, {
    runId: Number(runId),
    attempt: Number(attempt),
    prefix: getOutcomesPrefix(),
  })
  notice(describeFailedTargets(found))
  return [...found.failed, ...found.unplanned]
}

const getTargetKey = (target: FleetTarget): string =>
  `${getConcurrencyGroup(target)} ${target.name}`

await run().catch(fail)
