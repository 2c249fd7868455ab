/**
 * Killed at every write while it makes something; the way back is in killed-going-back.test.ts, so
 * that both run at the same time.
 */
import { isFullRun } from './result-tables.ts'
import { testKilledAtEveryWrite } from './killed-run-tests.ts'

testKilledAtEveryWrite('deploy')
if (isFullRun) {
  testKilledAtEveryWrite('renewal')
  testKilledAtEveryWrite('cutover: last')
  testKilledAtEveryWrite('deploy', 'cluster')
}
