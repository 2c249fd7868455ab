/** Running the built action in a world. */
import { join } from 'node:path'
import { runAction, type ActionRun, type RunOptions } from './runner.ts'
import { repository, type World } from './world.ts'

/**
 * What makes a run cheaper, of which there are thousands, and no other: node keeps what it compiled of dist/, and helm, which
 * lives for half a second, collects no garbage. Source: Node.js, module compile cache; Go, runtime, GOGC.
 */
const quick = { NODE_COMPILE_CACHE: join(repository, 'node_modules/.cache/milvus-alb-action/compiled'), GOGC: 'off' }

/** Runs dist/ with the world's inputs and environment, and these on top. */
export function act(world: World, inputs: Readonly<Record<string, string>> = {}, options: Partial<RunOptions> = {}): Promise<ActionRun> {
  return runAction({
    action: repository,
    directory: world.directory,
    ...options,
    environment: { ...quick, ...world.environment(), ...options.environment },
    inputs: { ...world.inputs(), ...inputs },
    onStart: (child) => {
      world.adopt(child)
      options.onStart?.(child)
    },
  })
}
