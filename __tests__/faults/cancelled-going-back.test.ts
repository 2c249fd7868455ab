/** Cancelled at every write while it takes something back. */
import { isFullRun } from './figures.ts'
import { testCancelledAtEveryWrite } from './cancelling.ts'

testCancelledAtEveryWrite('destroy')
if (isFullRun) {
  testCancelledAtEveryWrite('on-failure: rollback')
  testCancelledAtEveryWrite('on-failure: rollback', 'cluster')
}
