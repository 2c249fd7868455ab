/** The texts of the inputs to their values, one by one. Pure. */
import { inputInvalid } from '../failures/inputs.ts'
import type { ActionError } from '../failures/action-error.ts'
import {
  inputDefaults,
  inputNames,
  inputs,
  isReadInMode,
  type AllInputValues,
  type InputName,
} from './inputs.ts'
import type { Mode } from './declaration.ts'
import { InvalidInputError } from './invalid-input.ts'
import { rejectPem, rejectPlaceholder } from './misplaced-values.ts'

/** The texts of inputs, by their names. An absent input is an empty one. */
export type RawInputs = Readonly<Partial<Record<InputName, string>>>

/** The inputs of a run. */
export interface ParsedInputs {
  /** undefined also for an input that is invalid: `errors` then contains why. */
  readonly values: Partial<AllInputValues>
  /** Whether the mode reads the input, and it is not empty. */
  readonly isSet: (name: InputName) => boolean
  readonly errors: readonly ActionError[]
}

/** The text of an input, or the default that an empty one stands for. */
const getInputText = (rawInputs: RawInputs, name: InputName): string =>
  (rawInputs[name] ?? '').trim() || inputDefaults[name]

/** Parses every input that the mode reads, and collects what is wrong with them. */
export function parseInputs(rawInputs: RawInputs): ParsedInputs {
  const errors: ActionError[] = []
  const parse = (name: InputName): unknown => {
    try {
      return parseInput(name, getInputText(rawInputs, name))
    } catch (thrown) {
      if (!(thrown instanceof InvalidInputError)) throw thrown
      errors.push(inputInvalid(name, thrown))
      return undefined
    }
  }
  const mode = parse('mode') as Mode | undefined
  // With an invalid mode, the inputs of a deploy are checked: it is the most likely one.
  const isRead = (name: InputName): boolean => isReadInMode(name, mode ?? 'deploy')
  const values = Object.fromEntries(
    inputNames.filter((name) => name !== 'mode' && isRead(name)).map((name) => [name, parse(name)]),
  )
  return {
    values: { ...values, mode } as Partial<AllInputValues>,
    isSet: (name) => isRead(name) && getInputText(rawInputs, name) !== '',
    errors,
  }
}

/** @throws InvalidInputError */
function parseInput(name: InputName, raw: string): unknown {
  const { parse, emptyValue, allowsPem } = inputs[name]
  if (raw === '') return emptyValue
  rejectPlaceholder(raw)
  if (!allowsPem) rejectPem(raw)
  return parse(raw)
}
