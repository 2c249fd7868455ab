/**
 * Loaded with `--import`: kills the process right after it has started `helm upgrade`, before it
 * can do anything else.
 */
import diagnostics from 'node:diagnostics_channel'

diagnostics.subscribe('child_process', ({ process: child }) => {
  const spawn = child.spawn.bind(child)
  child.spawn = (options) => {
    const result = spawn(options)
    const isUpgrade = options.args.includes('upgrade') && !options.args.includes('--dry-run=server')
    if (isUpgrade) process.kill(process.pid, 'SIGKILL')
    return result
  }
})
