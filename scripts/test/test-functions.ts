/**
 * The functions that tests import from @jest/globals. jest-light-runner provides jest's own as
 * globals, and ignores timeouts, which this module adds.
 */
import type * as jest from '@jest/globals'
import { inspect } from 'node:util'

type Task = (...args: unknown[]) => unknown
type Define = (name: string, task: Task, timeout?: number) => void
type DefineHook = (task: Task, timeout?: number) => void

/** Jest's functions, as far as they are used here. */
interface Globals {
  readonly test: Define & {
    readonly each: (...table: readonly unknown[]) => Define
    readonly only: Define
    readonly skip: Define
  }
  readonly describe: typeof jest.describe
  readonly expect: typeof jest.expect
  readonly beforeAll: DefineHook
  readonly afterAll: DefineHook
  readonly beforeEach: DefineHook
  readonly afterEach: DefineHook
}

/** Milliseconds after which a test or a hook without a timeout of its own fails. */
const defaultTimeout = Number(process.env['TEST_TIMEOUT'] ?? 180_000)

const globals = globalThis as unknown as Globals

/** Errors that nothing caught. They would end the worker, and the results of its file with it. */
const uncaughtErrors: unknown[] = []

for (const event of ['unhandledRejection', 'uncaughtException'])
  process.on(event, (error: unknown) => {
    // What a test has a listener for is part of the test.
    if (process.listenerCount(event) > 1) return
    console.error('Uncaught in a test:', error)
    uncaughtErrors.push(error)
  })

/**
 * The task, which fails if it is not done within the timeout in milliseconds, or if nothing caught
 * an error since the last task.
 */
const limitTime =
  (task: Task, timeout = defaultTimeout) =>
  async (...args: unknown[]): Promise<void> => {
    let timer: NodeJS.Timeout | undefined
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`Not done within ${timeout} ms, the timeout of this test or hook`)),
        timeout,
      )
    })
    try {
      await Promise.race([task(...args), expiry])
      if (uncaughtErrors.length > 0) throw uncaughtErrors[0]
    } catch (thrown) {
      throw withCauses(thrown)
    } finally {
      uncaughtErrors.length = 0
      clearTimeout(timer)
    }
  }

/** The thrown error, with its causes in its stack, which is all that jest-light-runner prints. */
function withCauses(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error(`Thrown: ${inspect(thrown)}`)
  if (thrown.cause !== undefined || thrown instanceof AggregateError) thrown.stack = inspect(thrown)
  return thrown
}

const limitTest =
  (define: Define): Define =>
  (name, task, timeout) =>
    define(name, limitTime(task, timeout))

const limitHook =
  (define: DefineHook): DefineHook =>
  (task, timeout) =>
    define(limitTime(task, timeout))

export const test = Object.assign(limitTest(globals.test), {
  each: (...table: readonly unknown[]) => limitTest(globals.test.each(...table)),
  only: limitTest(globals.test.only),
  skip: globals.test.skip,
})
export const { describe, expect } = globals
export const beforeAll = limitHook(globals.beforeAll)
export const afterAll = limitHook(globals.afterAll)
export const beforeEach = limitHook(globals.beforeEach)
export const afterEach = limitHook(globals.afterEach)
