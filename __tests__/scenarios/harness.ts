/**
 * One scenario: its own test environment, runs of dist/ in it, and what holds for every run.
 * TEST_ENVIRONMENT selects the environment: `simulator` when absent, or `lab` (npm run lab).
 */
import { appendFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Lab, LabOptions } from '../../integration/lab.ts'
import { runAction } from '../../testing/run-action.ts'
import { measurePhase } from '../../testing/profile.ts'
import type { RunResult, RunOptions } from '../../testing/runner.ts'
import { startSimulator, type Simulator } from '../../simulator/simulator.ts'
import { saveState, type SavedState } from '../../simulator/snapshot.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import type { TestEnvironment, TestEnvironmentOptions } from '../../testing/environment.ts'
import {
  findLeaks,
  findLeaksInRequests,
  collectRunOutputs,
  collectSecrets,
  tokenCanary,
  valuesCanary,
} from './leaks.ts'

/** What a scenario receives. */
export interface Scenario<W extends TestEnvironment = TestEnvironment> {
  readonly environment: W
  /**
   * Runs the action with the environment's inputs, overridden by these, and checks what holds for
   * every run.
   */
  readonly run: (
    inputs?: Readonly<Record<string, string>>,
    options?: Partial<RunOptions>,
  ) => Promise<RunResult>
  /** The writes of the action and of helm since the last run started, in order. */
  readonly writes: () => string[]
}

/** Options of a scenario. */
export interface ScenarioOptions extends TestEnvironmentOptions {
  /** The state at the start; by default the one that `setDefaultStart` sets for the file. */
  readonly start?: StartState
  /** The scenario uses the switches of the simulated controller, which a real controller lacks. */
  readonly requiresSimulatedController?: boolean
}

/**
 * The state when a scenario starts: an empty cluster; Milvus installed by helm behind a Service of
 * type LoadBalancer, as the guide assumes, or of type ClusterIP, so that the release needs no
 * change; or the complete result of a successful deployment.
 */
export type StartState = 'empty' | 'installed' | 'cluster-ip' | 'deployed'

export { valuesCanary } from './leaks.ts'

type ScenarioBody<W extends TestEnvironment> = (scenario: Scenario<W>) => Promise<void>

const environmentName = process.env['TEST_ENVIRONMENT'] === 'lab' ? 'lab' : 'simulator'
const usesRealController = environmentName === 'lab' && (process.env['LAB_CONTROLLER'] ?? '') !== ''

let defaultStart: StartState = 'installed'

/**
 * Sets the start state of this file's scenarios, unless a scenario sets its own. Where the release
 * is not the subject, `cluster-ip` saves the helm calls of each run.
 */
export function setDefaultStart(start: StartState): void {
  defaultStart = start
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
  reason: string,
  name: string,
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
  reason: string,
  name: string,
  body: ScenarioBody<Lab>,
  options: ScenarioOptions = {},
): void {
  defineScenario(name, body as ScenarioBody<TestEnvironment>, options, { only: 'lab', why: reason })
}

/**
 * Adds a line to the records of both environments, from which `npm run scenarios` writes pages;
 * scripts/records.ts reads it.
 */
function appendRecord(entry: object): void {
  const file = process.env['SCENARIO_RECORD'] ?? ''
  if (file !== '')
    appendFileSync(
      file,
      `${JSON.stringify({ world: environmentName, controller: usesRealController ? 'real' : 'stand-in', file: basename(expect.getState().testPath ?? ''), ...entry })}\n`,
    )
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
  { start = defaultStart, requiresSimulatedController = false, ...options }: ScenarioOptions,
  restriction?: ScenarioRestriction,
): void {
  appendRecord({ name, ...restriction, steersController: requiresSimulatedController })
  const skipReason = findSkipReason(restriction, requiresSimulatedController)
  if (skipReason !== undefined) {
    test.skip(`${name} (not in this environment: ${skipReason})`, () => undefined)
    return
  }
  test(name, async () => {
    const environment = await startEnvironment(options, start)
    try {
      await measurePhase(getFileName(), 'body', () =>
        body({ environment, ...createRunner(environment) }),
      )
      appendRecord({ name, passed: true })
    } catch (error) {
      const logDirectory = await environment.saveLogs()
      if (logDirectory !== undefined)
        console.error(`The logs of all parts are kept in ${logDirectory}`)
      throw error
    } finally {
      await measurePhase(getFileName(), 'close', () => environment.close())
    }
  })
}

