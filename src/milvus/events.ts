/** Awaiting an event. */

/** The arguments of the next `event`. @throws the emitter's error, or Error(late) */
export function once(emitter: NodeJS.EventEmitter, event: string, timeout: number, late: string): Promise<unknown[]> {
  return new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(late)), timeout)
    emitter.once(event, (...values: unknown[]) => {
      clearTimeout(timer)
      done(values)
    })
    // Stays: an error after the event must not end the process.
    emitter.on('error', (error: Error) => {
      clearTimeout(timer)
      fail(error)
    })
  })
}

/** The codes in a thrown value, such as ECONNREFUSED; several when several addresses were tried. */
export function codesOf(thrown: unknown): string[] {
  const { code, errors } = (thrown ?? {}) as { readonly code?: unknown; readonly errors?: unknown }
  if (Array.isArray(errors)) return errors.flatMap(codesOf)
  return [typeof code === 'string' ? code : '']
}
