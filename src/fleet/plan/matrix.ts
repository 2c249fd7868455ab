/** Distributes targets over the jobs of one or several matrices. Pure. */
import { jobTooLarge, maxJobsTooSmall, tooManyJobs } from '../../failures/fleet.ts'
import { inputDefaults, type InputName } from '../../inputs/inputs.ts'
import type { FleetTarget } from './targets.ts'

/**
 * A job of a matrix. Its targets share the environment, which contains their secrets, the role, the
 * region and the runner.
 */
export interface Job {
  readonly name: string
  readonly environment: string
  readonly 'role-to-assume': string
  readonly region: string
  /** JSON for `fromJSON`: a label, a list of labels, or a group. */
  readonly 'runs-on': string
  /** Distinguishes the jobs of all matrices. */
  readonly index: number
  /**
   * Cluster, namespace and release of the first target: with the role and the region, the
   * concurrency group of the job. Absent in mode check, which has none.
   */
  readonly concurrency?: string
  /** JSON list of `{name, inputs}`, without the common inputs. */
  readonly targets: string
}

type Inputs = FleetTarget['inputs']

/** The inputs that all targets set to the same value. */
export function findCommonInputs([first, ...others]: readonly FleetTarget[]): Inputs {
  const isCommon = ([name, value]: [string, string]): boolean =>
    others.every(({ inputs }) => inputs[name] === value)
  return Object.fromEntries(Object.entries(first?.inputs ?? {}).filter(isCommon))
}

function omitInputs(inputs: Inputs, omitted: Inputs): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).filter(([name]) => !Object.hasOwn(omitted, name)),
  )
}

/**
 * Source: GitHub, workflow syntax, jobs.<job_id>.strategy.matrix. GitHub counts the jobs of each
 * matrix by itself ("Strategy expansion exceeded 256 results for job").
 */
const maxMatrixJobs = 256

/**
 * Bytes of the targets of a job, which its step receives in a variable. Source: Linux, execve(2):
 * 128 KiB per variable.
 */
const maxJobBytes = 120_000

/**
 * The concurrency group of a release in a cluster, which only one run may change at a time.
 * deploy.yml contains the same expression for its single target.
 */
export function getConcurrencyGroup({
  roleToAssume,
  inputs,
}: Pick<FleetTarget, 'roleToAssume' | 'inputs'>): string {
  // The role identifies the account: clusters in several accounts often have the same name, and a
  // group is limited to 100 jobs.
  return ['milvus-alb', roleToAssume, inputs['region'] ?? '', describeRelease(inputs)].join('-')
}

function describeRelease(inputs: Inputs): string {
  const inputOrDefault = (name: InputName): string => inputs[name] || inputDefaults[name]
  return [
    inputOrDefault('cluster') || `${inputOrDefault('kubeconfig')} ${inputOrDefault('context')}`,
    inputOrDefault('namespace'),
    inputOrDefault('release') || inputOrDefault('service'),
  ].join('-')
}

/** How targets are distributed. */
export interface MatrixOptions {
  /** The runner of targets without one. */
  readonly runsOn: string
  /** Whether the jobs use the role and the environment of mode check. */
  readonly check: boolean
  /** What the targets of the jobs leave out. */
  readonly commonInputs?: Inputs
  /** How many matrices the workflow has; 1 when absent. */
  readonly matrixCount?: number
  /** The greatest number of jobs; when absent, 256, or more if the environments need more. */
  readonly maxJobs?: number | undefined
}

/**
 * Puts targets of the same release into the same job, and otherwise as few targets into a job as
 * the greatest number of jobs allows.
 * @throws RangeError when the targets need more jobs than that
 */
