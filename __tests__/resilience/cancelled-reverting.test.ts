/** Cancelled at every write of a removal or a rollback. */
import { isFullRun } from './result-tables.ts'
import { testCancelledAtEveryWrite } from './cancelled-run-tests.ts'

testCancelledAtEveryWrite('destroy')
if (isFullRun) {
  testCancelledAtEveryWrite('on-failure: rollback')
  testCancelledAtEveryWrite('on-failure: rollback', 'cluster')
}
