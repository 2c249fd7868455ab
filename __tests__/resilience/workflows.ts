/** The workflows that are run with faults: each way in which the action changes resources. */
import { runAction } from '../../testing/run-action.ts'
import type { InstallationMode } from '../../simulator/charts/installation-modes.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { takeSnapshot } from '../../simulator/snapshot.ts'
import { runAndRecordWrites } from './interrupted-runs.ts'
import { listInterruptionPoints, type InterruptionPoint } from './interruption-points.ts'
import { captureState, type State } from './state.ts'

type Inputs = Readonly<Record<string, string>>
/** One way in which the action changes resources. */
export interface Workflow {
  readonly name:
    | 'deploy'
    | 'renewal'
    | 'cutover: last'
    | 'rest: true'
    | 'on-failure: rollback'
    | 'rest: true, rolled back'
    | 'destroy'
  /** The state before: Milvus as installed by Helm, or the complete result of a deployment. */
  readonly startState: 'installed' | 'deployed'
  readonly inputs: Inputs
  /** The workflow that it starts with, whose writes are already covered there. */
  readonly commonPrefixWith?: Workflow['name']
  /** Inputs of the next run, where they differ. */
  readonly recoveryInputs?: Inputs
}

/** A simulator that can be reset to the start state of every workflow. */
export interface Fixture {
  readonly simulator: Simulator
  readonly workflows: readonly Workflow[]
  /** Restores the start state of a workflow. */
  reset(workflow: Workflow): Promise<void>
}

/** The probe connects to a port without a listener, and all changes are reverted. */
const rollbackInputs: Inputs = {
  'on-failure': 'rollback',
  'probe-address': '127.0.0.1:9',
  'probe-timeout': '1s',
}

/** Starts the fixture. The caller closes the simulator. */
export async function createFixture(mode: InstallationMode = 'standalone'): Promise<Fixture> {
  const simulator = await startSimulator()
  await simulator.installMilvus({ mode, values: { minio: { bucketName: 'precious' } } })
  const installed = takeSnapshot(simulator)
  const { exitCode, log } = await runAction(simulator)
  if (exitCode !== 0) throw new Error(log)
  const restoreByState = { installed, deployed: takeSnapshot(simulator) }
  const renewedCertificate = await simulator.certificateAuthority.issue({ hosts: [simulator.host] })
  const workflows: Workflow[] = [
    { name: 'deploy', startState: 'installed', inputs: {} },
    {
      name: 'renewal',
      startState: 'deployed',
      inputs: {
        certificate: renewedCertificate.fullchain,
        'private-key': renewedCertificate.privateKey,
      },
    },
    { name: 'cutover: last', startState: 'installed', inputs: { cutover: 'last' } },
    { name: 'rest: true', startState: 'deployed', inputs: { rest: 'true' } },
    {
      name: 'on-failure: rollback',
      startState: 'installed',
      commonPrefixWith: 'deploy',
      inputs: rollbackInputs,
      recoveryInputs: { 'probe-address': '' },
    },
    {
      name: 'rest: true, rolled back',
      startState: 'deployed',
      commonPrefixWith: 'rest: true',
      inputs: { ...rollbackInputs, rest: 'true' },
      recoveryInputs: { 'probe-address': '' },
    },
    {
      name: 'destroy',
      startState: 'deployed',
      inputs: {
        mode: 'destroy',
        'restore-service-type': 'LoadBalancer',
        'restore-load-balancer-class': 'service.k8s.aws/nlb',
      },
    },
  ]
  return { simulator, workflows, reset: ({ startState }) => restoreByState[startState]() }
}

/** The name of a workflow in the tables. */
export const describeWorkflow = (name: Workflow['name'], mode: InstallationMode): string =>
  mode === 'standalone' ? name : `${name}, ${mode}`

/** A workflow without faults. */
export interface Baseline {
  readonly workflow: Workflow
  /** The state that it leaves. */
  readonly state: State
  /** Every moment right before or right after a write. */
  readonly interruptionPoints: readonly InterruptionPoint[]
  /** The numbers of writes, as text. */
  readonly writeSummary: string
}

/** Runs a workflow to its end. */
export async function recordBaseline(fixture: Fixture, name: Workflow['name']): Promise<Baseline> {
  const workflow = findWorkflow(fixture, name)
  const knownWrites =
    workflow.commonPrefixWith &&
    (await runWorkflow(fixture, findWorkflow(fixture, workflow.commonPrefixWith))).writes
  const { run, writes } = await runWorkflow(fixture, workflow)
  const finalRun = workflow.recoveryInputs
    ? await runAction(fixture.simulator, { ...workflow.inputs, ...workflow.recoveryInputs })
    : run
  if (finalRun.exitCode !== 0) throw new Error(finalRun.log)
  return {
    workflow,
    state: captureState(fixture.simulator),
    interruptionPoints: listInterruptionPoints(writes, knownWrites),
    writeSummary: `${writes.requests.length} requests, ${writes.helm.length} calls of Helm, ${writes.files.length} of files`,
  }
}

function findWorkflow({ workflows }: Fixture, name: Workflow['name']): Workflow {
  const workflow = workflows.find((each) => each.name === name)
  if (!workflow) throw new Error(`There is no workflow ${name}`)
  return workflow
}

async function runWorkflow(fixture: Fixture, workflow: Workflow) {
  await fixture.reset(workflow)
  return runAndRecordWrites(fixture.simulator, workflow.inputs)
}
