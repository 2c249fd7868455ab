/** After the job: sweeps what a run left that was killed before it could clean up. */
import { sweep } from './core/work-directory.ts'
import { warnOfLeftover } from './report/failure.ts'

const runnerTemp = process.env['RUNNER_TEMP']
if (runnerTemp) await sweep(runnerTemp, warnOfLeftover)
