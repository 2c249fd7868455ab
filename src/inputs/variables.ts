/** Variables of the environment that the action reads beside its inputs. Pure. */
import type { ActionError } from '../failures/action-error.ts'
import { variableInvalid } from '../failures/inputs.ts'
import { findMisplacedSecrets, parseFilePath } from './file-paths.ts'
import { InvalidInputError } from './invalid-input.ts'
import type { SettingsEnvironment } from './types.ts'

/** The variables that name files: they are given the content as easily as inputs are. */
const pathVariables = ['KUBECONFIG', 'AWS_CA_BUNDLE'] as const

/** What is wrong with the variables that a run reads. */
export function findVariableErrors(
  env: SettingsEnvironment,
  { readsKubeconfig }: { readonly readsKubeconfig: boolean },
): ActionError[] {
  const readPaths = pathVariables.filter((name) => name !== 'KUBECONFIG' || readsKubeconfig)
  return [
    ...readPaths.map((name) => checkVariable(name, env[name] ?? '', parseFilePath)),
    ...findProxies(env).map(([name, value]) => checkVariable(name, value, checkProxy)),
  ].filter((error) => error !== undefined)
}

function checkVariable(
  name: string,
  value: string,
  check: (raw: string) => unknown,
): ActionError | undefined {
  try {
    check(value)
    return undefined
  } catch (thrown) {
    if (!(thrown instanceof InvalidInputError)) throw thrown
    return variableInvalid(name, thrown)
  }
}

/** The secrets in variables: those of AWS, passwords of proxies, contents of files. */
export const findVariableSecrets = (env: SettingsEnvironment): string[] => [
  ...[env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN].filter((value) => value !== undefined),
  ...findProxies(env).flatMap(([, value]) => findProxySecrets(value)),
  ...pathVariables.flatMap((name) => findMisplacedSecrets(env[name] ?? '')),
]

/** HTTPS_PROXY, http_proxy and the like. NO_PROXY is a list of hosts. */
const findProxies = (env: SettingsEnvironment): [name: string, value: string][] =>
  Object.entries(env).filter(
    (entry): entry is [string, string] =>
      /^(https?|all)_proxy$/i.test(entry[0]) && Boolean(entry[1]),
  )

/**
 * Why the AWS SDK and the Kubernetes client do not use a proxy, for a warning; undefined when they
 * do, or there is none. Source: Node, http.Agent, option proxyEnv, since 24.5.
 * @param nodeVersion of the runner: `24.4.1`
 */
export function describeIgnoredProxy(
  env: SettingsEnvironment,
  nodeVersion: string,
): string | undefined {
  const [name] = findProxies(env).find(([each]) => /^https?_proxy$/i.test(each)) ?? []
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number)
  if (name === undefined || major > 24 || (major === 24 && minor >= 5)) return undefined
  return (
    `The environment variable ${name} is ignored for AWS and the cluster: this runner has Node ` +
    `${nodeVersion}, which does not support proxies. Use a runner with Node 24.5 or later.`
  )
}

const proxyScheme = /^[a-z][a-z0-9+.-]{0,20}:\/\//i

/** Node and Helm quote a URL that they cannot parse, with its password. */
function checkProxy(raw: string): void {
  const url = proxyScheme.test(raw.trim()) ? raw.trim() : `http://${raw.trim()}`
  if (URL.canParse(url) && isDecodable(new URL(url))) return
  throw new InvalidInputError(
    'is not the URL of a proxy.',
    'Set it to http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, and encode special characters of the password (%40 for @). Or unset it.',
  )
}

function isDecodable({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username + password)
    return true
  } catch {
    return false
  }
}

/** The credentials of a proxy, even if its URL is malformed: what is before the last @. */
function findProxySecrets(raw: string): string[] {
  const text = raw.replace(proxyScheme, '')
  const end = text.lastIndexOf('@')
  if (end < 0) return []
  const credentials = text.slice(0, end)
  const password = credentials.slice(credentials.indexOf(':') + 1)
  return [credentials, password, decodeLeniently(password)]
}

function decodeLeniently(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
