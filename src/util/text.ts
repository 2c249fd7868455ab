/** Formatting of texts that people read. */

/** The message of any thrown value; for an AggregateError, the messages of its errors. */
export function getErrorMessage(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(getErrorMessage).join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/**
 * Cuts a long text from outside. Idempotent.
 * @param maxLength characters; a text that is only a little longer stays whole
 */
export const truncate = (text: string, maxLength: number): string =>
  text.length <= maxLength + 50
    ? text
    : `${text.slice(0, maxLength)}... (${text.length - maxLength} more characters)`

/** `1 target`, `2 targets` */
export const formatCount = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? '' : 's'}`

/**
 * What changes affect: `1 object`, `3 objects (11 fields)`. A new Ingress is one object, whatever
 * it contains.
 */
export function formatObjects(changes: readonly { readonly object: string }[]): string {
  const objectCount = new Set(changes.map(({ object }) => object)).size
  const objects = formatCount(objectCount, 'object')
  return changes.length === objectCount
    ? objects
    : `${objects} (${formatCount(changes.length, 'field')})`
}

/** Milliseconds as seconds: `0.3 s`, `15 s` */
export const formatSeconds = (milliseconds: number): string =>
  `${Math.round(milliseconds / 100) / 10} s`

/** A distinguished name on one line. Node writes one attribute per line, and undefined for none. */
export const formatDistinguishedName = (distinguishedName: string | undefined): string =>
  (distinguishedName ?? '').split('\n').join(', ')

/** A duration in its largest useful unit: `40 seconds`, `14 minutes`, `3 hours`, `2 days`. */
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
  return formatCount(count, name)
}
