/** Warns of environments that do not exist, which GitHub would create without any protection. */
import { info, warning } from '@actions/core'
import {
  environmentsMissing,
  environmentsUnknown,
  tokenMissing,
  type MissingEnvironment,
} from '../../failures/fleet.ts'
import type { GitHub } from '../github/github.ts'
import type { Target } from './targets.ts'

interface EnvironmentOptions {
  /** Whether the jobs use the environment of mode check. */
  readonly check: boolean
  /** Whether every environment must be known to exist. */
  readonly required: boolean
}

/**
 * Compares the environments of targets with those of the repository.
 * @param github undefined without a token, which leaves the environments unchecked
 * @throws Error when one is missing, or cannot be looked up, and `options.required` is true
 */
export async function checkEnvironments(
  targets: readonly Target[],
  github: GitHub | undefined,
  options: EnvironmentOptions,
): Promise<void> {
  if (targets.length === 0) return
  if (github === undefined) {
    if (options.required) throw tokenMissing()
    return
  }
  try {
    const missing = findMissingEnvironments(targets, await listEnvironments(github), options.check)
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
  targets: readonly Target[],
  existing: readonly string[],
  check: boolean,
): MissingEnvironment[] {
  const existingKeys = new Set(existing.map((name) => name.toLowerCase()))
  const environmentOf = (target: Target): string =>
    check ? target.checkEnvironment : target.environment
  const missing = targets.filter((target) => {
    const name = environmentOf(target)
    return name !== '' && !existingKeys.has(name.toLowerCase())
  })
  return [...Map.groupBy(missing, environmentOf)].map(([name, group]) => ({
    name,
    targetNames: group.map((target) => target.name),
  }))
}