export function buildJobs(targets: readonly FleetTarget[], options: MatrixOptions): Job[] {
  const identityOf = (target: FleetTarget): JobIdentity =>
    options.check
      ? { role: target.checkRoleToAssume, environment: target.checkEnvironment }
      : { role: target.roleToAssume, environment: target.environment }
  const groups = groupBy(targets, (target) =>
    JSON.stringify([identityOf(target), target.inputs['region'] ?? '', target.runsOn]),
  )
  const releasesByGroup = groups.map((group) => groupBy(group, getConcurrencyGroup))
  const releasesPerJob = findJobSize(releasesByGroup, limitJobs(groups.length, options))
  return releasesByGroup
    .flatMap((releases) => splitIntoChunks(releases, releasesPerJob))
    .map((releases, index) => createJob(releases.flat(), { index, identityOf, ...options }))
}

/**
 * The greatest number of jobs.
 * @param neededCount one job per combination of environment, role, region and runner
 */
function limitJobs(
  neededCount: number,
  { matrixCount = 1, maxJobs }: Pick<MatrixOptions, 'matrixCount' | 'maxJobs'>,
): number {
  const limit = matrixCount * maxMatrixJobs
  if (neededCount > limit) throw tooManyJobs(neededCount, limit)
  if (maxJobs !== undefined && neededCount > maxJobs) throw maxJobsTooSmall(neededCount, maxJobs)
  return Math.min(limit, maxJobs ?? Math.max(neededCount, maxMatrixJobs))
}

/** As few matrices as possible, each with about the same number of jobs. */
export function splitIntoMatrices(jobs: readonly Job[]): Job[][] {
  const matrixCount = Math.ceil(jobs.length / maxMatrixJobs)
  return splitIntoChunks(jobs, Math.ceil(jobs.length / matrixCount))
}

const groupBy = <T>(items: readonly T[], getKey: (item: T) => string): T[][] => [
  ...Map.groupBy(items, getKey).values(),
]

/** The smallest number of releases per job with which there are at most `maxJobs` jobs. */
function findJobSize(releasesByGroup: readonly unknown[][], maxJobs: number): number {
  const countJobs = (size: number): number =>
    releasesByGroup.reduce((sum, releases) => sum + Math.ceil(releases.length / size), 0)
  let size = 1
  while (countJobs(size) > maxJobs) size += 1
  return size
}

const splitIntoChunks = <T>(group: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(group.length / size) }, (_, index) =>
    group.slice(index * size, (index + 1) * size),
  )

interface JobIdentity {
  readonly role: string
  readonly environment: string
}

interface JobOptions extends Pick<MatrixOptions, 'runsOn' | 'check' | 'commonInputs'> {
  readonly index: number
  readonly identityOf: (target: FleetTarget) => JobIdentity
}

/** @throws RangeError when the job could not receive its targets */
function createJob(targets: readonly FleetTarget[], options: JobOptions): Job {
  const { index, identityOf, runsOn, check, commonInputs = {} } = options
  const [first, ...otherTargets] = targets
  if (!first) throw new TypeError('a job has at least one target')
  const targetsText = JSON.stringify(
    targets.map(({ name, inputs }) => ({ name, inputs: omitInputs(inputs, commonInputs) })),
  )
  const size = Buffer.byteLength(targetsText)
  if (size > maxJobBytes) throw jobTooLarge({ name: first.name, size, maxSize: maxJobBytes })
  return {
    name: otherTargets.length === 0 ? first.name : `${first.name} and ${otherTargets.length} more`,
    environment: identityOf(first).environment,
    'role-to-assume': identityOf(first).role,
    region: first.inputs['region'] ?? '',
    'runs-on': formatRunner(first, runsOn),
    index,
    ...(!check && { concurrency: describeRelease(first.inputs) }),
    targets: targetsText,
  }
}

/**
 * The runner as JSON: a text for a single label, or a list of labels.
 * @param defaultRunner a label, or already JSON
 */
function formatRunner({ runsOn }: FleetTarget, defaultRunner: string): string {
  const [label, ...otherLabels] = runsOn
  if (label === undefined && /^[[{]/.test(defaultRunner)) return defaultRunner
  return JSON.stringify(otherLabels.length === 0 ? (label ?? defaultRunner) : runsOn)
}
