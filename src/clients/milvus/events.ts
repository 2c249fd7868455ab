/** Awaiting an event. */

/**
 * The arguments of the next `event`.
 * @throws the emitter's error, or Error(late)
 */
export function waitForEvent(
  emitter: NodeJS.EventEmitter,
  event: string,
  timeout: number,
  timeoutMessage: string,
): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(timeoutMessage)), timeout)
    emitter.once(event, (...values: unknown[]) => {
      clearTimeout(timer)
      resolve(values)
    })
    // Stays: an error after the event must not end the process.
    emitter.on('error', (error: Error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}

/** The codes in a thrown value, such as ECONNREFUSED; several when several addresses were tried. */
export function getErrorCodes(thrown: unknown): string[] {
  const { code, errors } = (thrown ?? {}) as { readonly code?: unknown; readonly errors?: unknown }
  if (Array.isArray(errors)) return errors.flatMap(getErrorCodes)
  return [typeof code === 'string' ? code : '']
}
