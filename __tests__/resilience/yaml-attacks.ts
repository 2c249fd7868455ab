/** YAML that is small in a file and very large or very deep when it is parsed. */

/** Ten lists of ten, nine levels deep: "billion laughs". */
export const billionLaughs = (depth: number): string =>
  [
    'a: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]',
    ...Array.from(
      { length: depth },
      (_, level) => `a${level}: &a${level + 1} [${Array(10).fill(`*a${level}`).join(', ')}]`,
    ),
  ].join('\n')

export const nestedArrays = (depth: number): string => `a: ${'['.repeat(depth)}${']'.repeat(depth)}`

/** Each list is an alias inside the next: flat in the text, and very deep when parsed. */
export const chainedAliases = (steps: number): string =>
  [
    's0: &s0 [x]',
    ...Array.from({ length: steps }, (_, step) => `s${step + 1}: &s${step + 1} [*s${step}]`),
  ].join('\n')
