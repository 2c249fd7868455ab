/** helm as a child process: its environment, its end when the job is cancelled. */
import diagnostics from 'node:diagnostics_channel'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { getExecOutput } from '@actions/exec'
import { which } from '@actions/io'
import { throwIfCancelled } from '../core/waiting.ts'

/** Where helm runs, and how it is stopped. */
export interface HelmOptions {
  /** helm's caches go here, so that nothing of a run stays on the machine. */
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  /** Told of each line that helm prints. */
  readonly onLine: (line: string) => void
}

/** Runs helm to its end. @param input for its standard input */
export async function run(args: string[], options: HelmOptions, input?: string): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const helm = await which('helm', true)
  const child = catchChild(helm, options)
  const stop = () => child.interrupt()
  options.signal.addEventListener('abort', stop)
  try {
    throwIfCancelled(options.signal)
    // Quoted: exec takes a command line and would split a path with a space.
    return await getExecOutput(`"${helm}"`, args, {
      silent: true,
      ignoreReturnCode: true,
      delay: 1_000,
      env: helmEnvironment(options),
      input: Buffer.from(input ?? '\n'),
      listeners: { stdline: options.onLine, errline: options.onLine },
    })
  } finally {
    options.signal.removeEventListener('abort', stop)
    child.release()
  }
}

/**
 * What helm may not see of the runner's environment: our inputs, which are nobody else's business; HELM_DEBUG, which prints all
 * values of the release; and what would lead it to another cluster or namespace than the one that was looked at.
 */
const hiddenFromHelm = /^(INPUT_|HELM_KUBE|HELM_NAMESPACE$|HELM_DEBUG$)/

/** The runner's environment for helm, with every cache in our own directory. */
function helmEnvironment({ environment, directory }: HelmOptions): Record<string, string> {
  const kept = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined && !hiddenFromHelm.test(entry[0]))
  const cache = join(directory, 'helm-cache')
  return { ...Object.fromEntries(kept), HELM_CACHE_HOME: cache, HELM_REPOSITORY_CACHE: join(cache, 'repository'), KUBECACHEDIR: join(cache, 'kube') }
}

/** How long helm may take to mark its release failed before it is killed: the runner itself kills everything after 10 s. Milliseconds. */
const patience = 4_000

/**
 * @actions/exec hands out no child, so the next one that runs `file` is caught where Node announces it, and started in a
 * process group of its own: a Ctrl-C reaches helm once, from us, and whatever helm started ends with it.
 * docs/decisions/helm-child.md
 */
function catchChild(file: string, { signal }: HelmOptions): { interrupt(): void; release(): void } {
  let caught: ChildProcess | undefined
  let killer: NodeJS.Timeout | undefined
  const kill = (name: NodeJS.Signals) => {
    if (!caught?.pid || caught.exitCode !== null || caught.signalCode !== null) return
    try {
      process.kill(process.platform === 'win32' ? caught.pid : -caught.pid, name)
    } catch {
      // It ended between the look and the signal.
    }
  }
  const interrupt = () => {
    kill('SIGINT')
    killer ??= setTimeout(() => kill('SIGKILL'), patience)
  }
  const onChild = (message: unknown) => {
    const child = (message as { process: ChildProcess & { spawn(options: { file: string }): unknown } }).process
    const spawn = child.spawn.bind(child)
    child.spawn = (options) => {
      if (options.file !== file || caught) return spawn(options)
      caught = child
      const result = spawn({ ...options, detached: process.platform !== 'win32' } as { file: string })
      // helm may end before it has read its input; why, it says itself.
      child.stdin?.on('error', () => undefined)
      if (signal.aborted) interrupt()
      return result
    }
  }
  diagnostics.subscribe('child_process', onChild)
  return {
    interrupt,
    release() {
      diagnostics.unsubscribe('child_process', onChild)
      clearTimeout(killer)
    },
  }
}
