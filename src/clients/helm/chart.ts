/** Fetches the chart, so that what is looked at before anything changes is what is applied. */
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { load } from 'js-yaml'
import { ActionError } from '../../failures/action-error.ts'
import { retry } from '../../util/retry.ts'
import { throwIfCancelled, type Clock } from '../../util/polling.ts'
import { parseChartReference, type ChartReference } from './chart-reference.ts'
import { chartFailure, extractErrorMessage, extractFetchError, isTransient } from './failures.ts'
import { executeHelm, type HelmOptions } from './process.ts'

/** A chart, and where it comes from. */
export interface ChartSource {
  /** As chart-reference.ts reads it. */
  readonly name: string
  /**
   * URL of the chart repository; for a name that says itself where the chart is, without meaning.
   */
  readonly repository: string
  /** The version to fetch, where the name does not say it. */
  readonly version: string
  /** For the repository or registry; undefined leaves it to what the runner has. Secret. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined
}

/** Where helm runs, and what measures the pauses between its attempts. */
export type FetchOptions = HelmOptions & { readonly clock: Clock }

/** A chart that is not on this machine yet. */
type RemoteReference = Exclude<ChartReference, { readonly kind: 'path' }>

/** How one helm of several is run. */
interface HelmCallOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** For its standard input. */
  readonly input?: string
}

type CallHelm = (args: readonly string[], callOptions?: HelmCallOptions) => Promise<void>

/**
 * Failures of the repository or registry that may pass are tried again.
 * @returns the path of the chart: itself, when it is one
 * @throws ActionError `chart-not-found`, `chart-repository-unreachable`, `cancelled`
 */
export async function fetchChart(source: ChartSource, options: FetchOptions): Promise<string> {
  const reference = parseChartReference(source.name)
  if (reference.kind === 'path') return requireExistingPath(reference.path)
  if (reference.kind === 'path-or-alias' && (await pathExists(reference.path)))
    return `./${reference.path}`
  // Each chart has a folder of its own: a run may need that of an upgrade and that of the way back.
  const destination = await mkdtemp(join(options.directory, 'chart-'))
  const credentialsFile = join(
    options.directory,
    reference.kind === 'registry' ? 'registry.json' : 'repositories.yaml',
  )
  const callHelm: CallHelm = (args, callOptions) =>
    runWithRetry(
      args[0] === 'pull' ? [...args, '--destination', destination] : args,
      { source, reference },
      options,
      callOptions,
    )
  try {
    await pullChart(reference, source, credentialsFile, callHelm)
  } finally {
    if (source.credentials) await rm(credentialsFile, { force: true })
  }
  const [archive = ''] = await readdir(destination)
  return join(destination, archive)
}

const pathExists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

/** @throws ActionError `chart-not-found` */
async function requireExistingPath(path: string): Promise<string> {
  if (await pathExists(path)) return path
  throw new ActionError({
    code: 'chart-not-found',
    problem: `Input chart is the path ${path}, and ${resolve(path)} does not exist on this runner.`,
    remedy:
      'Check out or download the chart before this step. A relative path starts at the working directory of the job.',
  })
}

/**
 * @param credentialsFile path of the file that helm may read credentials from, and that is
 *   deleted when this has ended
 */
async function pullChart(
  reference: RemoteReference,
  { repository, version, credentials }: ChartSource,
  credentialsFile: string,
  callHelm: CallHelm,
): Promise<void> {
  switch (reference.kind) {
    // helm looks for the URL in every repository that it knows, and fails for want of their
    // indexes: it is shown none.
    case 'archive':
      return callHelm(['pull', reference.url], {
        environment: { HELM_REPOSITORY_CONFIG: credentialsFile },
      })
    case 'path-or-alias':
      // helm's cache is our own, so that the index that the runner has is not in it.
      await callHelm(['repo', 'update', reference.alias])
      return callHelm(['pull', `${reference.alias}/${reference.chart}`, '--version', version])
    case 'registry':
      if (credentials)
        await writeFile(credentialsFile, formatDockerConfig(reference.host, credentials), {
          mode: 0o600,
        })
      return callHelm(
        ['pull', ...registryPullArguments(reference, version)],
        credentials && { environment: { HELM_REGISTRY_CONFIG: credentialsFile } },
      )
    case 'repository': {
      if (!credentials)
        return callHelm(['pull', reference.chart, '--version', version, '--repo', repository])
      const environment = { HELM_REPOSITORY_CONFIG: credentialsFile }
      await callHelm(
        [
          'repo',
          'add',
          'target',
          repository,
          '--username',
          credentials.username,
          '--password-stdin',
        ],
        { environment, input: credentials.password },
      )
      return callHelm(['pull', `target/${reference.chart}`, '--version', version], { environment })
    }
  }
}

