/** Cancelled at every write while it makes something; the way back is in cancelled-going-back.test.ts, so that both run at the same time. */
import { isFullRun } from './figures.ts'
import { testCancelledAtEveryWrite } from './cancelling.ts'

testCancelledAtEveryWrite('deploy')
if (isFullRun) {
  testCancelledAtEveryWrite('renewal')
  testCancelledAtEveryWrite('cutover: last')
  testCancelledAtEveryWrite('deploy', 'cluster')
}
