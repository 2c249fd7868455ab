/** Options of waitUntil. */
export interface WaitOptions {
  /** Milliseconds; three minutes when absent. */
  readonly timeout?: number | undefined
  /** Milliseconds between checks. */
  readonly interval?: number
  /** The error after the timeout, by default one that quotes the condition. */
  readonly createError?: (lastError: unknown) => Promise<Error> | Error
}

/**
 * Waits until a condition is true. An error thrown by the condition counts as false.
 * @returns the value of the condition
 * @throws the result of `createError` after the timeout
 */
export async function waitUntil<T>(
  condition: () => T | Promise<T>,
  { timeout = 180_000, interval = 20, createError }: WaitOptions = {},
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + timeout
  let lastError: unknown
  while (performance.now() < deadline) {
    try {
      const value = await condition()
      if (value) return value as Exclude<T, false | null | undefined>
    } catch (error) {
      lastError = error
    }
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
  if (createError) throw await createError(lastError)
  throw new Error(`Not true within ${timeout} ms: ${condition.toString()}`, { cause: lastError })
}
