import { whole } from './figures.ts'
import { killedAtEveryWrite } from './killing.ts'

killedAtEveryWrite('deploy')
if (whole) {
  killedAtEveryWrite('renewal')
  killedAtEveryWrite('cutover: last')
}
