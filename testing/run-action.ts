/** Runs the built action in a test environment. */
import { join } from 'node:path'
import { executeAction, type RunResult, type RunOptions } from './runner.ts'
import { repositoryRoot, type TestEnvironment } from './environment.ts'

/**
 * Makes the thousands of runs cheaper without changing their behavior: Node caches the compiled
 * code of dist/, and Helm, which runs for half a second, does not collect garbage. Source: Node.js,
 * module compile cache; Go, runtime, GOGC.
 */
const fastStartEnv = {
  NODE_COMPILE_CACHE: join(repositoryRoot, 'node_modules/.cache/milvus-alb-action/compiled'),
  GOGC: 'off',
}

/**
 * Runs dist/ with the inputs and variables of the test environment, which `inputs` and
 * `options.env` override.
 */
export function runAction(
  environment: TestEnvironment,
  inputs: Readonly<Record<string, string>> = {},
  options: Partial<RunOptions> = {},
): Promise<RunResult> {
  return executeAction({
    actionDirectory: repositoryRoot,
    directory: environment.directory,
    ...options,
    env: { ...fastStartEnv, ...environment.runnerEnv(), ...options.env },
    inputs: { ...environment.inputs(), ...inputs },
    onStart: (child) => {
      environment.trackProcess(child)
      options.onStart?.(child)
    },
  })
}
