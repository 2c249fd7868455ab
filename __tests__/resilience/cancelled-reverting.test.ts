/** Cancelled at every write while it takes something back. */
import { isFullRun } from './result-tables.ts'
import { testCancelledAtEveryWrite } from './cancelled-run-tests.ts'

testCancelledAtEveryWrite('destroy')
if (isFullRun) {
  testCancelledAtEveryWrite('on-failure: rollback')
  testCancelledAtEveryWrite('on-failure: rollback', 'cluster')
}
