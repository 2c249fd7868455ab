/** Cancelled at every write while it makes something; the way back is in cancelled-going-back.test.ts, so that both run at the same time. */
import { whole } from './figures.ts'
import { cancelledAtEveryWrite } from './cancelling.ts'

cancelledAtEveryWrite('deploy')
if (whole) {
  cancelledAtEveryWrite('renewal')
  cancelledAtEveryWrite('cutover: last')
  cancelledAtEveryWrite('deploy', 'cluster')
}
