/** Running the built action in a world. */
import { runAction, type ActionRun, type RunOptions } from './runner.ts'
import { repository, type World } from './world.ts'

/** Runs dist/ with the world's inputs and environment, and these on top. */
export function act(world: World, inputs: Readonly<Record<string, string>> = {}, options: Partial<RunOptions> = {}): Promise<ActionRun> {
  return runAction({
    action: repository,
    directory: world.directory,
    ...options,
    environment: { ...world.environment(), ...options.environment },
    inputs: { ...world.inputs(), ...inputs },
    onStart: (child) => {
      world.adopt(child)
      options.onStart?.(child)
    },
  })
}
