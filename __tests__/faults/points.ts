/** The writes of a run, numbered, and runs that are ended at one of them. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { act } from '../../sandbox/act.ts'
import { isRunning, kill, killTree, processTree } from '../../sandbox/process-tree.ts'
import type { ActionRun, RunOptions } from '../../sandbox/runner.ts'
import type { Sandbox } from '../../sandbox/sandbox.ts'
import type { RecordedRequest } from '../../sandbox/traffic.ts'

/** One moment of a run. */
export type Point =
  /** The nth request that writes, of the action or of helm: it was received and nothing done yet, or its answer is out. */
  | { readonly kind: 'request'; readonly n: number; readonly moment: 'received' | 'answered'; readonly what: string }
  /** The nth call of helm: before it begins, or when it has ended and the action does not know yet. */
  | { readonly kind: 'helm'; readonly n: number; readonly moment: 'start' | 'never' | 'end'; readonly what: string }
  /** The nth write to a file. Nothing answers it, so that right after it is right before the next; only after the last there is none. */
  | { readonly kind: 'file'; readonly n: number; readonly moment: 'before' | 'after'; readonly what: string; readonly isNext: boolean }

/** What a run writes. */
export interface Writes {
  readonly requests: readonly string[]
  readonly helm: readonly string[]
  readonly files: readonly FileWrite[]
}

/** One write to a file, and whether it follows another one with no request to anybody between the two. */
interface FileWrite {
  readonly what: string
  readonly isNext: boolean
}

type Inputs = Readonly<Record<string, string>>

/** Whether a request is a write of the action, or of the helm that it runs. */
export const isWrite = ({ mutating, client }: RecordedRequest): boolean => mutating && /milvus-alb-action|^Helm/i.test(client)

const notes = (world: Sandbox): string => join(world.directory, 'file-writes')
const calls = (world: Sandbox): string => join(world.directory, 'helm-calls')

/** The environment of a run that numbers its writes. */
export async function numbering(world: Sandbox): Promise<Record<string, string>> {
  await Promise.all([notes(world), calls(world)].map((path) => rm(path, { recursive: true, force: true })))
  await mkdir(calls(world))
  return { NODE_OPTIONS: `${world.environment()['NODE_OPTIONS'] ?? ''} --import=${new URL('../../sandbox/file-writes.mjs', import.meta.url).href}`, FILE_WRITES: notes(world), HELM_CALLS: calls(world) }
}

/** Runs undisturbed. */
export async function record(world: Sandbox, inputs: Inputs): Promise<{ run: ActionRun; writes: Writes }> {
  const [seen, before] = [world.traffic.requests.length, (await world.helmCalls()).length]
  const run = await act(world, inputs, { environment: await numbering(world) })
  const requests = world.traffic.requests.slice(seen).filter(isWrite).map(({ operation }) => operation)
  const times = world.traffic.requests.slice(seen).map(({ at }) => at)
  const noted = (await readFile(notes(world), 'utf8')).split('\n').filter((line) => line !== '').map((line) => ({ at: Number.parseInt(line), what: line.slice(line.indexOf(' ') + 1).replace(/(?<=milvus-alb-action-)\w+/, '') }))
  const files = noted.map(({ what, at }, index) => {
    const before = noted[index - 1]
    return { what, isNext: before !== undefined && !times.some((time) => time >= before.at && time <= at) }
  })
  return { run, writes: { requests, files, helm: (await world.helmCalls()).slice(before).map((line) => line.split(' ').slice(0, 2).join(' ')) } }
}

/**
 * Every moment right before or right after a write.
 * @param known the writes of another run: those that both begin with are left out
 */
export function pointsOf({ requests, helm, files }: Writes, known: Writes = { requests: [], helm: [], files: [] }): Point[] {
  const isNew = (all: readonly string[], others: readonly string[]) => ({ n }: Point): boolean => n > common(all, others)
  const named = (writes: readonly FileWrite[]): string[] => writes.map(({ what }) => what)
  return [
    ...requests.flatMap((what, index) => (['received', 'answered'] as const).map((moment) => ({ kind: 'request' as const, n: index + 1, moment, what }))).filter(isNew(requests, known.requests)),
    ...helm.flatMap((what, index) => (['start', 'never', 'end'] as const).map((moment) => ({ kind: 'helm' as const, n: index + 1, moment, what }))).filter(isNew(helm, known.helm)),
    ...files.map(({ what, isNext }, index) => ({ kind: 'file' as const, n: index + 1, moment: 'before' as const, what, isNext })).filter(isNew(named(files), named(known.files))),
    ...files.slice(-1).map(({ what }) => ({ kind: 'file' as const, n: files.length, moment: 'after' as const, what, isNext: false })),
  ]
}

