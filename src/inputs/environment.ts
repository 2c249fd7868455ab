/** The inputs of a process, which a runner passes in its environment. */
import { inputNames, type InputName } from './inputs.ts'
import type { RawInputs } from './parse-inputs.ts'

const variablePrefix = 'INPUT_'

/** The environment variable of an input. Source: GitHub, Metadata syntax. */
export const inputVariableName = (input: string): string =>
  variablePrefix + input.replace(/ /g, '_').toUpperCase()

/** An environment without the variables of any input. */
export const withoutInputs = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith(variablePrefix)))

/**
 * Moves the texts of the inputs out of the environment: every program that the action starts (helm,
 * and those of a kubeconfig or an AWS profile) inherits what is left, and inputs may be secrets.
 */
export function takeInputs(env: NodeJS.ProcessEnv): RawInputs {
  const texts: Partial<Record<InputName, string>> = {}
  for (const name of inputNames) texts[name] = (env[inputVariableName(name)] ?? '').trim()
  for (const name of Object.keys(env))
    if (name.startsWith(variablePrefix)) Reflect.deleteProperty(env, name)
  return texts
}
