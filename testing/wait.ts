/**
 * Waits until a condition is true. An error thrown by the condition counts as false.
 * @param timeout milliseconds
 * @param interval milliseconds between checks
 * @throws the result of `createError` after the timeout
 */
export async function waitUntil(
  condition: () => Promise<boolean>,
  createError: (lastError: unknown) => Promise<Error> | Error,
  timeout = 180_000,
  interval = 20,
): Promise<void> {
  const deadline = performance.now() + timeout
  let lastError: unknown
  while (performance.now() < deadline) {
    try {
      if (await condition()) return
    } catch (error) {
      lastError = error
    }
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
  throw await createError(lastError)
}
