/** Targets as the jobs of one matrix. Pure. */
import { inputDefaults, type InputName } from '../../inputs/inputs.ts'
import type { Target } from './targets.ts'

/**
 * A job of the matrix: its targets share the environment, whose secrets they use, the role, the
 * region and the runner.
 */
export interface Job {
  readonly name: string
  readonly environment: string
  readonly 'role-to-assume': string
  readonly region: string
  /** JSON, for `fromJSON`: a label or a list of them. */
  readonly 'runs-on': string
  /** Group that no two jobs of any run are in at a time: that of its first target. */
  readonly concurrency: string
  /** JSON of `{name, inputs}`, one after the other. */
  readonly targets: string
}

/** Source: GitHub, "Usage limits": a matrix makes at most 256 jobs of a workflow run. */
export const maxMatrixJobs = 256

/**
 * What only one run may change at a time: a release of a cluster. deploy.yml has the same
 * expression for its one target.
 */
export function getConcurrencyGroup({
  roleToAssume,
  inputs,
}: Pick<Target, 'roleToAssume' | 'inputs'>): string {
  const inputOrDefault = (name: InputName): string => inputs[name] || inputDefaults[name]
  // The role names the account: clusters of several accounts often have the same name, and a group
  // holds no more than 100 jobs.
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
 * Targets of the same release go into the same job.
 * @param options.runsOn the runner of targets that name none
 * @param options.check whether the jobs only look, and take the role and the environment for that
 * @returns the jobs; as few targets in a job as 256 jobs allow
 * @throws RangeError when the targets need more than 256 different jobs
 */
export function buildMatrix(
  targets: readonly Target[],
  options: { runsOn: string; check: boolean },
  maxJobs = maxMatrixJobs,
): Job[] {
  const identityOf = (target: Target): JobIdentity =>
    options.check
      ? { role: target.checkRoleToAssume, environment: target.checkEnvironment }
      : { role: target.roleToAssume, environment: target.environment }
  const groups = [
    ...Map.groupBy(targets, (target) =>
      JSON.stringify([identityOf(target), target.inputs['region'] ?? '', target.runsOn]),
    ).values(),
  ]
  if (groups.length > maxJobs)
    throw new RangeError(
      `The targets have ${groups.length} different environments, roles, regions and runners together; a matrix has at most ${maxJobs} jobs. Split the file into several, each with a workflow run of its own.`,
    )
  const releaseGroups = groups.map((group) => [...Map.groupBy(group, getConcurrencyGroup).values()])
  const countJobs = (size: number): number =>
    releaseGroups.reduce((sum, group) => sum + Math.ceil(group.length / size), 0)
  let size = 1
  while (countJobs(size) > maxJobs) size += 1
  return releaseGroups.flatMap((group) =>
    splitIntoChunks(group, size).map((chunk) =>
      createJob(chunk.flat(), identityOf, options.runsOn),
    ),
  )
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
  runsOn: string,
): Job {
  const [first, ...otherTargets] = targets
  if (!first) throw new TypeError('a job has at least one target')
  return {
    name: otherTargets.length === 0 ? first.name : `${first.name} and ${otherTargets.length} more`,
    environment: identityOf(first).environment,
    'role-to-assume': identityOf(first).role,
    region: first.inputs['region'] ?? '',
    'runs-on': JSON.stringify(
      first.runsOn.length === 0
        ? runsOn
        : first.runsOn.length === 1
          ? first.runsOn[0]
          : first.runsOn,
    ),
    concurrency: getConcurrencyGroup(first),
    targets: JSON.stringify(targets.map(({ name, inputs }) => ({ name, inputs }))),
  }
}
