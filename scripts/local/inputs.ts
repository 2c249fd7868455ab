/** The file of inputs that `npm run local` reads: YAML as a workflow contains it under `with:`. */
import { readFileSync } from 'node:fs'
import { FAILSAFE_SCHEMA, dump, load } from 'js-yaml'
import { rejectUnknownInput } from '../../src/inputs/environment.ts'
import { inputNames } from '../../src/inputs/inputs.ts'
import { getErrorMessage } from '../../src/util/text.ts'

/** What is wrong with the file, for people. */
export class InputsFileError extends Error {}

function readText(path: string, purpose: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    throw new InputsFileError(`Cannot read ${path}${purpose}: ${getErrorMessage(thrown)}`)
  }
}

/**
 * Reads inputs. `@FILE` stands for the content of a file, so that no key has to be pasted.
 * @throws InputsFileError, which quotes no value
 */
export function readInputsFile(path: string): Record<string, string> {
  const document = parseDocument(path)
  const unknownNames = Object.keys(document).filter(
    (name) => !inputNames.some((known) => known === name),
  )
  const problems = unknownNames.map(rejectUnknownInput)
  if (problems.length > 0)
    throw new InputsFileError(
      problems.map(({ message, remedy }) => `${path}: ${message} ${remedy}`).join('\n'),
    )
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [name, toInputText(name, value)]),
  )
}

/** Every scalar stays as it was written: 0644 is no number, and `no` no boolean. */
function parseDocument(path: string): Record<string, unknown> {
  let document: unknown
  try {
    document = load(readText(path, ''), { schema: FAILSAFE_SCHEMA })
  } catch (thrown) {
    if (thrown instanceof InputsFileError) throw thrown
    // The message quotes the lines around the error, which may be secrets.
    const { mark } = thrown as { mark?: { line?: number } }
    const place = mark?.line === undefined ? '' : ` in line ${mark.line + 1}`
    throw new InputsFileError(`${path} is not valid YAML: syntax error${place}.`)
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new InputsFileError(`${path} is not a YAML map. Write one "input: value" per line.`)
  return document as Record<string, unknown>
}

/** Maps and lists become the YAML that the inputs accept. The schema reads an empty value as ''. */
function toInputText(name: string, value: unknown): string {
  if (typeof value !== 'string') return dump(value, { schema: FAILSAFE_SCHEMA, lineWidth: -1 })
  return value.startsWith('@') ? readText(value.slice(1), ` for input ${name}`) : value
}
