/** The error of a parser for a text that it rejects. */
import { InvalidInputError } from '../../src/inputs/invalid-input.ts'

/** @throws Error if the parser accepts the text */
export function captureInvalidInput(
  parse: (raw: string) => unknown,
  raw: string,
): InvalidInputError {
  try {
    parse(raw)
  } catch (thrown) {
    if (thrown instanceof InvalidInputError) return thrown
    throw thrown
  }
  throw new Error(`accepted: ${raw}`)
}
