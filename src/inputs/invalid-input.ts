/** What a parser throws, and how it quotes the text of an input. */

/**
 * What is wrong with the text of an input, by a parser that does not know which input it parses.
 * The message continues "Input NAME ...".
 */
export class InvalidInputError extends Error {
  override readonly name = 'InvalidInput'
  readonly remedy: string

  /** @param remedy an instruction, with an example */
  constructor(problem: string, remedy: string) {
    super(problem)
    this.remedy = remedy
  }
}

const maxQuotedLength = 80

/**
 * A text in quotes. A long one is not truncated but counted: it may be a secret in the wrong input,
 * and a piece of a secret is not masked.
 */
export const quoteForError = (raw: string): string =>
  raw.length > maxQuotedLength ? `a text of ${raw.length} characters` : JSON.stringify(raw)

/** The usual form: `is "yes", which is not a port number.` */
export const invalidValue = (raw: string, problem: string, remedy: string): InvalidInputError =>
  new InvalidInputError(`is ${quoteForError(raw)}, which ${problem}.`, remedy)

const maxSummarizedProblems = 20
const maxSummaryLength = 1_200

/** As many of the problems as a person reads, at least one, and how many more there are. */
export function summarize(problems: readonly string[]): string {
  const listed: string[] = []
  for (const problem of problems.slice(0, maxSummarizedProblems)) {
    const isTooLong = [...listed, problem].join('; ').length > maxSummaryLength
    if (isTooLong && listed.length > 0) break
    listed.push(problem)
  }
  const omitted = problems.length - listed.length
  if (omitted > 0) listed.push(`and ${omitted} more`)
  return listed.join('; ')
}
