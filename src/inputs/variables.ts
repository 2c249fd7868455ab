/** Variables of the environment that the action reads beside its inputs. Pure. */
import type { ActionError } from '../failures/action-error.ts'
import { variableInvalid } from '../failures/inputs.ts'
import { filePath } from './file-paths.ts'
import { InvalidInputError } from './invalid-input.ts'
import type { SettingsEnvironment } from './types.ts'

/** The variables that name files: they are given the content as easily as inputs are. */
export const pathVariables = ['KUBECONFIG', 'AWS_CA_BUNDLE'] as const

/** What is wrong with the variables that a run reads. */
export function findVariableErrors(
  env: SettingsEnvironment,
  { readsKubeconfig }: { readonly readsKubeconfig: boolean },
): ActionError[] {
  return pathVariables
    .filter((name) => name !== 'KUBECONFIG' || readsKubeconfig)
    .map((name) => checkVariable(name, env[name] ?? '', filePath))
    .filter((error) => error !== undefined)
}

function checkVariable(
  name: string,
  value: string,
  parse: (raw: string) => unknown,
): ActionError | undefined {
  try {
    parse(value)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof InvalidInputError)) throw thrown
    return variableInvalid(name, thrown)
  }
}
