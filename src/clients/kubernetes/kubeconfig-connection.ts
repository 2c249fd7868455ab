/**
 * A connection with a kubeconfig, as the official client interprets it. That client is large:
 * import this module dynamically.
 */
import https from 'node:https'
import { kubeconfigClusterNotFound, kubeconfigServerNotHttps } from '../../failures/kubeconfig.ts'
import { extraCaCertificates, type Connection } from './connection.ts'
import type { ExecOptions } from './exec-plugin.ts'
import { KubeconfigCredentials, maskUrlPasswords } from './kubeconfig-credentials.ts'
import { loadKubeconfig } from './kubeconfig.ts'

/** The files of a kubeconfig, and its context if not the current one. */
export interface KubeconfigSelection {
  /** Merged in order, as kubectl merges KUBECONFIG. */
  readonly paths: readonly string[]
  readonly context: string | undefined
}

/** What a connection needs from the run. */
export interface KubeconfigOptions extends ExecOptions {
  readonly maskSecret: (secret: string) => void
  readonly warn: (line: string) => void
}

/**
 * A connection with client certificates, tokens, token files or exec plugins, as the kubeconfig
 * defines. All of these are masked.
 * @throws ActionError `kubeconfig-invalid`
 */
export function createKubeconfigConnection(
  { paths, context }: KubeconfigSelection,
  options: KubeconfigOptions,
): Connection {
  const config = loadKubeconfig(paths, context)
  const cluster = config.getCurrentCluster()
  if (!cluster) throw kubeconfigClusterNotFound(paths, config.getCurrentContext())
  maskUrlPasswords([cluster.server, cluster.proxyUrl], options)
  if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== 'https:')
    throw kubeconfigServerNotHttps(paths, cluster.server)
  if (cluster.skipTLSVerify) options.warn(describeSkippedVerification(paths))
  const credentials = new KubeconfigCredentials(config, paths, options)
  const getAgent = agentCache(options.environment)
  return {
    server: cluster.server,
    options: async () => {
      const requestOptions = await credentials.read()
      // The official client sets an agent of its own only for a proxy that the kubeconfig names:
      // that agent keeps no connection alive and ignores NO_PROXY.
      if (cluster.proxyUrl) return requestOptions
      return {
        headers: requestOptions.headers ?? {},
        auth: requestOptions.auth ?? null,
        agent: getAgent(requestOptions),
      }
    },
    invalidateCredentials: () => credentials.invalidate(),
  }
}

const describeSkippedVerification = (paths: readonly string[]): string =>
  `Kubeconfig ${paths.join(', ')} sets insecure-skip-tls-verify: whoever can intercept the ` +
  'connection can read its credentials. Set certificate-authority-data instead.'

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
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized = true, servername } = options
  const caOptions = ca === undefined ? {} : { ca: [String(ca), ...extraCaCertificates()] }
  const tlsOptions = Object.fromEntries(
    Object.entries({ cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
      ([, value]) => value !== undefined,
    ),
  )
  return new https.Agent({ keepAlive: true, proxyEnv: environment, ...tlsOptions, ...caOptions })
}
