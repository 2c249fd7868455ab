/** helm as a child process: its environment, its end when the job is cancelled. */
import diagnostics from 'node:diagnostics_channel'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { getExecOutput } from '@actions/exec'
import { which } from '@actions/io'
import { throwIfCancelled } from '../../util/polling.ts'

/** Where helm runs, and how it is stopped. */
export interface HelmOptions {
  /** helm's caches go here, so that nothing of a run stays on the machine. */
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Told of each line that helm prints. */
  readonly onLine: (line: string) => void
}

/**
 * Runs helm to its end.
 * @param input for its standard input
 */
export async function executeHelm(
  args: string[],
  options: HelmOptions,
  input?: string,
): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const helmPath = await which('helm', true)
  const helmProcess = interceptSpawn(helmPath, options)
  const onAbort = () => helmProcess.interrupt()
  options.signal.addEventListener('abort', onAbort)
  try {
    throwIfCancelled(options.signal)
    // Quoted: exec takes a command line and would split a path with a space.
    return await getExecOutput(`"${helmPath}"`, args, {
      silent: true,
      ignoreReturnCode: true,
      delay: 1_000,
      env: buildHelmEnvironment(options),
      input: Buffer.from(input ?? '\n'),
      listeners: { stdline: options.onLine, errline: options.onLine },
    })
  } finally {
    options.signal.removeEventListener('abort', onAbort)
    helmProcess.release()
  }
}

/**
 * What helm may not see of the runner's environment: our inputs, which are nobody else's business;
 * HELM_DEBUG, which prints all values of the release; and what would lead it to another cluster or
 * namespace than the one that was looked at.
 */
const scrubbedVariables = /^(INPUT_|HELM_KUBE|HELM_NAMESPACE$|HELM_DEBUG$)/

/** The runner's environment for helm, with every cache in our own directory. */
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
 * How long helm may take to mark its release failed before it is killed: the runner itself kills
 * everything after 10 s. Milliseconds.
 */
const killGracePeriod = 4_000

/**
 * @actions/exec hands out no child, so the next one that runs `file` is caught where Node
 *   announces it, and started in a process group of its own: a Ctrl-C reaches helm once, from us,
 *   and whatever helm started ends with it. docs/decisions/helm-child.md
 */
function interceptSpawn(
  file: string,
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
      // It ended between the look and the signal.
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
      const result = spawn({ ...options, detached: process.platform !== 'win32' } as {
        file: string
      })
      // helm may end before it has read its input; why, it says itself.
      child.stdin?.on('error', () => undefined)
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