const getFileName = (): string => basename(expect.getState().testPath ?? '', '.test.ts')

/** Starts a test environment in the start state of the scenario. */
async function startEnvironment(
  options: TestEnvironmentOptions,
  start: StartState,
): Promise<TestEnvironment> {
  if (environmentName === 'simulator') {
    const saved = await measurePhase(getFileName(), 'start', () => savedState(start))
    return measurePhase(getFileName(), 'world', () =>
      startSimulator({ ...options, savedState: saved }),
    )
  }
  const lab = await measurePhase(getFileName(), 'world', () =>
    launchLab({ ...options, fixture: toInstallationState(start) }),
  )
  await measurePhase(getFileName(), 'start', () => prepareStartState(lab, start))
  return lab
}

/** Inputs of each run unless the scenario overrides them. */
const defaultInputs = {
  'milvus-token': `root:${tokenCanary}`,
  values: `minio: {secretKey: ${valuesCanary}}`,
}

/** What helm has to install for a start state. */
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

/** The state of a simulator that helm and the action prepared, once in each test file. */
function savedState(start: StartState): Promise<SavedState> {
  const saved = savedStateByStart.get(start) ?? createSavedState(start)
  savedStateByStart.set(start, saved)
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

/**
 * The lab has many modules, so they are loaded only where they are used. They are imported one
 * after the other because jest does not link modules that two concurrent imports share.
 */
async function launchLab(options: LabOptions): Promise<Lab> {
  const { startLab } = await import('../../integration/lab.ts')
  const { getSharedPrograms: sharedPrograms } = await import('../../integration/shared-services.ts')
  const { setup } = await import('../../integration/setup.ts')
  return startLab(sharedPrograms() ?? (await setup()), options)
}

function createRunner(environment: TestEnvironment): Omit<Scenario, 'environment'> {
  const checkClients =
    environment.name === 'lab' ? createClientCheck(environment as Lab) : () => Promise.resolve()
  let requestOffset = environment.requestLog.requests.length
  // The Lease is not part of what a run is meant to change.
  const writes = (): string[] =>
    environment.requestLog.requests
      .slice(requestOffset)
      .filter(
        ({ isMutating: mutating, userAgent: client, operation }) =>
          mutating && /milvus-alb-action|^Helm/i.test(client) && !operation.includes('/leases'),
      )
      .map(({ service: part, operation }) => `${part} ${operation}`)
  return {
    async run(inputs = {}, options = {}) {
      requestOffset = environment.requestLog.requests.length
      const allInputs = { ...defaultInputs, ...inputs }
      const run = await runAction(environment, allInputs, {
        ...options,
        env: { PROFILE_SUBJECT: getFileName(), ...options.env },
      })
      await expectNoLeak(
        environment,
        run,
        { ...environment.inputs(), ...allInputs },
        environment.requestLog.requests.slice(requestOffset),
      )
      expectOneAnnotation(run)
      expectNoSilentWrite(run, writes())
      if (
        run.exitCode === 0 &&
        run.outputs['changed'] === 'true' &&
        inputs['probe'] !== 'off' &&
        inputs['mode'] !== 'destroy'
      )
        await measurePhase(getFileName(), 'clients', checkClients)
      return run
    },
    writes,
  }
}

/** How pymilvus was already checked in this file: without a token, and with one. */
const checkedAuthModes = new Set<'anonymous' | 'authenticated'>()

/**
 * Checks what a successful change means to a user: Milvus' own clients work. pymilvus takes seconds
 * to start, so it runs only the first time in each test file, and the first time with a token.
 */
function createClientCheck(lab: Lab): () => Promise<void> {
  return async () => {
    const { verifyNodeClient: useNodeClient, verifyPymilvus: usePymilvus } =
      await import('../../integration/milvus-clients.ts')
    const authMode = lab.milvusToken() === '' ? 'anonymous' : 'authenticated'
    if (!checkedAuthModes.has(authMode)) await usePymilvus(lab)
    checkedAuthModes.add(authMode)
    await useNodeClient(lab)
  }
}

/** Expects a run that succeeded. */
export function expectSuccess(run: RunResult): RunResult {
  expect({
    exitCode: run.exitCode,
    code: run.outputs['failure-code'],
    log: run.exitCode === 0 ? '' : run.log,
  }).toEqual({ exitCode: 0, code: undefined, log: '' })
  return run
}

/** Expects a run that found everything up to date. */
export function expectUnchanged(run: RunResult): void {
  expect(listChanges(expectSuccess(run))).toEqual([])
  expect(run.outputs['changed']).toBe('false')
}

/** Expects a run that failed in this step with this code, and reported it everywhere. */
export function expectFailure(run: RunResult, step: string, code: string): RunResult {
  const { 'failed-step': failedStep, 'failure-code': failureCode } = run.outputs
  const actual = { exitCode: run.exitCode, step: failedStep, code: failureCode }
  expect({ ...actual, log: failureCode === code ? '' : run.log }).toEqual({
    exitCode: 1,
    step,
    code,
    log: '',
  })
  expect(run.log).toContain(`${code} in ${step}`)
  expect(run.log).toContain('What to do: ')
  expect(run.summary).toContain(code)
  appendRecord({ name: expect.getState().currentTestName, code })
  return run
}

/** Expects a further problem that a failed run reported in addition to its failure. */
export function expectAdditionalFailure(run: RunResult, code: string): void {
  expect(run.summary).toContain(code)
  appendRecord({ name: expect.getState().currentTestName, code })
}

/**
 * Runs the action, and expects this failure without any write.
 * @returns the annotation
 */
export async function expectFailureWithoutWrites(
  { run, writes }: Scenario,
  inputs: Readonly<Record<string, string>>,
  code: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const result = expectFailure(await run(inputs, { env }), 'preflight', code)
  expect(writes()).toEqual([])
  expect(result.outputs).toMatchObject({ changed: 'false', changes: '[]' })
  return getErrorAnnotation(result)
}

/** The changes of a run as `step path`. */
export function listChanges(run: RunResult): string[] {
  return (JSON.parse(run.outputs['changes'] ?? '[]') as { step: string; path: string }[]).map(
    ({ step, path }) =>
      `${step} ${path.replace('metadata.annotations.', '').replace('alb.ingress.kubernetes.io/', '')}`,
  )
}

/** The text of the run's only error annotation. */
export const getErrorAnnotation = (run: RunResult): string =>
  decodeURIComponent(/^::error [^:]*::(.*)$/m.exec(run.log)?.[1] ?? '')

function expectOneAnnotation(run: RunResult): void {
  expect(run.log.match(/^::error/gm) ?? []).toHaveLength(run.exitCode === 0 ? 0 : 1)
}

/** The step whose change a write belongs to. */
function getStepOfWrite(write: string): string {
  if (write.startsWith('acm ')) return 'certificate'
  return write.includes('/ingresses/') ? 'ingress' : 'release'
}

/** Expects that `changes` lists every write. */
function expectNoSilentWrite(run: RunResult, writes: readonly string[]): void {
  const listedSteps = new Set(
    listChanges(run).map((change) => change.split(' ')[0]?.replace('load-balancer', 'ingress')),
  )
  expect(writes.filter((write) => !listedSteps.has(getStepOfWrite(write)))).toEqual([])
}

/**
 * Expects no secrets in what the run left or in requests to services that they are not for, and no
 * files left on disk.
 */
async function expectNoLeak(
  environment: TestEnvironment,
  run: RunResult,
  inputs: Readonly<Record<string, string>>,
  requests: readonly RecordedRequest[],
): Promise<void> {
  const secrets = collectSecrets(environment, inputs)
  expect([
    ...findLeaks(await collectRunOutputs(environment, run), secrets),
    ...findLeaksInRequests(requests, secrets),
  ]).toEqual([])
  expect(run.remainingFiles).toEqual([])
}
