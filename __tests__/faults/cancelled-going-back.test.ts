/** Cancelled at every write while it takes something back. */
import { whole } from './figures.ts'
import { cancelledAtEveryWrite } from './cancelling.ts'

cancelledAtEveryWrite('destroy')
if (whole) {
  cancelledAtEveryWrite('on-failure: rollback')
  cancelledAtEveryWrite('on-failure: rollback', 'cluster')
}
