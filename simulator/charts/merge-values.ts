/** Merges values as Helm does: maps are merged, everything else is replaced. */
export function mergeValues(base: object, overrides: object): object {
  const baseEntries: Readonly<Record<string, unknown>> = { ...base }
  const mergeEntry = (baseValue: unknown, overrideValue: unknown): unknown =>
    isMap(baseValue) && isMap(overrideValue) ? mergeValues(baseValue, overrideValue) : overrideValue
  return {
    ...base,
    ...Object.fromEntries(
      Object.entries(overrides).map(([key, value]) => [key, mergeEntry(baseEntries[key], value)]),
    ),
  }
}

function isMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
