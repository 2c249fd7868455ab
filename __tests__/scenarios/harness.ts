/**
 * One scenario: a world of its own, runs of dist/ in it, and what holds for every run whatever
 * happens. TEST_ENVIRONMENT says which world: `simulator` when absent, or `lab` (npm run lab).
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

/** What a scenario is handed. */
export interface Scenario<W extends TestEnvironment = TestEnvironment> {
  readonly environment: W
  /**
   * Runs the action with the world's inputs and these on top, and checks what holds for every run.
   */
  readonly run: (
    inputs?: Readonly<Record<string, string>>,
    options?: Partial<RunOptions>,
  ) => Promise<RunResult>
  /** The writes of the action and of helm since the last run began, in order. */
  readonly writes: () => string[]
}

/** How a scenario may differ. */
export interface ScenarioOptions extends TestEnvironmentOptions {
  /**
   * What is there at the start; what `scenariosStart` says for the file when absent.
   */
  readonly start?: StartState
  /** It uses the switches of the controller's stand-in: a real controller has none. */
  readonly requiresSimulatedController?: boolean
}

/**
 * What is there when a scenario starts: an empty cluster; Milvus installed by helm behind a Service
 * of type LoadBalancer, as the guide assumes, or of type ClusterIP, so that the release needs no
 * change; or all of a successful deployment.
 */
export type StartState = 'empty' | 'installed' | 'cluster-ip' | 'deployed'

export { valuesCanary } from './leaks.ts'

type ScenarioBody<W extends TestEnvironment> = (scenario: Scenario<W>) => Promise<void>

const environmentName = process.env['TEST_ENVIRONMENT'] === 'lab' ? 'lab' : 'simulator'
const usesRealController = environmentName === 'lab' && (process.env['LAB_CONTROLLER'] ?? '') !== ''

let defaultStart: StartState = 'installed'

/**
 * What is there when a scenario of this file starts, unless it says otherwise. Where the release is
 * not the subject, `cluster-ip` spares each run helm's calls.
 */
export function setDefaultStart(start: StartState): void {
  defaultStart = start
}

/** Defines a scenario for both worlds. */
export function scenario(
  name: string,
  body: ScenarioBody<TestEnvironment>,
  options: ScenarioOptions = {},
): void {
  defineScenario(name, body, options)
}

/**
 * Defines a scenario that only the simulator can play.
 * @param reason what real parts cannot be made to do
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
 * Defines a scenario that only the lab can play.
 * @param reason what the simulator has not
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
 * One line for the pages that `npm run scenarios` writes from what both worlds recorded:
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

/** Why a scenario does not run here; undefined when it does. */
function findSkipReason(
  restriction: ScenarioRestriction | undefined,
  requiresSimulatedController: boolean,
): string | undefined {
  if (restriction && restriction.only !== environmentName) return restriction.why
  if (requiresSimulatedController && usesRealController) return 'a real controller has no switches'
  return undefined
}

/** The only test environment that a scenario is for, and the reason. */
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

/** An environment in which all is there with which the scenario starts. */
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

/** What each run is given unless the scenario says otherwise. */
const defaultInputs = {
  'milvus-token': `root:${tokenCanary}`,
  values: `minio: {secretKey: ${valuesCanary}}`,
}

/** What helm has to install for a start. */
const toInstallationState = (start: StartState): StartState =>
  start === 'deployed' ? 'installed' : start

/** Brings a new world, in which nothing is installed, to where a scenario starts. */
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

/**
 * The state of a simulator that was brought there by helm and by the action, once in each test
 * file.
 */
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
 * The lab's modules are many: they are loaded only where they are used, one after the other since
 * jest does not link what two imports share.
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
  // The Lease is no part of what a run is there to change.
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

/** Whether pymilvus was asked in this file: without a token, and with one. */
const checkedAuthModes = new Set<'anonymous' | 'authenticated'>()

/**
 * What a success that changed something means to a user: Milvus' own clients then work. pymilvus
 * takes seconds to start: it is asked the first time in each test file, and the first time with a
 * token.
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

/** A run that did all it should. */
export function expectSuccess(run: RunResult): RunResult {
  expect({
    exitCode: run.exitCode,
    code: run.outputs['failure-code'],
    log: run.exitCode === 0 ? '' : run.log,
  }).toEqual({ exitCode: 0, code: undefined, log: '' })
  return run
}

/** A run that found everything as it should be. */
export function expectUnchanged(run: RunResult): void {
  expect(listChanges(expectSuccess(run))).toEqual([])
  expect(run.outputs['changed']).toBe('false')
}

/** A run that failed in this step for this reason, and said so everywhere. */
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

/** A further problem that a run which failed said beside its failure. */
export function expectAdditionalFailure(run: RunResult, code: string): void {
  expect(run.summary).toContain(code)
  appendRecord({ name: expect.getState().currentTestName, code })
}

/**
 * Runs, and expects this failure with no write of any kind.
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

/** The text of the run's one error annotation. */
export const getErrorAnnotation = (run: RunResult): string =>
  decodeURIComponent(/^::error [^:]*::(.*)$/m.exec(run.log)?.[1] ?? '')

function expectOneAnnotation(run: RunResult): void {
  expect(run.log.match(/^::error/gm) ?? []).toHaveLength(run.exitCode === 0 ? 0 : 1)
}

/** Which step's change a write belongs to. */
function getStepOfWrite(write: string): string {
  if (write.startsWith('acm ')) return 'certificate'
  return write.includes('/ingresses/') ? 'ingress' : 'release'
}

/** Nothing was changed that `changes` does not list. */
function expectNoSilentWrite(run: RunResult, writes: readonly string[]): void {
  const listedSteps = new Set(
    listChanges(run).map((change) => change.split(' ')[0]?.replace('load-balancer', 'ingress')),
  )
  expect(writes.filter((write) => !listedSteps.has(getStepOfWrite(write)))).toEqual([])
}

/**
 * No secret in what the run left, nor in requests to a part that it is not for; nothing left on
 * disk.
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
