/** Running the built action in a world. */
import { join } from 'node:path'
import { executeAction, type RunResult, type RunOptions } from './runner.ts'
import { repositoryRoot, type TestEnvironment } from './environment.ts'

/**
 * What makes a run cheaper, of which there are thousands, and no other: node keeps what it compiled
 * of dist/, and helm, which lives for half a second, collects no garbage. Source: Node.js, module
 * compile cache; Go, runtime, GOGC.
 */
const fastStartEnv = {
  NODE_COMPILE_CACHE: join(repositoryRoot, 'node_modules/.cache/milvus-alb-action/compiled'),
  GOGC: 'off',
}

/** Runs dist/ with the world's inputs and environment, and these on top. */
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
