/** Spaces calls of an AWS operation so that they stay below its rate. */
import { throwIfCancelled, type Clock } from '../../util/polling.ts'
import { retry } from '../../util/retry.ts'
import { errorName } from './errors.ts'

/** How a client waits. */
export interface Pace {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** Milliseconds between calls: 8 per second. ACM allows 10. Source: ACM user guide, Quotas. */
const interval = 125

/**
 * Others in the account share the rate. About two minutes of waiting, beyond the retries of the
 * SDK.
 */
const maxThrottledAttempts = 30

const throttlingNames = /Throttl|TooManyRequests|RequestLimitExceeded/

/** Whether AWS rejected a call only because of its rate. */
export const isThrottled = (thrown: unknown): boolean => throttlingNames.test(errorName(thrown))

/** Starts the calls of one operation at intervals, in order, and waits while AWS throttles them. */
export class CallPacer {
  private readonly pace: Pace
  private nextStart = 0
  private lastTurn: Promise<unknown> = Promise.resolve()

  constructor(pace: Pace) {
    this.pace = pace
  }

  /** @throws what the call throws, unless AWS throttles it for a short time only */
  call<T>(operation: () => Promise<T>): Promise<T> {
    const attempt = async (): Promise<T> => {
      await this.waitForTurn()
      return operation()
    }
    return retry(attempt, {
      ...this.pace,
      maxAttempts: (thrown) => (isThrottled(thrown) ? maxThrottledAttempts : 1),
    })
  }

  private waitForTurn(): Promise<void> {
    const turn = this.lastTurn.then(() => this.takeTurn())
    this.lastTurn = turn.catch(() => undefined)
    return turn
  }

  /**
   * Counts the interval from the actual start of the call before, not from a schedule: after the
   * process stood still, a schedule would let the calls that are due start all at once.
   */
  private async takeTurn(): Promise<void> {
    const { clock, signal } = this.pace
    // A clock that is set back must not add to the wait.
    const wait = Math.min(interval, this.nextStart - clock.now())
    if (wait > 0) await clock.sleep(wait, signal)
    throwIfCancelled(signal)
    this.nextStart = clock.now() + interval
  }
}
