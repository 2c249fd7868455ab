import { whole } from './figures.ts'
import { cancelledAtEveryWrite } from './cancelling.ts'

cancelledAtEveryWrite('deploy')
if (whole) {
  cancelledAtEveryWrite('renewal')
  cancelledAtEveryWrite('cutover: last')
}
