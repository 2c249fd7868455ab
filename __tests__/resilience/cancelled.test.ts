/**
 * Cancelled at every write of a deployment. Removals and rollbacks are in
 * cancelled-reverting.test.ts, so that both files run in parallel.
 */
import { isFullRun } from './result-tables.ts'
import { testCancelledAtEveryWrite } from './cancelled-run-tests.ts'

testCancelledAtEveryWrite('deploy')
if (isFullRun) {
  testCancelledAtEveryWrite('renewal')
  testCancelledAtEveryWrite('cutover: last')
  testCancelledAtEveryWrite('deploy', 'cluster')
}
