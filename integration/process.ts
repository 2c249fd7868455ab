/**
 * Children of the lab: each in a process group of its own, with its output in a file, awaited by a
 * condition, and ended in reverse order. A guard outside of this process ends what is left when
 * this one dies without having said goodbye.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'

/** What is started, and how one knows that it is up. */
export interface ProcessOptions {
  /** Names the log file. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /**
   * The whole environment but for PATH; nothing is inherited, so that no proxy or credential of the
   * machine gets in.
   */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Asked again and again until it says true; an error counts as false. */
  readonly isReady: () => Promise<boolean>
  /** Milliseconds; three minutes when absent. */
  readonly timeout?: number
  /**
   * Milliseconds that it has for its own end before it is killed; 5 s when absent, less for what
   * takes its time for nothing.
   */
  readonly gracePeriod?: number
  /**
   * Files that it puts where nobody asked it to: they go when it does, and their folder when it is
   * empty.
   */
  readonly strayFiles?: (pid: number) => readonly string[]
}

/** A running part. */
export interface ManagedProcess {
  readonly name: string
  readonly pid: number
  readonly log: string
  /** Settles when it has ended, by itself or not. */
  readonly exited: Promise<void>
  readonly isRunning: () => boolean
  stop(): Promise<void>
}

/**
 * Waits for a condition, asked every `interval` milliseconds; an error of the question counts as
 * no.
 * @throws Error made by `failure` when the time is over
 */
export async function waitUntil(
  condition: () => Promise<boolean>,
  createError: (lastError: unknown) => Promise<Error> | Error,
  timeout = 180_000,
  interval = 20,
): Promise<void> {
  const deadline = performance.now() + timeout
  let lastError: unknown
  while (performance.now() < deadline) {
    try {
      if (await condition()) return
    } catch (error) {
      lastError = error
    }
    await new Promise((resolve) => setTimeout(resolve, interval))
  }
  throw await createError(lastError)
}

/** The children of one world. */
export class Processes {
  readonly logs: string
  private readonly managedProcesses: ManagedProcess[] = []
  private readonly adopted = new Set<ChildProcess>()
  private readonly watchdog: Watchdog
  private closing: Promise<void> | undefined
  private readonly onSignal = (signal: NodeJS.Signals): void => void this.handleSignal(signal)

  /**
   * @param directory of the world: it holds the logs, and the guard removes it when this process
   *   dies
   * @param options `signals`: whether a signal to this process ends them; false where whoever
   *   made them sees to that
   */
  constructor(directory: string, { handleSignals = true }: { handleSignals?: boolean } = {}) {
    this.logs = join(directory, 'logs')
    this.watchdog = new Watchdog(directory)
    if (handleSignals)
      process.on('SIGINT', this.onSignal).on('SIGTERM', this.onSignal).on('SIGHUP', this.onSignal)
  }

  /** Starts a part and waits until it is ready. */
  async start(options: ProcessOptions): Promise<ManagedProcess> {
    await mkdir(this.logs, { recursive: true })
    if (this.closing) throw new Error('the lab is being closed')
    const log = join(this.logs, `${options.name}.log`)
    const managedProcess = spawnProcess(options, log, this.watchdog)
    this.managedProcesses.push(managedProcess)
    const tail = async (): Promise<string> =>
      (await readFile(log, 'utf8')).split('\n').slice(-15).join('\n')
    await waitUntil(
      async () => !managedProcess.isRunning() || (await options.isReady()),
      async (lastError) =>
        new Error(`${options.name} is not ready: ${String(lastError)}\n${await tail()}`),
      options.timeout,
    )
    if (!managedProcess.isRunning())
      throw new Error(`${options.name} ended at once:\n${await tail()}`)
    return managedProcess
  }

  /** Takes a child that somebody else started, so that it does not outlive this world either. */
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

  /** Whether its parts are being ended. */
  get isClosing(): boolean {
    return this.closing !== undefined
  }

