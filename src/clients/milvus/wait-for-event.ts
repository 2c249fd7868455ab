/** Waits for events. */

/**
 * The arguments of the next `event`.
 * @param timeout milliseconds
 * @throws the emitter's error, or Error(timeoutMessage)
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
    // Never removed: an error after the event must not end the process.
    emitter.on('error', (error: Error) => {
      clearTimeout(timer)
      reject(error)
    })
  })
}
