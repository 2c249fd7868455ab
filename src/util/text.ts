/** Small texts that several rooms make. */

/**
 * What a thrown value says. An AggregateError (several addresses were tried) says what each of them
 * said.
 */
export function getErrorMessage(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(getErrorMessage).join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/**
 * As much of a text as a person reads; others may send very long ones. Twice is as once.
 * @param maxLength characters, and some more
 */
export const truncate = (text: string, maxLength: number): string =>
  text.length <= maxLength + 50
    ? text
    : `${text.slice(0, maxLength)}... (${text.length - maxLength} characters more)`

/** Milliseconds as seconds: `0.3 s`, `15 s` */
export const formatSeconds = (milliseconds: number): string =>
  `${Math.round(milliseconds / 100) / 10} s`

/**
 * A distinguished name on one line: Node gives one attribute a line, and undefined for an empty
 * name.
 */
export const formatDistinguishedName = (distinguishedName: string | undefined): string =>
  (distinguishedName ?? '').split('\n').join(', ')

/**
 * A time in the unit that says enough: `40 seconds`, `14 minutes`, `3 hours`, `2 days`.
 * @param milliseconds milliseconds
 */
export function formatDuration(milliseconds: number): string {
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1000],
  ] as const
  const [name, unitLength] = units.find(
    ([, unitMilliseconds]) => milliseconds >= 2 * unitMilliseconds,
  ) ?? ['second', 1000]
  const count = Math.max(0, Math.floor(milliseconds / unitLength))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
