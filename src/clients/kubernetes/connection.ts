/**
 * Connections to the Kubernetes API: with a bearer token for EKS, or with a kubeconfig as the
 * official client interprets it.
 */
import https from 'node:https'
import tls from 'node:tls'
import type { KubeConfig } from '@kubernetes/client-node'
import {
  execPluginApiRemoved,
  kubeconfigClusterNotFound,
  kubeconfigCredentialsFailed,
  kubeconfigServerNotHttps,
} from '../../failures/kubeconfig.ts'
import { getErrorMessage } from '../../util/text.ts'
import type { TokenSource } from '../../util/token-source.ts'
import { loadKubeconfig } from './kubeconfig.ts'

/** What a request needs. */
export interface Connection {
  readonly server: string
  /** Who can reach the endpoint, as a predicate of `This endpoint`, as far as known. */
  readonly accessRestriction?: string | undefined
  /** Called for each request, because tokens expire. */
  options(): Promise<https.RequestOptions>
  /**
   * Reports that the API rejected the credentials, so that the next `options` renews them.
   * @returns whether they can be renewed
   */
  invalidateCredentials(): boolean
}

/**
 * Certificates of NODE_EXTRA_CA_CERTS: an explicit `ca` would omit them, and a proxy that
 * intercepts TLS needs them.
 */
const extraCaCertificates = (): string[] => tls.getCACertificates('extra')

/** A connection with a bearer token. */
export function createTokenConnection(
  cluster: { server: string; certificateAuthority: string; accessRestriction?: string | undefined },
  tokens: TokenSource,
  environment: NodeJS.ProcessEnv,
): Connection {
  const agent = new https.Agent({
    keepAlive: true,
    proxyEnv: environment,
    ca: [cluster.certificateAuthority, ...extraCaCertificates()],
  })
  return {
    server: cluster.server,
    accessRestriction: cluster.accessRestriction,
    options: async () => ({ agent, headers: { Authorization: `Bearer ${await tokens.token()}` } }),
    invalidateCredentials: () => {
      tokens.invalidate()
      return true
    },
  }
}

interface ExecPlugin {
  readonly command?: string
  readonly apiVersion?: string
}

/**
 * A connection with client certificates, tokens, token files or exec plugins, as the kubeconfig
 * defines.
 * @param paths files, merged in order as kubectl merges KUBECONFIG
 * @throws ActionError `kubeconfig-invalid`
 */
export function createKubeconfigConnection(
  paths: readonly string[],
  context: string | undefined,
  environment: NodeJS.ProcessEnv,
): Connection {
  const config = loadKubeconfig(paths, context)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw kubeconfigClusterNotFound(paths, config.getCurrentContext())
  const execPlugin = config.getCurrentUser()?.exec as ExecPlugin | undefined
  checkExecPlugin(paths, execPlugin)
  if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== 'https:')
    throw kubeconfigServerNotHttps(paths, cluster.server)
  const getAgent = agentCache(environment)
  return {
    server: cluster.server,
    options: async () => {
      const options = await readCredentials(config, paths, execPlugin)
      // The official client sets an agent of its own only for a proxy that the kubeconfig names:
      // that agent keeps no connection alive and ignores NO_PROXY.
      if (cluster.proxyUrl) return options
      return {
        headers: options.headers ?? {},
        auth: options.auth ?? null,
        agent: getAgent(options),
      }
    },
    invalidateCredentials: () => false,
  }
}

/**
 * Source: Kubernetes 1.24, removal of v1alpha1. kubectl and helm reject such a file, although the
 * official client does not.
 */
function checkExecPlugin(paths: readonly string[], plugin: ExecPlugin | undefined): void {
  const { command = 'a program', apiVersion } = plugin ?? {}
  if (apiVersion?.endsWith('/v1alpha1')) throw execPluginApiRemoved(paths, { command, apiVersion })
}

async function readCredentials(
  config: KubeConfig,
  paths: readonly string[],
  execPlugin: ExecPlugin | undefined,
): Promise<https.RequestOptions> {
  const options: https.RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (thrown) {
    throw kubeconfigCredentialsFailed(paths, {
      reason: getErrorMessage(thrown),
      execCommand: execPlugin && (execPlugin.command ?? ''),
      cause: thrown,
    })
  }
  return options
}

/** @returns one agent for as long as the client certificate and the CA stay the same */
function agentCache(
  environment: NodeJS.ProcessEnv,
): (options: https.RequestOptions) => https.Agent {
  let cached: { readonly key: string; readonly agent: https.Agent } | undefined
  return (options) => {
    const key = JSON.stringify([String(options.ca), String(options.cert)])
    if (cached?.key !== key) cached = { key, agent: createAgent(options, environment) }
    return cached.agent
  }
}

function createAgent(options: https.RequestOptions, environment: NodeJS.ProcessEnv): https.Agent {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options
  const caOptions = ca === undefined ? {} : { ca: [String(ca), ...extraCaCertificates()] }
  const tlsOptions = Object.fromEntries(
    Object.entries({ cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  return new https.Agent({ keepAlive: true, proxyEnv: environment, ...tlsOptions, ...caOptions })
}
