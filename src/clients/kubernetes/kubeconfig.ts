/** Reads kubeconfig files and merges them as kubectl does. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve, sep } from 'node:path'
import { KubeConfig } from '@kubernetes/client-node'
import { load } from 'js-yaml'
import type { ActionError } from '../../failures/action-error.ts'
import {
  kubeconfigContextNotFound,
  kubeconfigMalformed,
  kubeconfigNotFound,
  kubeconfigNotYaml,
  kubeconfigUnreadable,
} from '../../failures/kubeconfig.ts'
import type { ExecPlugin } from './exec-plugin.ts'

/**
 * Merges files as kubectl does: the first file that defines an entry, or a current context, wins;
 * of several files, missing ones are skipped.
 * @param context overrides the current context
 * @throws ActionError `kubeconfig-invalid`
 */
export function loadKubeconfig(paths: readonly string[], context: string | undefined): KubeConfig {
  const files = paths
    .filter((path) => paths.length === 1 || existsSync(path))
    .map((path) => readKubeconfig(path))
  const config = new KubeConfig()
  config.loadFromOptions({
    clusters: uniqueByName(files.flatMap(({ clusters }) => clusters)),
    users: uniqueByName(files.flatMap(({ users }) => users)),
    contexts: uniqueByName(files.flatMap(({ contexts }) => contexts)),
    currentContext: files.map(({ currentContext }) => currentContext).find((name) => name) ?? '',
  })
  if (context === undefined) return config
  const contextNames = config.getContexts().map(({ name }) => name)
  if (!contextNames.includes(context)) throw kubeconfigContextNotFound(paths, context, contextNames)
  config.setCurrentContext(context)
  return config
}

const uniqueByName = <T extends { name: string }>(entries: readonly T[]): T[] =>
  entries.filter((entry, index) => entries.findIndex(({ name }) => name === entry.name) === index)

function readKubeconfig(path: string): KubeConfig {
  try {
    const config = new KubeConfig()
    config.loadFromFile(path)
    requireStrings(config)
    addTokenFiles(config, path)
    resolveExecCommands(config, path)
    return config
  } catch (thrown) {
    throw toReadFailure(path, thrown)
  }
}

/** The official client does not check the types of what it parses. */
function requireStrings({ currentContext, clusters }: KubeConfig): void {
  const texts: unknown[] = [currentContext, ...clusters.map(({ server }) => server)]
  if (!texts.every((text) => text === undefined || typeof text === 'string'))
    throw new TypeError('a number or a map')
}

/**
 * The official client reads `token-file`, but kubeconfigs contain `tokenFile`. Source: client-go,
 * clientcmd/api/v1, AuthInfo.
 */
function addTokenFiles(config: KubeConfig, path: string): void {
  const { users = [] } = load(readFileSync(path, 'utf8')) as {
    users?: { name: string; user?: { tokenFile?: string } }[]
  }
  const tokenFiles = new Map<string, string>()
  for (const { name, user } of users)
    if (user?.tokenFile !== undefined) tokenFiles.set(name, resolve(dirname(path), user.tokenFile))
  config.users = config.users.map((user) => {
    const tokenFile = tokenFiles.get(user.name)
    if (tokenFile === undefined) return user
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile } } }
  })
}

/**
 * A command with a slash is relative to the file; one without is searched in PATH. Source:
 * client-go, clientcmd/loader.go, GetAuthInfoFileReferences.
 */
function resolveExecCommands(config: KubeConfig, path: string): void {
  config.users = config.users.map((user) => {
    const exec = user.exec as ExecPlugin | undefined
    if (!exec?.command?.includes(sep)) return user
    return { ...user, exec: { ...exec, command: resolve(dirname(path), exec.command) } }
  })
}

/**
 * The message of the YAML parser quotes the line, which may contain a token: only the line number
 * is kept, and no cause.
 */
function toReadFailure(path: string, thrown: unknown): ActionError {
  const { mark, code = '' } = thrown as { mark?: { line?: number }; code?: string }
  if (code === 'ENOENT') return kubeconfigNotFound(path)
  if (/^E[A-Z]+$/.test(code)) return kubeconfigUnreadable(path, code)
  return mark?.line === undefined
    ? kubeconfigMalformed(path)
    : kubeconfigNotYaml(path, mark.line + 1)
}
