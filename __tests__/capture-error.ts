/** What a call throws, sync or not. */
import { ActionError } from '../src/failures/action-error.ts'

/**
 * The value that was thrown or rejected with.
 * @throws Error when nothing was
 */
export async function captureError(callback: () => unknown): Promise<unknown> {
  try {
    await callback()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}

/** The ActionError that was thrown; anything else is thrown on. */
export async function captureActionError(callback: () => unknown): Promise<ActionError> {
  const thrown = await captureError(callback)
  if (thrown instanceof ActionError) return thrown
  throw new Error(
    `no ActionError: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`,
  )
}

/** Everything that a person could read of an error, causes included. */
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
