/**
 * The processes of the lab. Each has its own process group and log file, is awaited with a
 * readiness check, and is stopped in reverse order. A watchdog stops them if this process is
 * killed.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { waitUntil } from '../testing/wait.ts'
import { waitForExit, Watchdog } from '../testing/watchdog.ts'

/** A process to start. */
export interface ProcessOptions {
  /** The name of the log file. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /**
   * The complete environment except for PATH. No proxy or credential of the machine is inherited.
   */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Called until it returns true. An error counts as false. */
  readonly isReady: () => Promise<boolean>
  /** Milliseconds; three minutes when absent. */
  readonly timeout?: number
  /** Milliseconds between SIGTERM and SIGKILL; 5 s when absent. */
  readonly gracePeriod?: number
  /**
   * Files that the process creates outside its folder. They are removed, with their folder if it is
   * empty.
   */
  readonly strayFiles?: (pid: number) => readonly string[]
}

/** A running process. */
export interface ManagedProcess {
  readonly name: string
  readonly pid: number
  readonly log: string
  /** Resolves when the process has ended, for any reason. */
  readonly exited: Promise<void>
  readonly isRunning: () => boolean
  stop(): Promise<void>
}

/** A process that cannot be started so often in a row is given up. */
const maxFailedRestarts = 3

/** The processes of one lab. */
export class Processes {
  readonly logs: string
  private readonly managedProcesses: ManagedProcess[] = []
  private readonly adopted = new Set<ChildProcess>()
  private readonly watchdog: Watchdog
  private closing: Promise<void> | undefined
  private readonly onSignal = (signal: NodeJS.Signals): void => void this.handleSignal(signal)

  /**
   * @param directory contains the logs; the watchdog removes it if this process is killed
   * @param options `handleSignals`: whether a signal to this process stops the processes
   */
  constructor(directory: string, { handleSignals = true }: { handleSignals?: boolean } = {}) {
    this.logs = join(directory, 'logs')
    this.watchdog = new Watchdog(directory)
    if (handleSignals)
      process.on('SIGINT', this.onSignal).on('SIGTERM', this.onSignal).on('SIGHUP', this.onSignal)
  }

  /** Starts a process and waits until it is ready. */
  async start(options: ProcessOptions): Promise<ManagedProcess> {
    await mkdir(this.logs, { recursive: true })
    if (this.closing) throw new Error('The lab is being closed.')
    const log = join(this.logs, `${options.name}.log`)
    const managedProcess = spawnProcess(options, log, this.watchdog)
    this.managedProcesses.push(managedProcess)
    const tail = async (): Promise<string> =>
      (await readFile(log, 'utf8')).split('\n').slice(-15).join('\n')
    try {
      await waitUntil(async () => !managedProcess.isRunning() || (await options.isReady()), {
        timeout: options.timeout,
        createError: async (lastError) =>
          new Error(`${options.name} is not ready: ${String(lastError)}\n${await tail()}`),
      })
    } catch (error) {
      await managedProcess.stop()
      throw error
    }
    if (!managedProcess.isRunning())
      throw new Error(`${options.name} ended during startup:\n${await tail()}`)
    return managedProcess
  }

  /**
   * Starts a process, and starts it again whenever it ends by itself.
   * @returns a function that stops it
   */
  async keepRunning(options: ProcessOptions): Promise<() => Promise<void>> {
    let current = await this.start(options)
    let isStopped = false
    const reportFailure = (error: unknown): undefined => {
      if (!this.isClosing) console.error(error)
    }
    const restartAlways = async (): Promise<void> => {
      let failureCount = 0
      while (failureCount < maxFailedRestarts) {
        await current.exited
        if (isStopped || this.isClosing) return
        console.error(`Restarting ${options.name}.`)
        const restarted = await this.start(options).catch(reportFailure)
        current = restarted ?? current
        failureCount = restarted ? 0 : failureCount + 1
      }
    }
    void restartAlways()
    return () => {
      isStopped = true
      return current.stop()
    }
  }

  /** Takes over a child process that other code started, so that it does not outlive the lab. */
  adopt(child: ChildProcess): void {
    const { pid } = child
    if (pid === undefined) return
    this.adopted.add(child)
    this.watchdog.watch(pid, [])
    child.once('exit', () => {
      this.adopted.delete(child)
      this.watchdog.forget(pid)
    })
  }

  /** Whether the processes are being stopped. */
  get isClosing(): boolean {
    return this.closing !== undefined
  }

  /** Stops every process in reverse order, and then the watchdog. */
  close(): Promise<void> {
    this.closing ??= this.shutDown()
    return this.closing
  }

  private async shutDown(): Promise<void> {
    for (const child of this.adopted) child.kill('SIGKILL')
    for (const managedProcess of this.managedProcesses.toReversed()) await managedProcess.stop()
    await this.watchdog.close()
    process.off('SIGINT', this.onSignal).off('SIGTERM', this.onSignal).off('SIGHUP', this.onSignal)
  }

  private async handleSignal(signal: NodeJS.Signals): Promise<void> {
    await this.close()
    // Ends by the signal as if it had not been caught, because the parent process checks for that.
    process.kill(process.pid, signal)
  }
}

/** Starts a child and writes its output to a file. */
function spawnProcess(options: ProcessOptions, log: string, watchdog: Watchdog): ManagedProcess {
  const output = openSync(log, 'a')
  const child = spawn(options.command, options.args, {
    env: { PATH: '/usr/bin:/bin', ...options.env },
    cwd: options.cwd,
    stdio: ['ignore', output, output],
    detached: true,
  })
  closeSync(output)
  const { pid } = child
  const exited = waitForExit(child)
  if (pid === undefined) throw new Error(`${options.name}: cannot start ${options.command}`)
  const strayFiles = options.strayFiles?.(pid) ?? []
  watchdog.watch(pid, strayFiles)
  let isAlive = true
  let isStopping = false
  void exited.then(() => {
    isAlive = false
    watchdog.forget(pid)
    if (!isStopping) void reportEnd(options.name, log)
  })
  const stop = async (): Promise<void> => {
    isStopping = true
    await terminateGroup(pid, exited, options.gracePeriod ?? 5_000)
    for (const path of strayFiles)
      await rm(path, { force: true })
        .then(() => rmdir(dirname(path)))
        .catch(() => undefined)
  }
  return { name: options.name, pid, log, exited, isRunning: () => isAlive, stop }
}

/** A process that ends by itself makes scenarios fail that do not name it. */
async function reportEnd(name: string, log: string): Promise<void> {
  const lines = (await readFile(log, 'utf8').catch(() => '')).trimEnd().split('\n')
  const lastLine = lines.at(-1) ?? ''
  console.error(`${name} of the lab ended by itself. Last log line: ${lastLine.slice(0, 300)}`)
}

/** Sends SIGTERM to the group, and SIGKILL after the grace period. */
async function terminateGroup(
  pid: number,
  exited: Promise<void>,
  gracePeriod: number,
): Promise<void> {
  const sendSignal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name)
    } catch {
      // The group has already ended.
    }
  }
  sendSignal('SIGTERM')
  // A stopped process handles SIGTERM only after SIGCONT.
  sendSignal('SIGCONT')
  const timer = setTimeout(() => sendSignal('SIGKILL'), gracePeriod)
  await exited
  clearTimeout(timer)
  // Kills the children that the process left behind.
  sendSignal('SIGKILL')
}
