/** The credentials of a kubeconfig's current user, for one request at a time. All are masked. */
import type https from 'node:https'
import { KubeConfig, type User } from '@kubernetes/client-node'
import {
  execPluginApiRemoved,
  kubeconfigCredentialsFailed,
  kubeconfigProgramTimedOut,
} from '../../failures/kubeconfig.ts'
import { getErrorMessage } from '../../util/text.ts'
import {
  ExecCredentialSource,
  ExecTimeoutError,
  execTimeout,
  type ExecCredential,
  type ExecOptions,
  type ExecPlugin,
} from './exec-plugin.ts'

interface CredentialOptions extends ExecOptions {
  readonly maskSecret: (secret: string) => void
}

/** Reads credentials as the official client does, except that it runs a program by itself. */
export class KubeconfigCredentials {
  private readonly config: KubeConfig
  private readonly paths: readonly string[]
  private readonly plugin: ExecPlugin | undefined
  private readonly source: ExecCredentialSource | undefined
  private readonly maskOnce: (secret: string) => void

  /** @throws ActionError `kubeconfig-invalid` for a plugin's API that Kubernetes removed */
  constructor(config: KubeConfig, paths: readonly string[], options: CredentialOptions) {
    this.config = config
    this.paths = paths
    this.plugin = findPlugin(config.getCurrentUser())
    checkPluginApi(paths, this.plugin)
    this.source = this.plugin && new ExecCredentialSource(this.plugin, options)
    const masked = new Set<string>()
    this.maskOnce = (secret) => {
      if (!masked.has(secret)) options.maskSecret(secret)
      masked.add(secret)
    }
  }

  /** @throws ActionError `kubeconfig-invalid` */
  async read(): Promise<https.RequestOptions> {
    const clientOptions: https.RequestOptions = {}
    try {
      const config = this.source
        ? withCredential(this.config, await this.source.credential())
        : this.config
      await config.applyToHTTPSOptions(clientOptions)
    } catch (thrown) {
      throw this.toFailure(thrown)
    }
    const options = trimAuthorization(clientOptions)
    listSecrets(options).forEach(this.maskOnce)
    return options
  }

  /**
   * Makes the next `read` run the program again: a credential without an expiry is valid until the
   * API rejects it. Source: Kubernetes, client-go credential plugins.
   * @returns false without a program
   */
  invalidate(): boolean {
    this.source?.invalidate()
    return this.source !== undefined
  }

  private toFailure(thrown: unknown): Error {
    const { command = '' } = this.plugin ?? {}
    if (thrown instanceof ExecTimeoutError)
      return kubeconfigProgramTimedOut(this.paths, { command, timeout: execTimeout })
    return kubeconfigCredentialsFailed(this.paths, {
      reason: getErrorMessage(thrown),
      execCommand: this.plugin && command,
      cause: thrown,
    })
  }
}

/** `auth-provider` is the older place of `exec`. */
function findPlugin(user: User | null): ExecPlugin | undefined {
  const { config } = (user?.authProvider ?? {}) as { config?: { exec?: ExecPlugin } }
  return (user?.exec as ExecPlugin | undefined) ?? config?.exec
}

/**
 * Source: Kubernetes 1.24, removal of v1alpha1. kubectl and Helm reject such a file, although the
 * official client does not.
 */
function checkPluginApi(paths: readonly string[], plugin: ExecPlugin | undefined): void {
  const { command = 'a program', apiVersion } = plugin ?? {}
  if (apiVersion?.endsWith('/v1alpha1')) throw execPluginApiRemoved(paths, { command, apiVersion })
}

const toBase64 = (text: string): string => Buffer.from(text).toString('base64')

/** The same kubeconfig with what the program printed in place of the program. */
function withCredential(config: KubeConfig, credential: ExecCredential): KubeConfig {
  const { token, clientCertificateData, clientKeyData } = credential
  const printed: Partial<Record<keyof User, string>> = {}
  if (token !== undefined) printed.token = token
  if (clientCertificateData !== undefined) printed.certData = toBase64(clientCertificateData)
  if (clientKeyData !== undefined) printed.keyData = toBase64(clientKeyData)
  const currentUser = config.getCurrentUser()
  const users = config
    .getUsers()
    .map((user): User =>
      user === currentUser
        ? { ...user, ...printed, exec: undefined, authProvider: undefined }
        : user,
    )
  const result = new KubeConfig()
  result.loadFromOptions({
    clusters: config.getClusters(),
    contexts: config.getContexts(),
    users,
    currentContext: config.getCurrentContext(),
  })
  return result
}

/** A token file may end with a newline, as kubectl accepts. Source: client-go, token_source.go. */
function trimAuthorization(options: https.RequestOptions): https.RequestOptions {
  const headers = (options.headers ?? {}) as Record<string, string>
  const { Authorization: authorization } = headers
  if (authorization === undefined) return options
  return { ...options, headers: { ...headers, Authorization: authorization.trim() } }
}

/** What authenticates a request: the header with and without its scheme, and a client key. */
function listSecrets({ headers, auth, key, pfx, passphrase }: https.RequestOptions): string[] {
  const { Authorization: authorization = '' } = (headers ?? {}) as Record<string, string>
  const texts = [
    authorization,
    authorization.replace(/^\w+ /, ''),
    auth,
    auth?.replace(/^[^:]*:/, ''),
    key,
    pfx,
    passphrase,
  ]
  return texts.filter((text) => text !== undefined && text !== null && text !== '').map(String)
}

/** A URL with a password is shown in errors. */
export function maskUrlPasswords(
  urls: readonly (string | undefined)[],
  { maskSecret }: Pick<CredentialOptions, 'maskSecret'>,
): void {
  for (const url of urls) {
    const [, password] = /^[^/]*\/\/[^:/]*:([^@]+)@/.exec(url ?? '') ?? []
    if (password !== undefined) maskSecret(password)
  }
}
