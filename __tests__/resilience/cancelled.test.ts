/**
 * Cancelled at every write while it makes something; the way back is in
 * cancelled-going-back.test.ts, so that both run at the same time.
 */
import { isFullRun } from './result-tables.ts'
import { testCancelledAtEveryWrite } from './cancelled-run-tests.ts'

testCancelledAtEveryWrite('deploy')
if (isFullRun) {
  testCancelledAtEveryWrite('renewal')
  testCancelledAtEveryWrite('cutover: last')
  testCancelledAtEveryWrite('deploy', 'cluster')
}
