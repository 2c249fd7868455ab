/** Failures of input kubeconfig: the file, its contexts and its credentials. */
import { ActionError } from './action-error.ts'

type KubeconfigPaths = readonly string[]

const defaultRemedy =
  'Set kubeconfig to a file that kubectl accepts on this runner ("kubectl --kubeconfig FILE get namespace"), and set context unless the current context is the intended one.'

const kubeconfigInvalid = (
  paths: KubeconfigPaths,
  problem: string,
  remedy = defaultRemedy,
  cause?: unknown,
): ActionError =>
  new ActionError({
    code: 'kubeconfig-invalid',
    problem: `Kubeconfig ${paths.join(', ')} ${problem}.`,
    remedy,
    cause,
  })

/** Nothing is at the path. */
export const kubeconfigNotFound = (path: string): ActionError =>
  kubeconfigInvalid([path], 'does not exist')

const readErrors: Readonly<Record<string, string>> = {
  EACCES: "is not readable for the runner's user",
  EISDIR: 'is a directory, not a file',
}

/** @param errorCode of errno(3): `EACCES` */
export const kubeconfigUnreadable = (path: string, errorCode: string): ActionError =>
  kubeconfigInvalid([path], readErrors[errorCode] ?? `cannot be read (${errorCode})`)

/** @param line counted from 1 */
export const kubeconfigNotYaml = (path: string, line: number): ActionError =>
  kubeconfigInvalid([path], `is not valid YAML: syntax error in line ${line}`)

/** The file is YAML, but not a kubeconfig. */
export const kubeconfigMalformed = (path: string): ActionError =>
  kubeconfigInvalid([path], 'is not a kubeconfig')

/** Input context names a context that no file defines. */
export const kubeconfigContextNotFound = (
  paths: KubeconfigPaths,
  context: string,
  available: readonly string[],
): ActionError =>
  kubeconfigInvalid(
    paths,
    `does not contain context ${context}; its contexts are: ${available.join(', ') || 'none'}`,
  )

/** @param context empty when the files set no current context */
export const kubeconfigClusterNotFound = (paths: KubeconfigPaths, context: string): ActionError =>
  kubeconfigInvalid(paths, `does not define a cluster for context ${context || '(none)'}`)

/** The server of the cluster. */
export const kubeconfigServerNotHttps = (paths: KubeconfigPaths, server: string): ActionError =>
  kubeconfigInvalid(paths, `sets server ${server}, which is not an https URL`)

/** Kubernetes 1.24 removed this version of the exec plugin's API. */
export const execPluginApiRemoved = (
  paths: KubeconfigPaths,
  { command, apiVersion }: { readonly command: string; readonly apiVersion: string },
): ActionError =>
  kubeconfigInvalid(
    paths,
    `runs ${command} for credentials with ${apiVersion}, which Kubernetes no longer supports`,
    'Regenerate the file ("aws eks update-kubeconfig" of a current AWS CLI), or set input cluster instead.',
  )

/**
 * The kubeconfig's token file, certificate or exec plugin yields no credentials.
 * @param execCommand of its exec plugin; undefined without one
 */
export const kubeconfigCredentialsFailed = (
  paths: KubeconfigPaths,
  failure: {
    readonly reason: string
    readonly execCommand: string | undefined
    readonly cause: unknown
  },
): ActionError =>
  kubeconfigInvalid(
    paths,
    `does not provide credentials: ${failure.reason}`,
    failure.execCommand === undefined
      ? defaultRemedy
      : `Check that "${failure.execCommand}", the program that it runs, is on this runner's PATH and works. For EKS, set input cluster instead, which needs no program.`,
    failure.cause,
  )

/** A program that waits for a person's answer, or for a server that is down. */
export const kubeconfigProgramTimedOut = (
  paths: KubeconfigPaths,
  { command, timeout }: { readonly command: string; readonly timeout: number },
): ActionError =>
  kubeconfigInvalid(
    paths,
    `runs ${command} for credentials, which did not end within ${timeout} s and was stopped`,
    `Run ${command} on this runner without a terminal ("${command} < /dev/null"): it must print credentials and not ask for anything. For EKS, set input cluster instead, which needs no program.`,
  )
