/** The states in which scenarios start. */
import type { Lab, LabOptions } from '../../integration/lab.ts'
import { saveState, type SavedState } from '../../simulator/snapshot.ts'
import { startSimulator } from '../../simulator/simulator.ts'
import type { TestEnvironment, TestEnvironmentOptions } from '../../testing/environment.ts'
import { measurePhase } from '../../testing/profile.ts'
import { runAction } from '../../testing/run-action.ts'
import { expectSuccess } from './expectations.ts'
import { valuesCanary } from './leaks.ts'
import { environmentName, getFileSubject } from './record.ts'
import { defaultInputs } from './scenario-run.ts'

/**
 * The state when a scenario starts: an empty cluster; Milvus installed by Helm behind a Service of
 * type LoadBalancer, as the guide assumes, or of type ClusterIP, so that the release needs no
 * change; or the complete result of a successful deployment.
 */
export type StartState = 'empty' | 'installed' | 'cluster-ip' | 'deployed'

/** Starts a test environment in the start state of the scenario. */
export async function startEnvironment(
  options: TestEnvironmentOptions,
  start: StartState,
): Promise<TestEnvironment> {
  if (environmentName === 'simulator') {
    const saved = await measurePhase(getFileSubject(), 'fixture', () => getSavedState(start))
    return measurePhase(getFileSubject(), 'startup', () =>
      startSimulator({ ...options, savedState: saved }),
    )
  }
  const lab = await measurePhase(getFileSubject(), 'startup', () =>
    launchLab({ ...options, fixture: toInstallationState(start) }),
  )
  await measurePhase(getFileSubject(), 'fixture', () => prepareStartState(lab, start))
  return lab
}

/** What Helm has to install for a start state. */
const toInstallationState = (start: StartState): StartState =>
  start === 'deployed' ? 'installed' : start

/** Brings a new test environment, in which nothing is installed, to a start state. */
async function prepareStartState(environment: TestEnvironment, start: StartState): Promise<void> {
  if (start === 'empty') return
  const lab = environment.name === 'lab' ? (environment as Lab) : undefined
  if (lab?.isRestored !== true) {
    await environment.installMilvus({
      serviceType: start === 'cluster-ip' ? 'ClusterIP' : 'LoadBalancer',
      values: { minio: { bucketName: 'precious', secretKey: valuesCanary } },
    })
    await lab?.saveFixture(toInstallationState(start))
  }
  if (start === 'deployed') expectSuccess(await runAction(environment, defaultInputs))
}

const savedStateByStart = new Map<StartState, Promise<SavedState>>()

/** The state of a simulator that Helm and the action prepared, once in each worker of jest. */
function getSavedState(start: StartState): Promise<SavedState> {
  const saved = savedStateByStart.get(start) ?? createSavedState(start)
  savedStateByStart.set(start, saved)
  // The next scenario tries again.
  saved.catch(() => savedStateByStart.delete(start))
  return saved
}

async function createSavedState(start: StartState): Promise<SavedState> {
  const environment = await startSimulator()
  try {
    await prepareStartState(environment, start)
    return saveState(environment)
  } finally {
    await environment.close()
  }
}

/** The lab has many modules, so they are loaded only where they are used. */
async function launchLab(options: LabOptions): Promise<Lab> {
  const { startLab } = await import('../../integration/lab.ts')
  const { getSharedPrograms } = await import('../../integration/shared-services.ts')
  const { setup } = await import('../../integration/setup.ts')
  return startLab(getSharedPrograms() ?? (await setup()), options)
}
