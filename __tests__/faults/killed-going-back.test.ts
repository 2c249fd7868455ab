/** Killed at every write while it takes something back. */
import { isFullRun } from './figures.ts'
import { testKilledAtEveryWrite } from './killing.ts'

testKilledAtEveryWrite('destroy')
if (isFullRun) {
  testKilledAtEveryWrite('on-failure: rollback')
  testKilledAtEveryWrite('on-failure: rollback', 'cluster')
}
