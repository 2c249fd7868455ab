/** Small texts that several rooms make. */

/** What a thrown value says. An AggregateError (several addresses were tried) says what each of them said. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** As much of a text as a person reads; others may send very long ones. Twice is as once. @param most characters, and some more */
export const shortened = (text: string, most: number): string => (text.length <= most + 50 ? text : `${text.slice(0, most)}... (${text.length - most} characters more)`)

/** Milliseconds as seconds: `0.3 s`, `15 s` */
export const inSeconds = (time: number): string => `${Math.round(time / 100) / 10} s`

/** A distinguished name on one line: Node gives one attribute a line, and undefined for an empty name. */
export const oneLine = (distinguishedName: string | undefined): string => (distinguishedName ?? '').split('\n').join(', ')

/** A time in the unit that says enough: `40 seconds`, `14 minutes`, `3 hours`, `2 days`. @param time milliseconds */
export function inWords(time: number): string {
  const units = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]] as const
  const [name, length] = units.find(([, each]) => time >= 2 * each) ?? ['second', 1000]
  const count = Math.max(0, Math.floor(time / length))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}
