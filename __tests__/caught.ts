/** What a call throws, sync or not. */
import { ActionError } from '../src/core/errors.ts'

/** The value that was thrown or rejected with. @throws Error when nothing was */
export async function caught(work: () => unknown): Promise<unknown> {
  try {
    await work()
  } catch (thrown) {
    return thrown
  }
  throw new Error('nothing was thrown')
}

/** The ActionError that was thrown; anything else is thrown on. */
export async function failureOf(work: () => unknown): Promise<ActionError> {
  const thrown = await caught(work)
  if (thrown instanceof ActionError) return thrown
  throw new Error(`no ActionError: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`)
}

/** Everything that a person could read of an error, causes included. */
export function everythingIn(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown)
  const more = thrown instanceof ActionError ? thrown.also.map(everythingIn) : []
  return [thrown.name, thrown.message, thrown instanceof ActionError ? thrown.remedy : '', thrown.cause === undefined ? '' : everythingIn(thrown.cause), ...more].join('\n')
}
