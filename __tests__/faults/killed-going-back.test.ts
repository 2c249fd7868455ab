/** Killed at every write while it takes something back. */
import { whole } from './figures.ts'
import { killedAtEveryWrite } from './killing.ts'

killedAtEveryWrite('destroy')
if (whole) {
  killedAtEveryWrite('on-failure: rollback')
  killedAtEveryWrite('on-failure: rollback', 'cluster')
}
