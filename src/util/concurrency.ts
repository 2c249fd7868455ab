/** Work on several items at a time. */

/**
 * Calls `run` for each item in order, for at most `limit` of them at a time.
 * @returns a promise per item, so that the caller can handle the results in order
 */
export function runConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  run: (item: T) => Promise<R>,
): Promise<R>[] {
  const tasks = items.map((item) => ({ item, ...Promise.withResolvers<R>() }))
  const remaining = tasks.values()
  // The caller may still be waiting for an earlier one when it is rejected.
  for (const { promise } of tasks) promise.catch(() => undefined)
  // Each worker takes the next task that no other has taken.
  const work = async (): Promise<void> => {
    for (const { item, resolve, reject } of remaining) await run(item).then(resolve, reject)
  }
  for (let count = 0; count < Math.min(limit, items.length); count += 1) void work()
  return tasks.map(({ promise }) => promise)
}
