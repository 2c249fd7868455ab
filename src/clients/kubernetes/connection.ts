/**
 * Who we are to the Kubernetes API and how we reach it: the kubeconfig's ways, by the official
 * client, and EKS' own.
 */
import { existsSync, readFileSync } from 'node:fs'
import https from 'node:https'
import { dirname, resolve } from 'node:path'
import tls from 'node:tls'
import { KubeConfig } from '@kubernetes/client-node'
import { load } from 'js-yaml'
import { ActionError } from '../../failures/action-error.ts'
import type { TokenSource } from '../../util/token-source.ts'
import { getErrorMessage } from '../../util/text.ts'

/** What a request needs. */
export interface Connection {
  readonly server: string
  /** Who may reach it, continuing `This endpoint`, as far as that is known. */
  readonly accessRestriction?: string | undefined
  /** Made anew for each request: tokens end. */
  options(): Promise<https.RequestOptions>
  /**
   * Says that the API refused the identity, so that the next `options` makes it anew.
   * @returns whether that could help
   */
  invalidateCredentials(): boolean
}

/**
 * Certificates of NODE_EXTRA_CA_CERTS: an explicit `ca` would leave them out, and a proxy that
 * opens TLS needs them.
 */
const extraCaCertificates = (): string[] => tls.getCACertificates('extra')

/** A connection with a bearer token of our making. */
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

/**
 * A connection as a kubeconfig says: client certificates, tokens, token files, exec plugins.
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
  if (!cluster)
    throw invalidKubeconfig(
      paths,
      `has no cluster for context ${config.getCurrentContext() || '(none)'}`,
    )
  const execPlugin = config.getCurrentUser()?.exec as
    { command?: string; apiVersion?: string } | undefined
  // Source: Kubernetes 1.24, removal of v1alpha1: kubectl and helm refuse such a file, though this
  // client does not.
  if (execPlugin?.apiVersion?.endsWith('/v1alpha1'))
    throw invalidKubeconfig(
      paths,
      `asks ${execPlugin.command ?? 'a program'} for credentials in the form ${execPlugin.apiVersion}, which Kubernetes no longer knows`,
      undefined,
      'Make the file anew ("aws eks update-kubeconfig" of a current AWS CLI), or give input cluster in its place.',
    )
  if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== 'https:')
    throw invalidKubeconfig(paths, `names ${cluster.server}, which is no address with https`)
  let agent: { key: string; agent: https.Agent } | undefined
  return {
    server: cluster.server,
    options: async () => {
      const options: https.RequestOptions = {}
      await config.applyToHTTPSOptions(options).catch((thrown: unknown) => {
        throw invalidKubeconfig(
          paths,
          `gives no credentials: ${getErrorMessage(thrown)}`,
          thrown,
          execPlugin &&
            `See that "${execPlugin.command ?? ''}", the program it names, is on this runner's PATH and works; for EKS give input cluster in its place, which needs no program.`,
        )
      })
      // The client's own agent is used only for a proxy that the kubeconfig names: it keeps no
      // connection and knows no NO_PROXY.
      if (cluster.proxyUrl) return options
      const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options
      const agentKey = JSON.stringify([String(ca), String(cert)])
      if (agent?.key !== agentKey) {
        const caOptions = ca === undefined ? {} : { ca: [String(ca), ...extraCaCertificates()] }
        const tlsOptions = Object.fromEntries(
          Object.entries({ cert, key, pfx, passphrase, rejectUnauthorized, servername }).filter(
            ([, value]) => value !== undefined,
          ),
        )
        agent = {
          key: agentKey,
          agent: new https.Agent({
            keepAlive: true,
            proxyEnv: environment,
            ...tlsOptions,
            ...caOptions,
          }),
        }
      }
      return { headers: options.headers ?? {}, auth: options.auth ?? null, agent: agent.agent }
    },
    invalidateCredentials: () => false,
  }
}

/**
 * Merges files as kubectl does: the first to name a thing, or a current context, wins; files that
 * are not there are passed over.
 */
function loadKubeconfig(paths: readonly string[], context: string | undefined): KubeConfig {
  const files = paths
    .filter((path) => paths.length === 1 || existsSync(path))
    .map((path) => readKubeconfig(path))
  const uniqueByName = <T extends { name: string }>(entries: readonly T[]): T[] =>
    entries.filter((entry, index) => entries.findIndex(({ name }) => name === entry.name) === index)
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: uniqueByName(files.flatMap(({ clusters }) => clusters)),
    users: uniqueByName(files.flatMap(({ users }) => users)),
    contexts: uniqueByName(files.flatMap(({ contexts }) => contexts)),
    currentContext: files.map(({ currentContext }) => currentContext).find((name) => name) ?? '',
  })
  if (context === undefined) return config
  const contextNames = config.getContexts().map(({ name }) => name)
  if (!contextNames.includes(context))
    throw invalidKubeconfig(
      paths,
      `has no context ${context}; it has ${contextNames.join(', ') || 'none'}`,
    )
  config.setCurrentContext(context)
  return config
}

function readKubeconfig(path: string): KubeConfig {
  try {
    const config = new KubeConfig()
    config.loadFromFile(path)
    // The client takes for a text whatever it reads.
    if (
      ![config.currentContext, ...config.clusters.map(({ server }) => server)].every(
        (text: unknown) => text === undefined || typeof text === 'string',
      )
    )
      throw new TypeError('a number or a map')
    // It reads `token-file`; kubeconfigs have `tokenFile`. Source: client-go, clientcmd/api/v1,
    // AuthInfo.
    const parsedUsers =
      (
        load(readFileSync(path, 'utf8')) as {
          users?: { name: string; user?: { tokenFile?: string } }[]
        }
      ).users ?? []
    const tokenFiles = new Map(
      parsedUsers.flatMap(({ name, user }) =>
        user?.tokenFile === undefined
          ? []
          : [[name, resolve(dirname(path), user.tokenFile)] as const],
      ),
    )
    config.users = config.users.map((user) => {
      const tokenFile = tokenFiles.get(user.name)
      return tokenFile === undefined
        ? user
        : { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } }
    })
    return config
  } catch (thrown) {
    // The YAML parser quotes what it stumbles over, which may be a token: only the place is passed
    // on, and no cause.
    const { mark, code } = thrown as { mark?: { line?: number }; code?: string }
    throw invalidKubeconfig(
      [path],
      `cannot be read: ${/^E[A-Z]+$/.test(code ?? '') ? code : mark?.line === undefined ? 'it is no kubeconfig' : `it is not YAML in line ${mark.line + 1}`}`,
    )
  }
}

function invalidKubeconfig(
  paths: readonly string[],
  problem: string,
  cause?: unknown,
  remedy?: string,
): ActionError {
  return new ActionError({
    code: 'kubeconfig-invalid',
    problem: `Kubeconfig ${paths.join(', ')} ${problem}.`,
    remedy:
      remedy ??
      'Give a kubeconfig that kubectl works with on this runner ("kubectl --kubeconfig FILE get namespace"), and its context when the current one is not meant.',
    cause,
  })
}
