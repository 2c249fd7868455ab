/** Options of runs that are killed or cancelled at a certain moment. */
import type { ChildProcess } from 'node:child_process'
import { killProcessTree } from '../../testing/process-tree.ts'

/** Kills the run with its child processes. The runner dies too, so there is no post step. */
export const killWhen = (moment: Promise<unknown>) => ({
  skipPost: true,
  onStart: ({ pid = 0 }: ChildProcess) =>
    void moment.then(() => {
      killProcessTree(pid)
    }),
})

/** Kills only the main process, as when the runner ends it: the post step still runs. */
export const killMainWhen = (moment: Promise<unknown>) => ({
  onStart: (child: ChildProcess) => void moment.then(() => child.kill('SIGKILL')),
})

/**
 * Sends the runner's first signal of a cancellation. `getDurationMs` returns the
 * milliseconds from then to the end of the run.
 */
export function cancelWhen(moment: Promise<unknown>) {
  let durationMs = Infinity
  const onStart = (child: ChildProcess): void =>
    void moment.then(() => {
      const start = performance.now()
      child
        .once('exit', () => {
          durationMs = performance.now() - start
        })
        .kill('SIGINT')
    })
  return { onStart, getDurationMs: () => durationMs }
}
