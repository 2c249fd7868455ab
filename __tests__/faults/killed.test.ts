/** Killed at every write while it makes something; the way back is in killed-going-back.test.ts, so that both run at the same time. */
import { whole } from './figures.ts'
import { killedAtEveryWrite } from './killing.ts'

killedAtEveryWrite('deploy')
if (whole) {
  killedAtEveryWrite('renewal')
  killedAtEveryWrite('cutover: last')
  killedAtEveryWrite('deploy', 'cluster')
}
