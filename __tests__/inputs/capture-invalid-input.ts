/** What a parser says of a text that it does not take. */
import * as form from '../../src/inputs/parsers.ts'

/** @throws Error when the text was taken */
export function captureInvalidInput(
  parse: (raw: string) => unknown,
  raw: string,
): form.InvalidInputError {
  try {
    parse(raw)
  } catch (thrown) {
    if (thrown instanceof form.InvalidInputError) return thrown
    throw thrown
  }
  throw new Error(`taken: ${raw}`)
}
