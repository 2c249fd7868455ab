/** Small texts that several rooms make. */

/** What a thrown value says. An AggregateError (several addresses were tried) says what each of them said. */
export function messageOf(thrown: unknown): string {
  if (thrown instanceof AggregateError) return thrown.errors.map(messageOf).join('; ')
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** A distinguished name on one line: Node gives one attribute a line, and undefined for an empty name. */
export const oneLine = (distinguishedName: string | undefined): string => (distinguishedName ?? '').split('\n').join(', ')
