/** The last resort for errors that nothing catches: without it, they end the process at once. */

/**
 * Makes the work in progress fail when an event emitter or a promise fails that nobody listens to,
 * or when the process is about to end because nothing is left that could continue the work.
 */
export class UncaughtErrors {
  /** Those of the work in progress, the innermost last. */
  private readonly pendingRejections: ((thrown: unknown) => void)[] = []

  constructor() {
    process.on('uncaughtException', (thrown: unknown) => this.fail(thrown))
    process.on('beforeExit', () =>
      this.fail(new Error('the run was still waiting, but nothing was left to wait for')),
    )
  }

  /** The result of `work`, which fails with an uncaught error unless work within it does. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    this.pendingRejections.push(reject)
    try {
      return await Promise.race([work(), promise])
    } finally {
      this.pendingRejections.splice(this.pendingRejections.indexOf(reject), 1)
    }
  }

  /** An error without work in progress comes after the result of the run, and changes nothing. */
  private fail(thrown: unknown): void {
    this.pendingRejections.at(-1)?.(thrown)
  }
}
