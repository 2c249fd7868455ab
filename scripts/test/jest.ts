import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryRoot } from '../../testing/environment.ts'
import { Watchdog } from '../../testing/watchdog.ts'
import { readJestReport, type JestResult } from './jest-report.ts'

/** The result and the duration of a run of jest. */
export interface JestRun extends JestResult {
  readonly seconds: number
}

/** Options of runJest. */
export interface JestOptions {
  /** Milliseconds after which a test without a timeout of its own fails; 180 000 when absent. */
  readonly testTimeout?: number
  /** Environment variables of the tests, in addition to those of this process. */
  readonly environment?: Readonly<Record<string, string>>
  /** Ends jest if this process is killed; one of its own when absent. */
  readonly watchdog?: Watchdog
}

/** A run of jest that a signal to this process ended. */
export class Interrupted extends Error {}

/**
 * Runs jest with the given arguments. Jest and its workers end with this process, even if it is
 * killed.
 * @throws Interrupted if this process receives a signal that asks it to stop
 */
export async function runJest(
  args: readonly string[],
  { testTimeout, environment = {}, watchdog }: JestOptions = {},
): Promise<JestRun> {
  const start = performance.now()
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'milvus-alb-jest-'))
  const usedWatchdog = watchdog ?? new Watchdog(scratchDirectory)
  try {
    const reportPath = join(scratchDirectory, 'jest.json')
    await runProcessGroup(
      usedWatchdog,
      ['--json', `--outputFile=${reportPath}`, ...listExitArguments(args), ...args],
      {
        ...process.env,
        ...(testTimeout === undefined ? {} : { TEST_TIMEOUT: String(testTimeout) }),
        ...environment,
      },
    )
    return { ...readJestReport(reportPath), seconds: (performance.now() - start) / 1000 }
  } finally {
    if (!watchdog) await usedWatchdog.close()
    rmSync(scratchDirectory, { recursive: true, force: true })
  }
}

/**
 * A single worker runs the tests in jest's own process, which would wait for what a failed test
 * left open. Several workers are threads, which jest ends. Source: jest-light-runner.
 */
const listExitArguments = (args: readonly string[]): readonly string[] =>
  args.some((arg) => ['--maxWorkers=1', '--runInBand', '-i'].includes(arg)) ? ['--forceExit'] : []

const stopSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs jest as a process group to its end, or until this process gets a signal. */
async function runProcessGroup(
  watchdog: Watchdog,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const jest = join(repositoryRoot, 'node_modules/.bin/jest')
  const child = spawn(process.execPath, [jest, ...args], {
    cwd: repositoryRoot,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  const { pid } = child
  if (pid === undefined) throw new Error('Jest did not start.')
  watchdog.watch(pid, [])
  let receivedSignal: NodeJS.Signals | undefined
  // Runs of the action stop their Helm, which is not in this group, when they are terminated.
  const stop = (signal: NodeJS.Signals): void => {
    receivedSignal = signal
    process.kill(-pid, 'SIGTERM')
  }
  for (const signal of stopSignals) process.on(signal, stop)
  await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve))
  for (const signal of stopSignals) process.off(signal, stop)
  watchdog.forget(pid)
  if (receivedSignal) throw new Interrupted(`Stopped by ${receivedSignal}.`)
}
