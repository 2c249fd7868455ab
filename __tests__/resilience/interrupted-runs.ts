/** Runs that record their writes, and runs that are interrupted at one of them. */
import type { ChildProcess } from 'node:child_process'
import { mkdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runAction } from '../../testing/run-action.ts'
import {
  isRunning,
  killProcess,
  killProcessTree,
  listProcessesWith,
} from '../../testing/process-tree.ts'
import type { RunResult, RunOptions } from '../../testing/runner.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import type { RecordedRequest } from '../../testing/request-log.ts'
import { waitUntil } from '../../testing/wait.ts'
import type { InterruptionPoint, Writes } from './interruption-points.ts'

type Inputs = Readonly<Record<string, string>>

/** Whether a request is a write by the action or by the Helm process that it runs. */
const isWrite = ({ isMutating, userAgent }: RecordedRequest): boolean =>
  isMutating && /milvus-alb-action|^Helm/i.test(userAgent)

const fileWritesPath = (simulator: Simulator): string => join(simulator.directory, 'file-writes')
const helmCallsPath = (simulator: Simulator): string => join(simulator.directory, 'helm-calls')

/** Environment variables of a run that numbers its writes. */
export async function prepareWriteNumbering(simulator: Simulator): Promise<Record<string, string>> {
  await Promise.all(
    [fileWritesPath(simulator), helmCallsPath(simulator)].map((path) =>
      rm(path, { recursive: true, force: true }),
    ),
  )
  await mkdir(helmCallsPath(simulator))
  return {
    NODE_OPTIONS: `${simulator.runnerEnv()['NODE_OPTIONS'] ?? ''} --import=${new URL('../../testing/file-write-faults.mjs', import.meta.url).href}`,
    FILE_WRITES: fileWritesPath(simulator),
    HELM_CALLS: helmCallsPath(simulator),
  }
}

/** Runs the action without a fault. */
export async function runAndRecordWrites(
  simulator: Simulator,
  inputs: Inputs,
): Promise<{ run: RunResult; writes: Writes }> {
  const [requestOffset, before] = [
    simulator.requestLog.requests.length,
    (await simulator.helmCalls()).length,
  ]
  const run = await runAction(simulator, inputs, { env: await prepareWriteNumbering(simulator) })
  const requests = simulator.requestLog.requests
    .slice(requestOffset)
    .filter(isWrite)
    .map(({ operation }) => operation)
  const requestTimes = simulator.requestLog.requests
    .slice(requestOffset)
    .map(({ receivedAt }) => receivedAt)
  const fileWrites = (await readFile(fileWritesPath(simulator), 'utf8'))
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({
      at: Number.parseInt(line),
      what: line.slice(line.indexOf(' ') + 1).replace(/(?<=milvus-alb-action-)\w+/, ''),
    }))
  const files = fileWrites.map(({ what, at }, index) => {
    const before = fileWrites[index - 1]
    return {
      what,
      isNext: before !== undefined && !requestTimes.some((time) => time >= before.at && time <= at),
    }
  })
  return {
    run,
    writes: {
      requests,
      files,
      helm: (await simulator.helmCalls())
        .slice(before)
        .map((line) => line.split(' ').slice(0, 2).join(' ')),
    },
  }
}

/** Calls back at the run's nth write. */
function onWriteRequest(
  { requestLog }: Simulator,
  { n, moment }: InterruptionPoint,
  onReached: () => void,
): () => void {
  let writeCount = 0
  const writeRequests: RecordedRequest[] = []
  return requestLog.observe({
    received: (request) => {
      if (!isWrite(request)) return
      writeRequests.push(request)
      writeCount += 1
      if (moment === 'received' && writeCount === n) onReached()
    },
    answered: (request) => {
      if (moment === 'answered' && writeRequests[n - 1] === request) onReached()
    },
  })
}

/** What happens at an interruption point. */
interface Interruption {
  readonly options: Partial<RunOptions>
  /** The signal for Helm, or for the process that writes a file, at such a point. */
  readonly signal: NodeJS.Signals
  /** Called at a request, with the process ID of the run. */
  readonly onReached: (pid: number) => void
}

