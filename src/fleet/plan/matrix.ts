/** Distributes targets over the jobs of one matrix. Pure. */
import { tooManyJobs } from '../../failures/fleet.ts'
import { inputDefaults, type InputName } from '../../inputs/inputs.ts'
import type { Target } from './targets.ts'

/**
 * A job of the matrix. Its targets share the environment, which contains their secrets, the role,
 * the region and the runner.
 */
export interface Job {
  readonly name: string
  readonly environment: string
  readonly 'role-to-assume': string
  readonly region: string
  /** JSON for `fromJSON`: a label, a list of labels, or a group. */
  readonly 'runs-on': string
  /** Concurrency group of the job: that of its first target. */
  readonly concurrency: string
  /** JSON list of `{name, inputs}`, without the common inputs. */
  readonly targets: string
}

type Inputs = Target['inputs']

/** The inputs that all targets set to the same value. */
export function findCommonInputs([first, ...others]: readonly Target[]): Inputs {
  const isCommon = ([name, value]: [string, string]): boolean =>
    others.every(({ inputs }) => inputs[name] === value)
  return Object.fromEntries(Object.entries(first?.inputs ?? {}).filter(isCommon))
}

function omitInputs(inputs: Inputs, omitted: Inputs): Inputs {
  return Object.fromEntries(
    Object.entries(inputs).filter(([name]) => !Object.hasOwn(omitted, name)),
  )
}

/** Source: GitHub, "Usage limits": a matrix has at most 256 jobs per workflow run. */
export const maxMatrixJobs = 256

/**
 * The concurrency group of a release in a cluster, which only one run may change at a time.
 * deploy.yml contains the same expression for its single target.
 */
export function getConcurrencyGroup({
  roleToAssume,
  inputs,
}: Pick<Target, 'roleToAssume' | 'inputs'>): string {
  const inputOrDefault = (name: InputName): string => inputs[name] || inputDefaults[name]
  // The role identifies the account: clusters in several accounts often have the same name, and a
  // group is limited to 100 jobs.
  return [
    'milvus-alb',
    roleToAssume,
    inputOrDefault('region'),
    inputOrDefault('cluster') || `${inputOrDefault('kubeconfig')} ${inputOrDefault('context')}`,
    inputOrDefault('namespace'),
    inputOrDefault('release') || inputOrDefault('service'),
  ].join('-')
}

/**
 * Puts targets of the same release into the same job, and otherwise as few targets into a job as
 * the limit of 256 jobs allows.
 * @param options.runsOn the runner of targets without one
 * @param options.check whether the jobs use the role and the environment of mode check
 * @param options.commonInputs what the targets of the jobs leave out
 * @throws RangeError when the targets need more than 256 jobs
 */
export function buildMatrix(
  targets: readonly Target[],
  options: { runsOn: string; check: boolean; commonInputs?: Inputs },
  maxJobs = maxMatrixJobs,
): Job[] {
  const identityOf = (target: Target): JobIdentity =>
    options.check
      ? { role: target.checkRoleToAssume, environment: target.checkEnvironment }
      : { role: target.roleToAssume, environment: target.environment }
  const groups = groupBy(targets, (target) =>
    JSON.stringify([identityOf(target), target.inputs['region'] ?? '', target.runsOn]),
  )
  if (groups.length > maxJobs) throw tooManyJobs(groups.length, maxJobs)
  const releasesByGroup = groups.map((group) => groupBy(group, getConcurrencyGroup))
  const releasesPerJob = findJobSize(releasesByGroup, maxJobs)
  return releasesByGroup
    .flatMap((releases) => splitIntoChunks(releases, releasesPerJob))
    .map((releases) => createJob(releases.flat(), identityOf, options))
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

function createJob(
  targets: readonly Target[],
  identityOf: (target: Target) => JobIdentity,
  { runsOn, commonInputs = {} }: { runsOn: string; commonInputs?: Inputs },
): Job {
  const [first, ...otherTargets] = targets
  if (!first) throw new TypeError('a job has at least one target')
  return {
    name: otherTargets.length === 0 ? first.name : `${first.name} and ${otherTargets.length} more`,
    environment: identityOf(first).environment,
    'role-to-assume': identityOf(first).role,
    region: first.inputs['region'] ?? '',
    'runs-on': formatRunner(first, runsOn),
    concurrency: getConcurrencyGroup(first),
    targets: JSON.stringify(
      targets.map(({ name, inputs }) => ({ name, inputs: omitInputs(inputs, commonInputs) })),
    ),
  }
}

/**
 * The runner as JSON: a text for a single label, or a list of labels.
 * @param defaultRunner a label, or already JSON
 */
function formatRunner({ runsOn }: Target, defaultRunner: string): string {
  const [label, ...otherLabels] = runsOn
  if (label === undefined && /^[[{]/.test(defaultRunner)) return defaultRunner
  return JSON.stringify(otherLabels.length === 0 ? (label ?? defaultRunner) : runsOn)
}
