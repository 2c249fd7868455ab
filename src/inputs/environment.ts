/** The inputs of a process, which a runner passes in its environment. */
import type { ActionError } from '../failures/action-error.ts'
import { inputUnknown } from '../failures/inputs.ts'
import { findNearest } from '../util/nearest.ts'
import { inputNames, type InputName } from './inputs.ts'
import type { RawInputs } from './parse-inputs.ts'

const variablePrefix = 'INPUT_'

/** The environment variable of an input. Source: GitHub, Metadata syntax. */
export const inputVariableName = (input: string): string =>
  variablePrefix + input.replace(/ /g, '_').toUpperCase()

/** An environment without the variables of any input. */
export const withoutInputs = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(variablePrefix)))

/** The inputs of a process. */
export interface GivenInputs {
  readonly texts: RawInputs
  /** Names that no input has, in lower case; a runner passes whatever `with:` contains. */
  readonly unknownNames: readonly string[]
}

/**
 * Moves the inputs out of the environment: every program that the action starts (Helm, and those of
 * a kubeconfig or an AWS profile) inherits what is left, and inputs may be secrets.
 */
export function extractInputs(env: NodeJS.ProcessEnv): GivenInputs {
  const texts: Partial<Record<InputName, string>> = {}
  for (const name of inputNames) {
    const variable = inputVariableName(name)
    texts[name] = (env[variable] ?? '').trim()
    Reflect.deleteProperty(env, variable)
  }
  const unknownNames: string[] = []
  for (const variable of Object.keys(env).filter((name) => name.startsWith(variablePrefix))) {
    // An empty input is one that is not set.
    if (env[variable] !== '') unknownNames.push(variable.slice(variablePrefix.length).toLowerCase())
    Reflect.deleteProperty(env, variable)
  }
  return { texts, unknownNames }
}

/** The failure of a name that no input has, with the name that may be meant. */
export function rejectUnknownInput(name: string): ActionError {
  const normalized = name.toLowerCase().replace(/[_ ]/g, '-')
  const maxDistance = Math.min(3, Math.floor(normalized.length / 3))
  return inputUnknown(name, findNearest(normalized, inputNames, maxDistance))
}
