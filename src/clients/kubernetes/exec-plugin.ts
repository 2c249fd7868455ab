/**
 * Runs the program that a kubeconfig names for credentials: without standard input, for a limited
 * time, and in a process group of its own. Source: Kubernetes, client-go credential plugins.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import type { Clock } from '../../util/polling.ts'

/** `exec` of a user in a kubeconfig. */
export interface ExecPlugin {
  readonly command?: string
  readonly args?: readonly string[] | null
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null
  readonly apiVersion?: string
}

/** `status` of an ExecCredential. */
export interface ExecCredential {
  readonly token?: string
  readonly clientCertificateData?: string
  readonly clientKeyData?: string
  readonly expirationTimestamp?: string
}

/** What a program needs from the run. */
export interface ExecOptions {
  readonly environment: NodeJS.ProcessEnv
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** The program did not end in time. */
export class ExecTimeoutError extends Error {}

/** Seconds. A program that asks a person, or a server that is down, never ends. */
export const execTimeout = 60

/** Characters. A credential has a few thousand. */
const maxOutputLength = 1024 * 1024

/** Milliseconds before its expiry from which a credential is renewed. */
const renewalMargin = 30_000

/** Credentials of one program, which runs again only when they expire or are invalidated. */
export class ExecCredentialSource {
  private readonly plugin: ExecPlugin
  private readonly options: ExecOptions
  private latest: ExecCredential | undefined
  private pending: Promise<ExecCredential> | undefined

  constructor(plugin: ExecPlugin, options: ExecOptions) {
    this.plugin = plugin
    this.options = options
  }

  /**
   * Simultaneous calls share one run of the program.
   * @throws Error whose message says why there is none, and quotes no credential
   */
  async credential(): Promise<ExecCredential> {
    if (this.latest && !this.isExpired(this.latest)) return this.latest
    this.pending ??= this.renew()
    return this.pending
  }

  /** Makes the next `credential` run the program. */
  invalidate(): void {
    this.latest = undefined
  }

  private async renew(): Promise<ExecCredential> {
    try {
      this.latest = await runPlugin(this.plugin, this.options)
      return this.latest
    } finally {
      this.pending = undefined
    }
  }

  private isExpired({ expirationTimestamp }: ExecCredential): boolean {
    const expiry = Date.parse(expirationTimestamp ?? '')
    return expiry - renewalMargin < this.options.clock.now()
  }
}

async function runPlugin(plugin: ExecPlugin, options: ExecOptions): Promise<ExecCredential> {
  const child = spawn(plugin.command ?? '', [...(plugin.args ?? [])], {
    env: buildEnvironment(plugin, options.environment),
    // It inherits no input: waiting for a person's answer would never end.
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  const ended = new AbortController()
  const limit = options.clock
    .sleep(execTimeout * 1000, AbortSignal.any([options.signal, ended.signal]))
    .then(() => {
      throw new ExecTimeoutError(`it did not end within ${execTimeout} s`)
    })
  limit.catch(() => undefined)
  try {
    return parseCredential(await Promise.race([collectOutput(child), limit]))
  } catch (thrown) {
    endProcessGroup(child)
    throw thrown
  } finally {
    ended.abort()
  }
}

function buildEnvironment(
  { env, apiVersion }: ExecPlugin,
  environment: NodeJS.ProcessEnv,
): NodeJS.ProcessEnv {
  const ownVariables = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]))
  const info = { kind: 'ExecCredential', apiVersion, spec: { interactive: false } }
  return { ...environment, KUBERNETES_EXEC_INFO: JSON.stringify(info), ...ownVariables }
}

/** @returns what the program printed */
function collectOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let [stdout, stderr] = ['', '']
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
      if (stdout.length > maxOutputLength) reject(new Error('it prints more than a credential'))
    })
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      stderr = (stderr + chunk).slice(-maxOutputLength)
    })
    child.on('error', reject)
    child.on('close', (exitCode) => {
      if (exitCode === 0) resolve(stdout)
      else reject(new Error(stderr.trim() || `it ended with exit code ${exitCode ?? 'none'}`))
    })
  })
}

/** @throws Error that does not quote the text, which may contain a token */
function parseCredential(text: string): ExecCredential {
  let document: { status?: ExecCredential } | null
  try {
    document = JSON.parse(text) as typeof document
  } catch {
    throw new Error('it does not print JSON')
  }
  const { status } = document ?? {}
  if (!status?.token && !status?.clientCertificateData)
    throw new Error('it prints an ExecCredential without a token or a certificate')
  return status
}

/** Ends the program and the programs that it started. */
function endProcessGroup(child: ChildProcess): void {
  child.stdout?.destroy()
  child.stderr?.destroy()
  if (child.pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL')
  } catch {
    // All of them have ended.
  }
}
