/** Fetches the chart to this machine, so that the upgrade applies the same files as its preview. */
import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { load } from 'js-yaml'
import { chartPathNotFound, chartUnreadable } from '../../failures/chart.ts'
import { retry } from '../../util/retry.ts'
import { throwIfCancelled, type Clock } from '../../util/polling.ts'
import { parseChartReference, type ChartReference } from './chart-reference.ts'
import { chartFailure, extractErrorMessage, extractFetchError, isTransient } from './failures.ts'
import { executeHelm, type HelmOptions } from './process.ts'

/** A chart, and where it comes from. */
export interface ChartSource {
  /** In the forms that chart-reference.ts parses. */
  readonly name: string
  /** URL of the chart repository. Only used when the name does not contain the location. */
  readonly repository: string
  /** The version to fetch. Only used when the name does not contain it. */
  readonly version: string
  /** For the repository or registry; undefined uses those configured on the runner. Secret. */
  readonly credentials: { readonly username: string; readonly password: string } | undefined
}

/** Where Helm runs, and the clock for the delays between attempts. */
export type FetchOptions = HelmOptions & { readonly clock: Clock }

/** A chart that is not on this machine yet. */
type RemoteReference = Exclude<ChartReference, { readonly kind: 'path' }>

/** What one Helm command of a fetch needs beside its arguments. */
interface HelmCallOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** Written to its standard input. */
  readonly input?: string
}

type CallHelm = (args: readonly string[], callOptions?: HelmCallOptions) => Promise<void>

/**
 * Fetches a chart, and retries transient failures of the repository or registry.
 * @returns the path of the chart on this machine
 * @throws ActionError `chart-not-found`, `chart-repository-unreachable`, `cancelled`
 */
export async function fetchChart(source: ChartSource, options: FetchOptions): Promise<string> {
  const reference = parseChartReference(source.name)
  if (reference.kind === 'path') return requireExistingPath(reference.path)
  if (
    reference.kind === 'path-or-alias' &&
    hasCheckout(options) &&
    (await pathExists(reference.path))
  )
    return `./${reference.path}`
  // One directory per chart: a run may need the chart of the upgrade and that of its rollback.
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

/** Without a checkout, another job may have left a folder of that name on this machine. */
const hasCheckout = ({ environment }: HelmOptions): boolean =>
  environment['MILVUS_ALB_WITHOUT_CHECKOUT'] !== 'true'

async function pathExists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

/** @throws ActionError `chart-not-found` */
async function requireExistingPath(path: string): Promise<string> {
  if (await pathExists(path)) return path
  throw chartPathNotFound(path, resolve(path))
}

/** @param credentialsFile the file for Helm's credentials; the caller deletes it afterwards */
async function pullChart(
  reference: RemoteReference,
  { repository, version, credentials }: ChartSource,
  credentialsFile: string,
  callHelm: CallHelm,
): Promise<void> {
  switch (reference.kind) {
    // Helm searches all configured repositories for the URL, and fails when their indexes are not
    // cached. An empty configuration avoids the search.
    case 'archive':
      return callHelm(['pull', reference.url], {
        environment: { HELM_REPOSITORY_CONFIG: credentialsFile },
      })
    case 'path-or-alias':
      // Helm uses a cache of this run, which does not contain the runner's index yet.
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
 * A digest identifies the chart, so the tag beside it is omitted: given both, Helm 3.17 fetches the
 * tag and ignores the digest. Measured.
 */
function registryPullArguments(
  { repository, tag, digest }: Extract<ChartReference, { kind: 'registry' }>,
  version: string,
): string[] {
  if (digest !== undefined) return [`${repository}@${digest}`]
  return tag === undefined ? [repository, '--version', version] : [`${repository}:${tag}`]
}

/** Of Chart.yaml. */
export interface ChartMetadata {
  readonly name: string
  readonly version: string
}

/**
 * Reads the metadata of a chart on this machine, without rendering it.
 * @throws ActionError `chart-not-found` when the path is not a chart, `cancelled`
 */
export async function readChartMetadata(
  path: string,
  options: HelmOptions,
): Promise<ChartMetadata> {
  const { exitCode, stdout, stderr } = await executeHelm(['show', 'chart', path], {
    ...options,
    onLine: () => undefined,
    onOutput: () => undefined,
  })
  throwIfCancelled(options.signal)
  const metadata = exitCode === 0 ? (load(stdout) as Partial<ChartMetadata> | undefined) : undefined
  if (metadata?.name !== undefined && metadata.version !== undefined)
    return { name: metadata.name, version: metadata.version }
  throw chartUnreadable(path, extractErrorMessage(stderr) || 'its name or version is missing')
}

/** Attempts in total. Fewer when they are slow: Helm 4 itself retries a registry for seconds. */
const attempts = { quick: 6, slow: 2 }

/** From how many milliseconds on an attempt is slow. */
const slowAttempt = 5_000

async function runWithRetry(
  args: readonly string[],
  { source, reference }: { source: ChartSource; reference: RemoteReference },
  options: FetchOptions,
  { environment, input }: HelmCallOptions = {},
): Promise<void> {
  const { clock, signal } = options
  let maxAttempts = 1
  let attempt = 0
  const task = args[0] === 'pull' ? 'fetches the chart' : 'reads the repository'
  const attemptOnce = async (): Promise<void> => {
    attempt += 1
    if (attempt > 1) options.onLine(`Helm ${task} again: attempt ${attempt} of ${maxAttempts}`)
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
      maxAttempts = clock.now() - startedAt < slowAttempt ? attempts.quick : attempts.slow
    throw chartFailure(message, {
      kind: reference.kind,
      name: source.name,
      version: source.version,
      source: describeChartLocation(reference, source),
      hasCredentials: source.credentials !== undefined,
      hasCheckout: hasCheckout(options),
    })
  }
  return retry(attemptOnce, { maxAttempts: () => maxAttempts, signal, clock })
}

/** The repository or registry, for messages. */
function describeChartLocation(reference: RemoteReference, { repository }: ChartSource): string {
  switch (reference.kind) {
    case 'archive':
      return new URL(reference.url).host
    case 'registry':
      return reference.host
    case 'path-or-alias':
      return `Helm repository ${reference.alias}`
    case 'repository':
      return repository
  }
}

/**
 * The file that `helm registry login` would write. That command also logs in to the root of the
 * registry, which some registries do not serve, and stores the password in the machine's keychain.
 * Source: Docker, config.json, auths.
 */
function formatDockerConfig(
  registry: string,
  { username, password }: { username: string; password: string },
): string {
  return JSON.stringify({
    auths: { [registry]: { auth: Buffer.from(`${username}:${password}`).toString('base64') } },
  })
}