/** With how many equal members both begin. */
function common(left: readonly string[], right: readonly string[]): number {
  const at = left.findIndex((each, index) => each !== right[index])
  return at === -1 ? left.length : at
}

/** Calls back when the run's nth write is there. */
function atRequest({ traffic }: Sandbox, { n, moment }: Point, then: () => void): () => void {
  let count = 0
  const seen: RecordedRequest[] = []
  return traffic.observe({
    received: (request) => {
      if (!isWrite(request)) return
      seen.push(request)
      count += 1
      if (moment === 'received' && count === n) then()
    },
    answered: (request) => {
      if (moment === 'answered' && seen[n - 1] === request) then()
    },
  })
}

/** A run that something happens to at a point: what the environment brings about, or else `then`, which is told its process id. */
async function runUntil(world: Sandbox, inputs: Inputs, point: Point, options: Partial<RunOptions>, signal: NodeJS.Signals, then: (pid: number) => void): Promise<ActionRun> {
  const { kind, n, moment } = point
  let forget = (): void => undefined
  const moments = { request: {}, helm: { HELM_KILLS: `${n} ${moment}`, HELM_SIGNAL: signal.slice(3) }, file: { FILE_KILLS: `${n} ${moment}`, FILE_SIGNAL: signal } }
  const run = await act(world, inputs, {
    ...options,
    environment: { ...await numbering(world), ...moments[kind] },
    onStart: (child) => {
      options.onStart?.(child)
      if (kind === 'request') forget = atRequest(world, point, () => { then(child.pid ?? 0) })
    },
  })
  forget()
  return run
}

/**
 * Runs until the point, and ends the whole process tree there; what a runner keeps on its disk stays.
 * @param helm whether a helm that works at that moment dies too, or lives and ends by itself
 */
export async function runKilled(world: Sandbox, inputs: Inputs, point: Point, disk: string, helm: 'dies' | 'lives' = 'dies'): Promise<ActionRun> {
  let helms: number[] = []
  const run = await runUntil(world, inputs, point, { disk, runnerDies: true }, 'SIGKILL', (pid) => {
    helms = processTree(pid).slice(1)
    if (helm === 'dies') killTree(pid)
    else kill(pid)
  })
  // A helm that lives is over before the next run comes: a Lease runs out only half a minute later.
  const callers = await Promise.all((await readdir(calls(world))).map(async (call) => Number(await readFile(join(calls(world), call, 'pid'), 'utf8'))))
  while ([...helms, ...callers].some(isRunning)) await new Promise((resolve) => setTimeout(resolve, 10))
  await world.traffic.idle()
  return run
}

/**
 * Runs until the point, and cancels there as GitHub does: SIGINT, and SIGTERM 7.5 s later. Source: GitHub, workflow cancellation.
 * @returns `tookToEnd`: milliseconds from the first signal to the end
 */
export async function runCancelled(world: Sandbox, inputs: Inputs, point: Point): Promise<ActionRun & { readonly tookToEnd: number }> {
  let [cancelled, ended] = [0, 0]
  const onStart = (child: ChildProcess): void => void child.once('exit', () => { ended = Date.now() })
  const run = await runUntil(world, inputs, point, { onStart }, 'SIGINT', (pid) => {
    cancelled = Date.now()
    process.kill(pid, 'SIGINT')
    setTimeout(() => { if (isRunning(pid)) process.kill(pid, 'SIGTERM') }, 7_500).unref()
  })
  if (point.kind !== 'request') cancelled = (await stat(`${notes(world)}.signal`)).mtimeMs
  return { ...run, tookToEnd: ended - cancelled }
}

/** Half a minute passes: the controller has done what it has to do, when nobody has asked for anything for this long, and the Lease has run out. */
export async function halfAMinuteLater({ kubernetes, namespace, traffic }: Sandbox): Promise<void> {
  while (Date.now() - (traffic.requests.at(-1)?.at ?? 0) < 100) await new Promise((resolve) => setTimeout(resolve, 20))
  const lease = kubernetes.get('Lease', namespace, 'milvus-alb-action')
  if (lease) kubernetes.replace({ ...lease, spec: { ...(lease['spec'] as object), renewTime: '2026-01-01T00:00:00.000000Z' } })
}
