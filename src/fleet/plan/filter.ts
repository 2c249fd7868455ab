/** Input `only`: which targets a run selects. Pure. */
import { unmatchedFilter } from '../../failures/fleet.ts'
import type { Target } from './targets.ts'

/**
 * @param filter names, with `*` for any characters, separated by commas, spaces or line breaks;
 *   empty for all targets
 * @param source what the targets come from, for people
 * @throws Error when a name of the filter matches no target
 */
export function filterTargets(
  targets: readonly Target[],
  filter: string,
  source: string,
): readonly Target[] {
  const unmatchedGlobs = splitFilter(filter).filter(
    (glob) => !targets.some(({ name }) => compileGlob(glob).test(name)),
  )
  if (unmatchedGlobs.length > 0) throw unmatchedFilter(unmatchedGlobs, source, targets.length)
  return targets.filter(({ name }) => matchesFilter(name, filter))
}

/** Whether a filter selects a target; an empty one selects all. */
export function matchesFilter(name: string, filter: string): boolean {
  const globs = splitFilter(filter)
  return globs.length === 0 || globs.some((glob) => compileGlob(glob).test(name))
}

const splitFilter = (filter: string): string[] =>
  filter.split(/[\s,]+/).filter((glob) => glob !== '')

function compileGlob(glob: string): RegExp {
  const escapedParts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escapedParts.join('.*')}$`)
}
