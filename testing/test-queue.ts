import { runConcurrently } from '../src/util/concurrency.ts'

/** The tests of one file, which run several at a time although jest runs one after the other. */
export class TestQueue {
  readonly #limit: number
  readonly #tests: (() => Promise<void>)[] = []
  #results: readonly Promise<void>[] | undefined

  /** @param limit how many tests run at a time */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Adds a test. Every test must be added before one is run.
   * @returns runs all tests of the queue if none has run yet, and returns the result of this one
   */
  add(test: () => Promise<void>): () => Promise<void> {
    const index = this.#tests.push(test) - 1
    return async () => {
      this.#results ??= runConcurrently(this.#tests, this.#limit, (next) => next())
      await this.#results[index]
    }
  }
}
