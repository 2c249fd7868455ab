/** Runs helm: the one on the PATH, never downloaded. */
import diagnostics from 'node:diagnostics_channel'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { getExecOutput } from '@actions/exec'
import { which } from '@actions/io'
import { ActionError } from '../core/errors.ts'
import { throwIfCancelled } from '../core/waiting.ts'

/** The oldest helm that knows --reset-then-reuse-values. Source: helm, commit a9d59f946. */
const oldestHelm = [3, 14] as const

/** An upgrade that sets the Service's type and what the user asked for, and keeps everything else of the release. */
export interface Upgrade {
  readonly release: string
  readonly namespace: string
  /** A chart of `repository`, an oci:// reference or a path. */
  readonly chart: string
  readonly repository: string
  readonly version: string
  /** JSON (which is YAML) for helm's standard input; undefined when nothing is set. Secret: never in argv or a file. */
  readonly values: string | undefined
  /** Seconds. */
  readonly timeout: number
  /** Undefined leaves it to KUBECONFIG. */
  readonly kubeconfig: string | undefined
  readonly context: string | undefined
  /** Takes over fields of the release's objects that others set. Only helm 4 applies server-side and knows the flag. */
  readonly forceConflicts: boolean
}

/** The arguments of `helm upgrade`. */
export function upgradeArguments(upgrade: Upgrade): string[] {
  const fromRepository = !/^(oci:\/\/|\.{0,2}\/)/.test(upgrade.chart)
  return [
    'upgrade', upgrade.release, upgrade.chart,
    '--namespace', upgrade.namespace,
    ...(fromRepository ? ['--repo', upgrade.repository] : []),
    '--version', upgrade.version,
    '--reset-then-reuse-values',
    ...(upgrade.values === undefined ? [] : ['--values', '-']),
    '--set', 'service.type=ClusterIP',
    '--wait',
    '--timeout', `${upgrade.timeout}s`,
    ...(upgrade.forceConflicts ? ['--force-conflicts'] : []),
    ...(upgrade.kubeconfig === undefined ? [] : ['--kubeconfig', upgrade.kubeconfig]),
    ...(upgrade.context === undefined ? [] : ['--kube-context', upgrade.context]),
  ]
}

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
 * @returns helm's version without the v
 * @throws ActionError `helm-not-found`, `helm-too-old`
 */
export async function findHelm(options: HelmOptions): Promise<string> {
  const remedy = `Put helm ${oldestHelm.join('.')} or newer on the PATH before this step (hosted runners have it; azure/setup-helm installs it).`
  if (!(await which('helm'))) throw new ActionError({ code: 'helm-not-found', problem: 'There is no helm on the PATH, and the release has to be changed.', remedy })
  const { stdout } = await run(['version', '--template', '{{.Version}}'], options)
  const version = /v?(\d+)\.(\d+)\.[^\s]*/.exec(stdout)
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)]
  if (major > oldestHelm[0] || (major === oldestHelm[0] && minor >= oldestHelm[1])) return (version?.[0] ?? '').replace(/^v/, '')
  throw new ActionError({
    code: 'helm-too-old',
    problem: `The helm on the PATH is ${stdout.trim() || 'of an unknown version'}, which has no --reset-then-reuse-values.`,
    remedy,
  })
}

/** @throws ActionError `helm-upgrade-failed`, `helm-upgrade-timeout`, `cancelled` */
export async function upgrade(request: Upgrade, options: HelmOptions): Promise<void> {
  const { exitCode, stderr } = await run(upgradeArguments(request), options, request.values)
  throwIfCancelled(options.signal)
  if (exitCode === 0) return
  const message = errorLine(stderr) || `it ended with ${exitCode === null ? 'a signal' : `exit code ${exitCode}`}`
  const timedOut = /timed out|deadline exceeded|would exceed context deadline/.test(message)
  throw new ActionError({
    code: timedOut ? 'helm-upgrade-timeout' : 'helm-upgrade-failed',
    problem: `helm could not upgrade release ${request.release}: ${message}`,
    remedy: remedyFor(request, timedOut, /conflict with "([^"]+)"/.exec(message)?.[1]),
  })
}

/** @param other the field manager that helm 4 is in conflict with */
function remedyFor({ release, namespace }: Upgrade, timedOut: boolean, other: string | undefined): string {
  if (other !== undefined) return `${other} has changed an object of the release since: set it back there, or set force-conflicts: true to let helm take it over (helm 4).`
  if (timedOut) return `Look why the pods do not become ready ("kubectl get pods,events -n ${namespace}"), or give release-timeout more time; then run the job again. helm left the release failed and rolled nothing back.`
  return `Mend what helm names; "helm history ${release} -n ${namespace}" shows the state of the release. Then run the job again.`
}

/** What helm says went wrong: from its last "Error:" on, which may take several lines, as one. */
export function errorLine(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '')
  const start = lines.findLastIndex((line) => /^Error: /.test(line))
  return lines.slice(start).join('; ').replace(/^Error: /, '').replace(/^UPGRADE FAILED: /, '')
}

async function run(args: string[], options: HelmOptions, input?: string): Promise<{ exitCode: number | null; stdout: string; stderr: string }> {
  const helm = await which('helm', true)
  const child = catchChild(helm, () => options.signal.aborted)
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
function catchChild(file: string, isCancelled: () => boolean): { interrupt(): void; release(): void } {
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
      if (isCancelled()) interrupt()
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
