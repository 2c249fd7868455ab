/** Which name a misspelled one is likely to mean. */

/**
 * The candidate with the fewest edits.
 * @param maxDistance edits; undefined is returned beyond
 */
export function findNearest<T extends string>(
  name: string,
  candidates: readonly T[],
  maxDistance: number,
): T | undefined {
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance)
  return nearest && nearest.distance <= maxDistance ? nearest.candidate : undefined
}

/** The Levenshtein distance. */
function editDistance(source: string, target: string): number {
  let row = Array.from({ length: target.length + 1 }, (_, index) => index)
  for (let sourceIndex = 1; sourceIndex <= source.length; sourceIndex++) {
    const next = [sourceIndex]
    for (let targetIndex = 1; targetIndex <= target.length; targetIndex++) {
      const isSame = source[sourceIndex - 1] === target[targetIndex - 1]
      const deletion = (row[targetIndex] ?? 0) + 1
      const insertion = (next[targetIndex - 1] ?? 0) + 1
      const substitution = (row[targetIndex - 1] ?? 0) + (isSame ? 0 : 1)
      next.push(Math.min(deletion, insertion, substitution))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