/** Runs the action and interrupts it at the point. */
async function runWithInterruption(
  simulator: Simulator,
  inputs: Inputs,
  point: InterruptionPoint,
  { options, signal, onReached }: Interruption,
): Promise<RunResult> {
  const { kind, n, moment } = point
  let stopObserving = (): void => undefined
  const environmentByKind = {
    request: {},
    helm: { HELM_KILLS: `${n} ${moment}`, HELM_SIGNAL: signal.slice(3) },
    file: { FILE_KILLS: `${n} ${moment}`, FILE_SIGNAL: signal },
  }
  const run = await runAction(simulator, inputs, {
    ...options,
    env: { ...(await prepareWriteNumbering(simulator)), ...environmentByKind[kind] },
    onStart: (child) => {
      options.onStart?.(child)
      if (kind === 'request')
        stopObserving = onWriteRequest(simulator, point, () => {
          onReached(child.pid ?? 0)
        })
    },
  })
  stopObserving()
  return run
}

/**
 * Runs until the point, and kills the whole process tree there. What a runner keeps on its disk
 * remains.
 * @param helm whether a running Helm process is killed too, or survives and ends by itself
 */
export async function runAndKill(
  simulator: Simulator,
  inputs: Inputs,
  point: InterruptionPoint,
  { disk, helm = 'killed' }: { readonly disk: string; readonly helm?: 'killed' | 'survives' },
): Promise<RunResult> {
  const run = await runWithInterruption(simulator, inputs, point, {
    options: { runnerDirectory: disk, skipPost: true },
    signal: 'SIGKILL',
    onReached: (pid) => {
      if (helm === 'killed') killProcessTree(pid)
      else killProcess(pid)
    },
  })
  // A surviving Helm process ends before the next run starts, because a Lease expires only after
  // half a minute. One that started while the tree was killed may still be starting.
  await waitUntil(() => {
    const helmPids = listProcessesWith(`HELM_CALLS=${helmCallsPath(simulator)}`)
    if (point.kind === 'request' && helm === 'killed') helmPids.forEach(killProcess)
    return helmPids.length === 0
  })
  await simulator.requestLog.waitUntilIdle()
  return run
}

/**
 * Runs until the point, and cancels there as GitHub does: SIGINT, and SIGTERM 7.5 s later. Source:
 * GitHub, workflow cancellation.
 * @returns `shutdownMs`: milliseconds from the first signal to the end
 */
export async function runAndCancel(
  simulator: Simulator,
  inputs: Inputs,
  point: InterruptionPoint,
): Promise<RunResult & { readonly shutdownMs: number }> {
  let [cancelledAt, endedAt] = [0, 0]
  const onStart = (child: ChildProcess): void =>
    void child.once('exit', () => {
      endedAt = Date.now()
    })
  const run = await runWithInterruption(simulator, inputs, point, {
    options: { onStart },
    signal: 'SIGINT',
    onReached: (pid) => {
      cancelledAt = Date.now()
      process.kill(pid, 'SIGINT')
      setTimeout(() => {
        if (isRunning(pid)) process.kill(pid, 'SIGTERM')
      }, 7_500).unref()
    },
  })
  if (point.kind !== 'request')
    cancelledAt = (await stat(`${fileWritesPath(simulator)}.signal`)).mtimeMs
  return { ...run, shutdownMs: endedAt - cancelledAt }
}

/**
 * Simulates that half a minute passes: the controller has finished once no client has sent a
 * request for 100 ms, and the Lease has expired.
 */
export async function waitForIdleAndExpireLease({
  kubernetes,
  namespace,
  requestLog,
}: Simulator): Promise<void> {
  await waitUntil(() => Date.now() - (requestLog.requests.at(-1)?.receivedAt ?? 0) >= 100)
  const lease = kubernetes.get('Lease', namespace, 'milvus-alb-action')
  if (lease)
    kubernetes.replace({
      ...lease,
      spec: { ...(lease['spec'] as object), renewTime: '2026-01-01T00:00:00.000000Z' },
    })
}
