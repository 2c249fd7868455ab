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
 * How much changes affect: `3 objects`, ` (11 fields)`. A new Ingress is one object, whatever it
 * contains. `fields` is empty when each object has one.
 */
export function countObjects(changes: readonly { readonly object: string }[]): {
  readonly objects: string
  readonly fields: string
} {
  const objectCount = new Set(changes.map(({ object }) => object)).size
  const isOneEach = changes.length === objectCount
  return {
    objects: formatCount(objectCount, 'object'),
    fields: isOneEach ? '' : ` (${formatCount(changes.length, 'field')})`,
  }
}

/** `1 object changed`, `3 objects changed (11 fields)` */
export function formatObjects(
  changes: readonly { readonly object: string }[],
  verb: string,
): string {
  const { objects, fields } = countObjects(changes)
  return `${objects} ${verb}${fields}`
}

/** `1 object differs`, `3 objects differ from the inputs (11 fields)` */
export const formatDifferences = (
  changes: readonly { readonly object: string }[],
  from = '',
): string =>
  formatObjects(
    changes,
    `${countObjects(changes).objects === '1 object' ? 'differs' : 'differ'}${from}`,
  )

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
