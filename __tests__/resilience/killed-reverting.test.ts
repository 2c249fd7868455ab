/** Killed at every write of a removal or a rollback. */
import { isFullRun } from './result-tables.ts'
import { testKilledAtEveryWrite } from './killed-run-tests.ts'

testKilledAtEveryWrite('destroy')
if (isFullRun) {
  testKilledAtEveryWrite('on-failure: rollback')
  testKilledAtEveryWrite('on-failure: rollback', { mode: 'cluster' })
  testKilledAtEveryWrite('rest: true, rolled back')
}
