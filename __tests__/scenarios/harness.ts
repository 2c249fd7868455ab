/**
 * Defines scenarios. Each has its own test environment, in which it runs dist/. TEST_ENVIRONMENT
 * selects the environment: `simulator` when absent, or `lab` (npm run lab).
 */
import { test } from '@jest/globals'
import type { Lab } from '../../integration/lab.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import type { TestEnvironment, TestEnvironmentOptions } from '../../testing/environment.ts'
import { measurePhase } from '../../testing/profile.ts'
import { TestQueue } from '../../testing/test-queue.ts'
import { appendRecord, environmentName, getFileSubject, usesRealController } from './record.ts'
import { createRunner, type Scenario } from './scenario-run.ts'
import { startEnvironment, type StartState } from './start-state.ts'

/** Options of a scenario. */
export interface ScenarioOptions extends TestEnvironmentOptions {
  /** The state at the start; by default the one that `setDefaultStart` sets for the file. */
  readonly start?: StartState
  /** The scenario uses the switches of the simulated controller, which a real controller lacks. */
  readonly requiresSimulatedController?: boolean
}

type ScenarioBody<E extends TestEnvironment> = (scenario: Scenario<E>) => Promise<void>

/** By test file, since a worker of jest runs several. */
const defaultStarts = new Map<string, StartState>()

/**
 * Sets the start state of this file's scenarios, unless a scenario sets its own. Where the release
 * is not the subject, `cluster-ip` saves the Helm calls of each run.
 */
export function setDefaultStart(start: StartState): void {
  defaultStarts.set(getFileSubject(), start)
}

/** Defines a scenario for both test environments. */
export function scenario(
  name: string,
  body: ScenarioBody<TestEnvironment>,
  options: ScenarioOptions = {},
): void {
  defineScenario(name, body, options)
}

/**
 * Defines a scenario that only the simulator can run.
 * @param reason what real services cannot be made to do
 */
export function simulatorScenario(
  name: string,
  reason: string,
  body: ScenarioBody<Simulator>,
  options: ScenarioOptions = {},
): void {
  defineScenario(name, body as ScenarioBody<TestEnvironment>, options, {
    only: 'simulator',
    why: reason,
  })
}

/**
 * Defines a scenario that only the lab can run.
 * @param reason what the simulator lacks
 */
export function labScenario(
  name: string,
  reason: string,
  body: ScenarioBody<Lab>,
  options: ScenarioOptions = {},
): void {
  defineScenario(name, body as ScenarioBody<TestEnvironment>, options, { only: 'lab', why: reason })
}

/** The reason why a scenario does not run here; undefined when it does. */
function findSkipReason(
  restriction: ScenarioRestriction | undefined,
  requiresSimulatedController: boolean,
): string | undefined {
  if (restriction && restriction.only !== environmentName) return restriction.why
  if (requiresSimulatedController && usesRealController) return 'a real controller has no switches'
  return undefined
}

/** The only test environment of a scenario, and the reason. */
interface ScenarioRestriction {
  readonly only: TestEnvironment['name']
  readonly why: string
}

function defineScenario(
  name: string,
  body: ScenarioBody<TestEnvironment>,
  {
    start = defaultStarts.get(getFileSubject()) ?? 'installed',
    requiresSimulatedController = false,
    ...options
  }: ScenarioOptions,
  restriction?: ScenarioRestriction,
): void {
  appendRecord({ name, ...restriction, requiresSimulatedController })
  const skipReason = findSkipReason(restriction, requiresSimulatedController)
  if (skipReason !== undefined) {
    test.skip(`${name} (not in this environment: ${skipReason})`, () => undefined)
    return
  }
  test(
    name,
    schedule(async () => {
      const environment = await startEnvironment(options, start)
      try {
        await measurePhase(getFileSubject(), 'body', () =>
          body({ environment, ...createRunner(environment) }),
        )
        appendRecord({ name, passed: true })
      } catch (error) {
        const logDirectory = await environment.saveLogs()
        if (logDirectory !== undefined)
          console.error(`The logs of all services are kept in ${logDirectory}`)
        throw error
      } finally {
        await measurePhase(getFileSubject(), 'close', () => environment.close())
      }
    }),
  )
}

/**
 * How many scenarios of a file run at a time. They mostly wait, so a file that runs alone is faster
 * with several (scripts/test.ts). When all files run, the cores are busy with one of each.
 */
const concurrentScenarios = Number(process.env['CONCURRENT_SCENARIOS'] ?? 1)

/** By test file, since a worker of jest runs several. */
const queues = new Map<string, TestQueue>()

function schedule(run: () => Promise<void>): () => Promise<void> {
  if (concurrentScenarios === 1) return run
  const queue = queues.get(getFileSubject()) ?? new TestQueue(concurrentScenarios)
  queues.set(getFileSubject(), queue)
  return queue.add(run)
}
