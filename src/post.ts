/** After the job: sweeps what a run left that was killed before it could clean up. */
import { removeStaleDirectories } from './util/work-directory.ts'

const runnerTemp = process.env['RUNNER_TEMP']
if (runnerTemp) {
  // What speaks to the runner takes longer to load than all else here, and mostly there is nothing
  // to say.
  await removeStaleDirectories(runnerTemp, async (path, thrown) =>
    (await import('./reporting/failure.ts')).warnRemovalFailed(path, thrown),
  )
}
