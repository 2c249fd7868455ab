/**
 * Runs Helm as a child process, with its own environment, and ends it when the job is cancelled.
 */
import diagnostics from 'node:diagnostics_channel'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { getExecOutput } from '@actions/exec'
import { which } from '@actions/io'
import { throwIfCancelled } from '../../util/polling.ts'

/** How Helm runs, and when it is stopped. */
export interface HelmOptions {
  /** For Helm's caches. Removed with the run, so that nothing remains on the machine. */
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Called for each line that people should read: what Helm warns of, and a repeated attempt. */
  readonly onLine: (line: string) => void
  /** Called for each line of its standard output: chart notes, and what the run reports itself. */
  readonly onOutput: (line: string) => void
}

/**
 * Runs Helm until it ends.
 * @param input written to its standard input
 * @throws ActionError `cancelled`, when the job was cancelled before Helm started
 */
export async function executeHelm(
  args: string[],
  options: HelmOptions,
  input?: string,
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const helmPath = await which('helm', true)
  const inputFile = await createInputFile(options.directory, input)
  const helmProcess = interceptSpawn(helmPath, inputFile, options)
  const onAbort = () => helmProcess.interrupt()
  options.signal.addEventListener('abort', onAbort)
  try {
    throwIfCancelled(options.signal)
    // Quoted, because exec takes a command line and would split a path at a space.
    return await getExecOutput(`"${helmPath}"`, args, {
      silent: true,
      ignoreReturnCode: true,
      delay: 1_000,
      env: buildHelmEnvironment(options),
      listeners: { stdline: options.onOutput, errline: options.onLine },
    })
  } finally {
    options.signal.removeEventListener('abort', onAbort)
    helmProcess.release()
    await inputFile.close()
  }
}

/**
 * Creates a file that has no name, for the standard input of Helm. With a pipe, Helm would take
 * nothing for complete input if this process died before it had written everything, and reset the
 * values of the release. No name: the input may be secret, and must not outlive the run.
 */
async function createInputFile(directory: string, input = ''): Promise<FileHandle> {
  const path = join(directory, `helm-input-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  try {
    await unlink(path)
    // At a position, because Helm reads from the current one.
    const content = Buffer.from(input)
    let length = 0
    while (length < content.length)
      length += (await file.write(content, length, content.length - length, length)).bytesWritten
    return file
  } catch (thrown) {
    await file.close()
    throw thrown
  }
}

/**
 * Variables that Helm does not inherit: the inputs of this action, which may be secret; HELM_DEBUG,
 * which prints all values of the release; and those that select another cluster or namespace.
 */
const scrubbedVariables = /^(INPUT_|HELM_KUBE|HELM_NAMESPACE$|HELM_DEBUG$)/

/** The runner's environment, with all of Helm's caches in the directory of this run. */
function buildHelmEnvironment({ environment, directory }: HelmOptions): Record<string, string> {
  const passedVariables = Object.entries(environment).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && !scrubbedVariables.test(entry[0]),
  )
  const cacheDirectory = join(directory, 'helm-cache')
  return {
    ...Object.fromEntries(passedVariables),
    HELM_CACHE_HOME: cacheDirectory,
    HELM_REPOSITORY_CACHE: join(cacheDirectory, 'repository'),
    KUBECACHEDIR: join(cacheDirectory, 'kube'),
  }
}

/**
 * How many milliseconds an interrupted Helm has to mark its release failed before it is killed. The
 * runner kills all processes 10 s after a cancellation.
 */
const killGracePeriod = 4_000

/**
 * Intercepts the next child process that runs `file`, because @actions/exec neither returns it nor
 * lets its input be a file. It starts in its own process group: a Ctrl-C reaches Helm only once,
 * from this process, and ends its children too. docs/decisions/helm-child.md
 */
function interceptSpawn(
  file: string,
  inputFile: FileHandle,
  { signal }: HelmOptions,
): { interrupt(): void; release(): void } {
  let interceptedChild: ChildProcess | undefined
  let killTimer: NodeJS.Timeout | undefined
  const sendSignal = (signalName: NodeJS.Signals) => {
    if (
      !interceptedChild?.pid ||
      interceptedChild.exitCode !== null ||
      interceptedChild.signalCode !== null
    )
      return
    try {
      process.kill(
        process.platform === 'win32' ? interceptedChild.pid : -interceptedChild.pid,
        signalName,
      )
    } catch {
      // It ended between the check and the signal.
    }
  }
  const interrupt = () => {
    sendSignal('SIGINT')
    killTimer ??= setTimeout(() => sendSignal('SIGKILL'), killGracePeriod)
  }
  const onChildProcess = (message: unknown) => {
    const child = (
      message as { process: ChildProcess & { spawn(options: { file: string }): unknown } }
    ).process
    const spawn = child.spawn.bind(child)
    child.spawn = (options) => {
      if (options.file !== file || interceptedChild) return spawn(options)
      interceptedChild = child
      const result = spawn({
        ...options,
        stdio: [inputFile.fd, 'pipe', 'pipe'],
        detached: process.platform !== 'win32',
      } as { file: string })
      if (signal.aborted) interrupt()
      return result
    }
  }
  diagnostics.subscribe('child_process', onChildProcess)
  return {
    interrupt,
    release() {
      diagnostics.unsubscribe('child_process', onChildProcess)
      clearTimeout(killTimer)
    },
  }
}
