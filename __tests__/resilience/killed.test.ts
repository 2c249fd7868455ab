/**
 * Killed at every write of a deployment. Removals and rollbacks are in killed-reverting.test.ts, so
 * that both files run in parallel.
 */
import { isFullRun } from './result-tables.ts'
import { testKilledAtEveryWrite } from './killed-run-tests.ts'

testKilledAtEveryWrite('deploy')
testKilledAtEveryWrite('rest: true', { sampleStep: 4 })
if (isFullRun) {
  testKilledAtEveryWrite('renewal')
  testKilledAtEveryWrite('cutover: last')
  testKilledAtEveryWrite('deploy', { mode: 'cluster' })
}
