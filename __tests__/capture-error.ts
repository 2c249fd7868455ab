/** Captures what a call throws, synchronous or not. */
import { ActionError } from '../src/failures/action-error.ts'

/**
 * @returns the value that was thrown or rejected with
 * @throws Error when nothing was thrown
 */
export async function captureError(callback: () => unknown): Promise<unknown> {
  try {
    await callback()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}

/** Returns the thrown ActionError. Any other value fails the test. */
export async function captureActionError(callback: () => unknown): Promise<ActionError> {
  const thrown = await captureError(callback)
  if (thrown instanceof ActionError) return thrown
  throw new Error(
    `no ActionError: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
  )
}

/** All text of an error that a user could see, including its causes. */
export function collectErrorText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const nested = thrown instanceof ActionError ? thrown.otherErrors.map(collectErrorText) : []
  return [
    thrown.name,
    thrown.message,
    thrown instanceof ActionError ? thrown.remedy : '',
    thrown.cause === undefined ? '' : collectErrorText(thrown.cause),
    ...nested,
  ].join('\n')
}
