/** Input `only`: which targets a run selects. Pure. */
import { unmatchedFilter } from '../../failures/fleet.ts'
import type { FleetTarget } from './targets.ts'

/**
 * @param filter names, with `*` for any characters, separated by commas, spaces or line breaks;
 *   empty for all targets
 * @param source what the targets come from, for people
 * @throws Error when a name of the filter matches no target
 */
export function filterTargets(
  targets: readonly FleetTarget[],
  filter: string,
  source: string,
): readonly FleetTarget[] {
  const unmatchedGlobs = splitFilter(filter).filter((glob) => {
    const pattern = compileGlob(glob)
    return !targets.some(({ name }) => pattern.test(name))
  })
  if (unmatchedGlobs.length > 0) throw unmatchedFilter(unmatchedGlobs, source, targets.length)
  const isSelected = compileFilter(filter)
  return targets.filter(({ name }) => isSelected(name))
}

/** @returns whether the filter selects a name; an empty one selects all */
export function compileFilter(filter: string): (name: string) => boolean {
  const patterns = splitFilter(filter).map(compileGlob)
  return (name) => patterns.length === 0 || patterns.some((pattern) => pattern.test(name))
}

const splitFilter = (filter: string): string[] =>
  filter.split(/[\s,]+/).filter((glob) => glob !== '')

function compileGlob(glob: string): RegExp {
  const escapedParts = glob.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escapedParts.join('.*')}$`)
}
