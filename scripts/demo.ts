/**
 * `npm run demo`: the whole story on this machine, in a world of its own; `-- check`, `destroy`, `cutover`, `rotate`, `fleet` the
 * others, `-- all` every one. Each fails when something is not as it tells.
 */
import { spawnSync } from 'node:child_process'
import { startSandbox } from '../sandbox/sandbox.ts'
import { say } from './demo/stage.ts'
import { stories } from './demo/stories.ts'

/** Plays one, in this process: its clients ask the DNS of its world. */
async function play(name: string): Promise<boolean> {
  const story = stories[name]
  if (!story) throw new Error(`There is no story "${name}": give one of ${Object.keys(stories).join(', ')} or all.`)
  const world = await startSandbox()
  try {
    say('A Milvus cluster is installed by helm behind a Layer-4 load balancer, as the guide for EKS does')
    await world.installMilvus({ mode: 'cluster' })
    console.log((await world.helm('list')).trimEnd().replace(/^/gm, '  '))
    await story(world)
    return true
  } catch (error) {
    console.error(error)
    return false
  } finally {
    await world.close()
  }
}

const [, script = '', asked = 'deploy'] = process.argv
const results = asked === 'all' ? Object.keys(stories).map((name) => spawnSync(process.execPath, [script, name], { stdio: 'inherit' }).status === 0) : [await play(asked)]
const passed = results.filter(Boolean).length
process.exitCode = passed === results.length ? 0 : 1
console.log(`\n${passed} passed, ${results.length - passed} failed`)
