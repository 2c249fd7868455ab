/** The state in which most of these tests start. */
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { runAction } from '../../testing/run-action.ts'

/** A simulator with a finished deployment. The caller closes it. */
export async function startDeployedSimulator(): Promise<Simulator> {
  const simulator = await startSimulator()
  await simulator.installMilvus()
  const { exitCode, log } = await runAction(simulator)
  if (exitCode !== 0) throw new Error(log)
  return simulator
}

/** With these inputs, a run upgrades the release, for which it runs Helm. */
export const upgradeInputs = { values: 'proxy: {replicas: 2}' }
