/**
 * `npm run demo`: the whole story on this machine, in a world of its own; `-- check`, `destroy`,
 * `cutover`, `rotate`, `fleet` the others, `-- all` every one. Each fails when something is not as
 * it tells.
 */
import { spawnSync } from 'node:child_process'
import { startSimulator } from '../simulator/simulator.ts'
import { printHeading } from './demo/fixture.ts'
import { workflows } from './demo/workflows.ts'

/** Plays one, in this process: its clients ask the DNS of its world. */
async function runWorkflow(name: string): Promise<boolean> {
  const workflow = workflows[name]
  if (!workflow)
    throw new Error(
      `There is no story "${name}": give one of ${Object.keys(workflows).join(', ')} or all.`,
    )
  const environment = await startSimulator()
  try {
    printHeading(
      'A Milvus cluster is installed by helm behind a Layer-4 load balancer, as the guide for EKS does',
    )
    await environment.installMilvus({ mode: 'cluster' })
    console.log((await environment.helm('list')).trimEnd().replace(/^/gm, '  '))
    await workflow(environment)
    return true
  } catch (error) {
    console.error(error)
    return false
  } finally {
    await environment.close()
  }
}

const [, scriptPath = '', requested = 'deploy'] = process.argv
const results =
  requested === 'all'
    ? Object.keys(workflows).map(
        (name) =>
          spawnSync(process.execPath, [scriptPath, name], { stdio: 'inherit' }).status === 0,
      )
    : [await runWorkflow(requested)]
const passed = results.filter(Boolean).length
process.exitCode = passed === results.length ? 0 : 1
console.log(`\n${passed} passed, ${results.length - passed} failed`)
