/** Warns of environments that do not exist, which GitHub would create without any protection. */
import { info, warning } from '@actions/core'
import {
  environmentsMissing,
  environmentsUnknown,
  tokenMissing,
  type MissingEnvironment,
} from '../../failures/fleet.ts'
import type { GitHub } from '../github/github.ts'
import type { FleetTarget } from './targets.ts'

interface EnvironmentOptions {
  /** The environments of a target's jobs; empty names are ignored. */
  readonly environmentsOf: (target: FleetTarget) => readonly string[]
  /** Whether every environment must be known to exist. */
  readonly required: boolean
}

/**
 * Compares the environments of targets with those of the repository.
 * @param github undefined without a token, which leaves the environments unchecked
 * @throws Error when one is missing, or cannot be looked up, and `options.required` is true
 */
export async function checkEnvironments(
  targets: readonly FleetTarget[],
  github: GitHub | undefined,
  options: EnvironmentOptions,
): Promise<void> {
  if (targets.length === 0) return
  if (github === undefined) {
    if (options.required) throw tokenMissing()
    return
  }
  try {
    const missing = findMissingEnvironments(
      targets,
      await listEnvironments(github),
      options.environmentsOf,
    )
    if (missing.length === 0) return
    if (options.required) throw environmentsMissing(missing)
    warning(environmentsMissing(missing).message)
  } catch (thrown) {
    if (options.required) throw thrown
    info((thrown as Error).message)
  }
}

async function listEnvironments(github: GitHub): Promise<string[]> {
  try {
    return await github.listEnvironments()
  } catch (thrown) {
    throw environmentsUnknown(thrown)
  }
}

/**
 * Finds the environments that are not in `existing`. Their names are not case-sensitive. Source:
 * GitHub, Managing environments for deployment.
 */
export function findMissingEnvironments(
  targets: readonly FleetTarget[],
  existing: readonly string[],
  environmentsOf: EnvironmentOptions['environmentsOf'],
): MissingEnvironment[] {
  const existingKeys = new Set(existing.map((name) => name.toLowerCase()))
  const missing = targets.flatMap((target) =>
    [...new Set(environmentsOf(target))]
      .filter((name) => name !== '' && !existingKeys.has(name.toLowerCase()))
      .map((name) => ({ name, targetName: target.name })),
  )
  return [...Map.groupBy(missing, ({ name }) => name)].map(([name, group]) => ({
    name,
    targetNames: group.map(({ targetName }) => targetName),
  }))
}
