/**
 * One scenario: a world of its own, runs of dist/ in it, and what holds for every run whatever happens. WORLD says which world:
 * `sandbox` when absent, or `lab` (npm run lab).
 */
import { appendFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from '@jest/globals'
import type { Lab, LabOptions } from '../../lab/lab.ts'
import { act } from '../../sandbox/act.ts'
import { timed } from '../../sandbox/profile.ts'
import type { ActionRun, RunOptions } from '../../sandbox/runner.ts'
import { startSandbox, type Sandbox } from '../../sandbox/sandbox.ts'
import { saveState, type SavedState } from '../../sandbox/snapshot.ts'
import type { RecordedRequest } from '../../sandbox/traffic.ts'
import type { World, WorldOptions } from '../../sandbox/world.ts'
import { leaksIn, leaksInRequests, placesOf, secretsOf, tokenCanary, valuesCanary } from './leaks.ts'

/** What a scenario is handed. */
export interface Scenario<W extends World = World> {
  readonly world: W
  /** Runs the action with the world's inputs and these on top, and checks what holds for every run. */
  readonly run: (inputs?: Readonly<Record<string, string>>, options?: Partial<RunOptions>) => Promise<ActionRun>
  /** The writes of the action and of helm since the last run began, in order. */
  readonly writes: () => string[]
}

/** How a scenario may differ. */
export interface ScenarioOptions extends WorldOptions {
  /**
   * What is there at the start; what `scenariosStart` says for the file when absent.
   */
  readonly start?: Start
  /** It uses the switches of the controller's stand-in: a real controller has none. */
  readonly steersController?: boolean
}

/**
 * What is there when a scenario starts: an empty cluster; Milvus installed by helm behind a Service of type LoadBalancer, as the
 * guide assumes, or of type ClusterIP, so that the release needs no change; or all of a successful deployment.
 */
export type Start = 'empty' | 'installed' | 'cluster-ip' | 'deployed'

export { valuesCanary } from './leaks.ts'

type Body<W extends World> = (scenario: Scenario<W>) => Promise<void>

const where = process.env['WORLD'] === 'lab' ? 'lab' : 'sandbox'
const realController = where === 'lab' && (process.env['LAB_CONTROLLER'] ?? '') !== ''

let startOfFile: Start = 'installed'

/** What is there when a scenario of this file starts, unless it says otherwise. Where the release is not the subject, `cluster-ip` spares each run helm's calls. */
export function scenariosStart(start: Start): void {
  startOfFile = start
}

/** Defines a scenario for both worlds. */
export function scenario(name: string, body: Body<World>, options: ScenarioOptions = {}): void {
  define(name, body, options)
}

/** Defines a scenario that only the sandbox can play. @param why what real parts cannot be made to do */
export function sandboxScenario(why: string, name: string, body: Body<Sandbox>, options: ScenarioOptions = {}): void {
  define(name, body as Body<World>, options, { only: 'sandbox', why })
}

/** Defines a scenario that only the lab can play. @param why what the sandbox has not */
export function labScenario(why: string, name: string, body: Body<Lab>, options: ScenarioOptions = {}): void {
  define(name, body as Body<World>, options, { only: 'lab', why })
}

/** One line for the pages that `npm run scenarios` writes from what both worlds recorded: scripts/records.ts reads it. */
function record(entry: object): void {
  const file = process.env['SCENARIO_RECORD'] ?? ''
  if (file !== '') appendFileSync(file, `${JSON.stringify({ world: where, controller: realController ? 'real' : 'stand-in', file: basename(expect.getState().testPath ?? ''), ...entry })}\n`)
}

function define(name: string, body: Body<World>, { start = startOfFile, steersController = false, ...options }: ScenarioOptions, limit?: { only: World['name']; why: string }): void {
  record({ name, ...limit, steersController })
  const not = limit && limit.only !== where ? limit.why : steersController && realController ? 'a real controller has no switches' : undefined
  if (not !== undefined) {
    test.skip(`${name} (not in this world: ${not})`, () => undefined)
    return
  }
  test(name, async () => {
    const world = await startWorld(options, start)
    try {
      await timed(fileName(), 'body', () => body({ world, ...runner(world) }))
      record({ name, passed: true })
    } catch (error) {
      const logs = await world.keepLogs()
      if (logs !== undefined) console.error(`The logs of all parts are kept in ${logs}`)
      throw error
    } finally {
      await timed(fileName(), 'close', () => world.close())
    }
  })
}

const fileName = (): string => basename(expect.getState().testPath ?? '', '.test.ts')

/** An environment in which all is there with which the scenario starts. */
async function startWorld(options: WorldOptions, start: Start): Promise<World> {
  if (where === 'sandbox') {
    const saved = await timed(fileName(), 'start', () => savedState(start))
    return timed(fileName(), 'world', () => startSandbox({ ...options, savedState: saved }))
  }
  const lab = await timed(fileName(), 'world', () => startedLab({ ...options, start: installationOf(start) }))
  await timed(fileName(), 'start', () => reach(lab, start))
  return lab
}

/** What each run is given unless the scenario says otherwise. */
const usualInputs = { 'milvus-token': `root:${tokenCanary}`, values: `minio: {secretKey: ${valuesCanary}}` }

/** What helm has to install for a start. */
const installationOf = (start: Start): Start => (start === 'deployed' ? 'installed' : start)

/** Brings a new world, in which nothing is installed, to where a scenario starts. */
async function reach(world: World, start: Start): Promise<void> {
  if (start === 'empty') return
  const lab = world.name === 'lab' ? world as Lab : undefined
  if (lab?.restored !== true) {
    await world.installMilvus({ serviceType: start === 'cluster-ip' ? 'ClusterIP' : 'LoadBalancer', values: { minio: { bucketName: 'precious', secretKey: valuesCanary } } })
    await lab?.saveStart(installationOf(start))
  }
  if (start === 'deployed') expectSuccess(await act(world, usualInputs))
}

const savedStates = new Map<Start, Promise<SavedState>>()

/** The state of a sandbox that was brought there by helm and by the action, once in each test file. */
function savedState(start: Start): Promise<SavedState> {
  const saved = savedStates.get(start) ?? makeSavedState(start)
  savedStates.set(start, saved)
  return saved
}

async function makeSavedState(start: Start): Promise<SavedState> {
  const world = await startSandbox()
  try {
    await reach(world, start)
    return saveState(world)
  } finally {
    await world.close()
  }
}

/** The lab's modules are many: they are loaded only where they are used, one after the other since jest does not link what two imports share. */
async function startedLab(options: LabOptions): Promise<Lab> {
  const { startLab } = await import('../../lab/lab.ts')
  const { sharedPrograms } = await import('../../lab/shared.ts')
  const { setup } = await import('../../lab/setup.ts')
  return startLab(sharedPrograms() ?? await setup(), options)
}

function runner(world: World): Omit<Scenario, 'world'> {
  const clients = world.name === 'lab' ? labClients(world as Lab) : () => Promise.resolve()
  let since = world.traffic.requests.length
  // The Lease is no part of what a run is there to change.
  const writes = (): string[] => world.traffic.requests.slice(since).filter(({ mutating, client, operation }) => mutating && /milvus-alb-action|^Helm/i.test(client) && !operation.includes('/leases')).map(({ part, operation }) => `${part} ${operation}`)
  return {
    async run(inputs = {}, options = {}) {
      since = world.traffic.requests.length
      const all = { ...usualInputs, ...inputs }
      const run = await act(world, all, { ...options, environment: { PROFILE_SUBJECT: fileName(), ...options.environment } })
      await expectNoLeak(world, run, { ...world.inputs(), ...all }, world.traffic.requests.slice(since))
      expectOneAnnotation(run)
      expectNoSilentWrite(run, writes())
      if (run.exitCode === 0 && run.outputs['changed'] === 'true' && inputs['probe'] !== 'off' && inputs['mode'] !== 'destroy') await timed(fileName(), 'clients', clients)
      return run
    },
    writes,
  }
}

/** Whether pymilvus was asked in this file: without a token, and with one. */
const pymilvusAsked = new Set<'anonymous' | 'authenticated'>()

/** What a success that changed something means to a user: Milvus' own clients then work. pymilvus takes seconds to start: it is asked the first time in each test file, and the first time with a token. */
function labClients(lab: Lab): () => Promise<void> {
  return async () => {
    const { useNodeClient, usePymilvus } = await import('../../lab/clients.ts')
    const how = lab.milvusToken() === '' ? 'anonymous' : 'authenticated'
    if (!pymilvusAsked.has(how)) await usePymilvus(lab)
    pymilvusAsked.add(how)
    await useNodeClient(lab)
  }
}

/** A run that did all it should. */
export function expectSuccess(run: ActionRun): ActionRun {
  expect({ exitCode: run.exitCode, code: run.outputs['failure-code'], log: run.exitCode === 0 ? '' : run.log }).toEqual({ exitCode: 0, code: undefined, log: '' })
  return run
}

/** A run that found everything as it should be. */
export function expectUnchanged(run: ActionRun): void {
  expect(changed(expectSuccess(run))).toEqual([])
  expect(run.outputs['changed']).toBe('false')
}

/** A run that failed in this step for this reason, and said so everywhere. */
export function expectFailure(run: ActionRun, step: string, code: string): ActionRun {
  const { 'failed-step': failedStep, 'failure-code': failureCode } = run.outputs
  const as = { exitCode: run.exitCode, step: failedStep, code: failureCode }
  expect({ ...as, log: failureCode === code ? '' : run.log }).toEqual({ exitCode: 1, step, code, log: '' })
  expect(run.log).toContain(`${code} in ${step}`)
  expect(run.log).toContain('What to do: ')
  expect(run.summary).toContain(code)
  record({ name: expect.getState().currentTestName, code })
  return run
}

/** A further problem that a run which failed said beside its failure. */
export function expectBeside(run: ActionRun, code: string): void {
  expect(run.summary).toContain(code)
  record({ name: expect.getState().currentTestName, code })
}

/** Runs, and expects this failure with no write of any kind. @returns the annotation */
export async function expectRefusal({ run, writes }: Scenario, inputs: Readonly<Record<string, string>>, code: string, environment: Readonly<Record<string, string>> = {}, step = 'preflight'): Promise<string> {
  const result = expectFailure(await run(inputs, { environment }), step, code)
  expect(writes()).toEqual([])
  expect(result.outputs).toMatchObject({ changed: 'false', changes: '[]' })
  return annotation(result)
}

/** The changes of a run as `step path`. */
export function changed(run: ActionRun): string[] {
  return (JSON.parse(run.outputs['changes'] ?? '[]') as { step: string; path: string }[]).map(({ step, path }) => `${step} ${path.replace('metadata.annotations.', '').replace('alb.ingress.kubernetes.io/', '')}`)
}

/** The text of the run's one error annotation. */
export const annotation = (run: ActionRun): string => decodeURIComponent(/^::error [^:]*::(.*)$/m.exec(run.log)?.[1] ?? '')

function expectOneAnnotation(run: ActionRun): void {
  expect(run.log.match(/^::error/gm) ?? []).toHaveLength(run.exitCode === 0 ? 0 : 1)
}

/** Which step's change a write belongs to. */
const stepOfWrite = (write: string): string => (write.startsWith('acm ') ? 'certificate' : write.includes('/ingresses/') ? 'ingress' : 'release')

/** Nothing was changed that `changes` does not list. */
function expectNoSilentWrite(run: ActionRun, writes: readonly string[]): void {
  const listed = new Set(changed(run).map((change) => change.split(' ')[0]?.replace('load-balancer', 'ingress')))
  expect(writes.filter((write) => !listed.has(stepOfWrite(write)))).toEqual([])
}

/** No secret in what the run left, nor in requests to a part that it is not for; nothing left on disk. */
async function expectNoLeak(world: World, run: ActionRun, inputs: Readonly<Record<string, string>>, requests: readonly RecordedRequest[]): Promise<void> {
  const secrets = secretsOf(world, inputs)
  expect([...leaksIn(await placesOf(world, run), secrets), ...leaksInRequests(requests, secrets)]).toEqual([])
  expect(run.leftovers).toEqual([])
}
