/**
 * `npm run demo` deploys in a simulator. `npm run demo -- check`, `destroy`, `cutover`, `rotate`
 * and `fleet` show other workflows, and `-- all` shows all of them. A demo fails if a result is
 * unexpected.
 */
import { spawnSync } from 'node:child_process'
import { startSimulator } from '../simulator/simulator.ts'
import { installController } from './demo/controller.ts'
import { printHeading } from './demo/fixture.ts'
import { workflows } from './demo/workflows.ts'

/** Runs a workflow in this process, because its clients use the simulator's DNS. */
async function runWorkflow(name: string): Promise<boolean> {
  const workflow = workflows[name]
  if (!workflow)
    throw new Error(
      `There is no demo "${name}". Use one of ${Object.keys(workflows).join(', ')}, or all.`,
    )
  const environment = await startSimulator()
  try {
    printHeading(
      'Helm installs a Milvus cluster behind a Layer-4 load balancer, as in the EKS guide',
    )
    await installController(environment)
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
