/** Running the built action in a world. */
import { join } from 'node:path'
import { runAction, type ActionRun, type RunOptions } from './runner.ts'
import { repository, type World } from './world.ts'

/** Where node keeps what it compiled of dist/: a third of a run's time otherwise. Source: Node.js, module compile cache. */
const compiled = join(repository, 'node_modules/.cache/milvus-alb-action/compiled')

/** Runs dist/ with the world's inputs and environment, and these on top. */
export function act(world: World, inputs: Readonly<Record<string, string>> = {}, options: Partial<RunOptions> = {}): Promise<ActionRun> {
  return runAction({
    action: repository,
    directory: world.directory,
    ...options,
    environment: { NODE_COMPILE_CACHE: compiled, ...world.environment(), ...options.environment },
    inputs: { ...world.inputs(), ...inputs },
    onStart: (child) => {
      world.adopt(child)
      options.onStart?.(child)
    },
  })
}