  /** Ends every part, the last one first, and then the guard. */
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
    // As if it had never been caught: whoever waits for this process sees the signal. The guard has
    // removed the files.
    process.kill(process.pid, signal)
  }
}

/** Starts a child whose output goes to a file. */
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
  void exited.then(() => {
    isAlive = false
    watchdog.forget(pid)
  })
  const stop = async (): Promise<void> => {
    await terminateGroup(pid, exited, options.gracePeriod ?? 5_000)
    for (const path of strayFiles)
      await rm(path, { force: true })
        .then(() => rmdir(dirname(path)))
        .catch(() => undefined)
  }
  return { name: options.name, pid, log, exited, isRunning: () => isAlive, stop }
}

function waitForExit(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
}

/** SIGTERM to the group, and SIGKILL when that does not do. */
async function terminateGroup(
  pid: number,
  exited: Promise<void>,
  gracePeriod: number,
): Promise<void> {
  const sendSignal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name)
    } catch {
      /* It is gone already. */
    }
  }
  sendSignal('SIGTERM')
  // One that was stopped would not hear it.
  sendSignal('SIGCONT')
  const timer = setTimeout(() => sendSignal('SIGKILL'), gracePeriod)
  await exited
  clearTimeout(timer)
  // Children of its own, that it left behind.
  sendSignal('SIGKILL')
}

/**
 * A shell in a session of its own that reads what lives from a pipe. The pipe ends when this
 * process does, whatever killed it: then the shell kills the groups that are still there and
 * removes the directory.
 */
export class Watchdog {
  private readonly shell: ChildProcess
  private readonly input: Writable

  /** @param directory what is removed in the end */
  constructor(directory: string) {
    const script = `alive=' ' files=''
while read -r verb pid; do
  case $verb in
    watch) alive="$alive$pid " ;;
    file) files="$files $pid" ;;
    forget) alive=$(printf '%s' "$alive" | sed "s/ $pid / /") ;;
  esac
done
for pid in $alive; do kill -s KILL -- "-$pid" 2>/dev/null || kill -s KILL "$pid" 2>/dev/null; done
rm -rf -- "$1"
for file in $files; do rm -f -- "$file"; rmdir -- "\${file%/*}" 2>/dev/null; done`
    this.shell = spawn('/bin/sh', ['-c', script, 'lab-guard', directory], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
    })
    if (!this.shell.stdin) throw new Error('the guard has no input')
    this.input = this.shell.stdin
    // The guard may be killed before this process: that must not end the world.
    this.input.on('error', () => undefined)
    this.shell.unref()
  }

  /** @param files paths without blanks, which go with it */
  watch(pid: number, files: readonly string[]): void {
    this.input.write([`watch ${pid}`, ...files.map((file) => `file ${file}`), ''].join('\n'))
  }

  forget(pid: number): void {
    this.input.write(`forget ${pid}\n`)
  }

  async close(): Promise<void> {
    const exited = waitForExit(this.shell)
    if (this.shell.exitCode !== null || this.shell.signalCode !== null) return
    this.shell.ref()
    this.input.end()
    await exited
  }
}

/** How a command ended that was run to its end. */
export interface CommandResult {
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a command to its end.
 * @throws Error with the end of what it printed
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; input?: string } = {},
): Promise<CommandResult> {
  const child = spawn(command, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGTERM', forward).on('SIGINT', forward)
  const [stdoutChunks, stderrChunks]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (chunk: Buffer) => stdoutChunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderrChunks.push(chunk))
  // A command that does not read its input has ended by then.
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    )
    const [stdout, stderr] = [
      Buffer.concat(stdoutChunks).toString(),
      Buffer.concat(stderrChunks).toString(),
    ]
    if (code === 0) return { stdout, stderr }
    throw new Error(
      `${[command, ...args].join(' ').slice(0, 200)} ended with ${code ?? child.signalCode ?? ''}:\n${(stderr + stdout).trimEnd().split('\n').slice(-15).join('\n')}`,
    )
  } finally {
    process.off('SIGTERM', forward).off('SIGINT', forward)
  }
}
