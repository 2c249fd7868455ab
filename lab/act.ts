/** Running the built action in a lab. */
import { runAction, type ActionRun, type RunOptions } from '../sandbox/runner.ts'
import { repository } from '../sandbox/world.ts'
import type { Lab } from './world.ts'

/** Runs the built action in a lab. */
export function act(lab: Lab, inputs: Readonly<Record<string, string>> = {}, options: Partial<RunOptions> = {}): Promise<ActionRun> {
  const start = options.onStart
  return runAction({
    action: repository,
    directory: lab.directory,
    timeout: 120_000,
    ...options,
    environment: { ...lab.environment(), ...options.environment },
    inputs: { ...lab.inputs(), ...inputs },
    onStart: (child) => {
      lab.adopt(child)
      start?.(child)
    },
  })
}
