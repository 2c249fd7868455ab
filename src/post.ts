/** The post step of the job: removes directories of runs that were killed. */
import { endProcess } from './util/end-process.ts'
import { removeStaleDirectories } from './util/work-directory.ts'

const runnerTemp = process.env['RUNNER_TEMP']
if (runnerTemp) {
  await removeStaleDirectories(runnerTemp, async (path, thrown) => {
    // Imported only when needed, which is rare: @actions/core takes longer to load than the rest.
    const { warnRemovalFailed } = await import('./reporting/failure.ts')
    warnRemovalFailed(path, thrown)
  })
}
endProcess()