/**
 * A digest alone names one chart: of a reference with both, helm 3.17 fetches the tag and ignores
 * the digest. Measured.
 */
function registryPullArguments(
  { repository, tag, digest }: Extract<ChartReference, { kind: 'registry' }>,
  version: string,
): string[] {
  if (digest !== undefined) return [`${repository}@${digest}`]
  return tag === undefined ? [repository, '--version', version] : [`${repository}:${tag}`]
}

/** What a chart says of itself. */
export interface ChartMetadata {
  readonly name: string
  readonly version: string
}

/**
 * Reads the metadata of a chart on this machine, without rendering it.
 * @throws ActionError `chart-not-found` when it is no chart, `cancelled`
 */
export async function readChartMetadata(
  path: string,
  options: HelmOptions,
): Promise<ChartMetadata> {
  const { exitCode, stdout, stderr } = await executeHelm(['show', 'chart', path], {
    ...options,
    onLine: () => undefined,
  })
  throwIfCancelled(options.signal)
  const metadata = exitCode === 0 ? (load(stdout) as Partial<ChartMetadata> | undefined) : undefined
  if (metadata?.name !== undefined && metadata.version !== undefined)
    return { name: metadata.name, version: metadata.version }
  throw new ActionError({
    code: 'chart-not-found',
    problem: `${path} is not a chart that helm can read: ${extractErrorMessage(stderr) || 'it has no name or version'}`,
    remedy:
      'Set chart to the directory that has Chart.yaml, or to an archive that "helm package" made.',
  })
}

/**
 * How often helm is run in all when the repository fails, and when it fails slowly. helm 4 itself
 * tries a registry for some seconds.
 */
const attempts = { quick: 6, slow: 2 }

/** Milliseconds from which on an attempt is slow. */
const slow = 5_000

async function runWithRetry(
  args: readonly string[],
  { source, reference }: { source: ChartSource; reference: RemoteReference },
  options: FetchOptions,
  { environment, input }: HelmCallOptions = {},
): Promise<void> {
  const { clock, signal } = options
  let maxAttempts = 1
  let attempt = 0
  const attemptOnce = async (): Promise<void> => {
    attempt += 1
    if (attempt > 1)
      options.onLine(
        `helm ${args[0] === 'pull' ? 'fetches the chart' : 'reads the repository'} again: attempt ${attempt} of ${maxAttempts}`,
      )
    const startedAt = clock.now()
    maxAttempts = 1
    const { exitCode, stdout, stderr } = await executeHelm(
      [...args],
      { ...options, environment: { ...options.environment, ...environment } },
      input,
    )
    throwIfCancelled(signal)
    const message = extractFetchError(exitCode, stdout, stderr)
    if (message === undefined) return
    if (isTransient(message))
      maxAttempts = clock.now() - startedAt < slow ? attempts.quick : attempts.slow
    throw chartFailure(message, {
      kind: reference.kind,
      name: source.name,
      version: source.version,
      source: describeChartLocation(reference, source),
      hasCredentials: source.credentials !== undefined,
    })
  }
  return retry(attemptOnce, { maxAttempts: () => maxAttempts, signal, clock })
}

/** Where helm looks, as people call it. */
function describeChartLocation(reference: RemoteReference, { repository }: ChartSource): string {
  switch (reference.kind) {
    case 'archive':
      return new URL(reference.url).host
    case 'registry':
      return reference.host
    case 'path-or-alias':
      return `helm repository ${reference.alias}`
    case 'repository':
      return repository
  }
}

/**
 * What `helm registry login` would write; but that also tries the login against the root of the
 * registry, which some do not serve, and hands the password to the keychain of a machine that has
 * one. Source: Docker, config.json, auths.
 */
function formatDockerConfig(
  registry: string,
  { username, password }: { username: string; password: string },
): string {
  return JSON.stringify({
    auths: { [registry]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } },
  })
}
