/** How helm merges values: maps are merged, everything else is replaced. */
export function merged(base: object, over: object): object {
  const before: Readonly<Record<string, unknown>> = { ...base }
  const both = (one: unknown, other: unknown): unknown => (isMap(one) && isMap(other) ? merged(one, other) : other)
  return { ...base, ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, both(before[key], value)])) }
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
