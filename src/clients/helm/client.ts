/** Runs Helm against one cluster. The kubeconfig with its token exists only while Helm runs. */
import { rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import tls from 'node:tls'
import type { Clock } from '../../util/polling.ts'
import { fetchChart, readChartMetadata, type ChartMetadata, type ChartSource } from './chart.ts'
import {
  checkHelmVersion,
  defaultHistoryMax,
  previewUpgrade,
  previewInstall,
  upgrade,
  type InstallOptions,
  type Preview,
  type UpgradeOptions,
} from './commands.ts'
import { writeKubeconfig, type TokenClusterAccess } from './kubeconfig.ts'
import type { HelmOptions } from './process.ts'

/** How Helm accesses the cluster: with generated EKS tokens, or with the user's kubeconfig. */
export type HelmClusterAccess =
  TokenClusterAccess | { readonly paths: readonly string[]; readonly context: string | undefined }

/** An upgrade, without the access to the cluster. */
export type UpgradeRequest = Omit<UpgradeOptions, 'kubeconfig' | 'context'>

/** An installation to render, without the access to the cluster. */
export type InstallRequest = Omit<InstallOptions, 'kubeconfig' | 'context'>

/** What a client needs beside the access to the cluster. */
export interface HelmClientOptions {
  readonly workDirectory: () => Promise<string>
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly onLine: (line: string) => void
  readonly onOutput: (line: string) => void
}

/** Runs Helm for the release step. */
export class HelmClient {
  private readonly cluster: HelmClusterAccess
  private readonly options: HelmClientOptions
  private installedVersion: Promise<string> | undefined
  private caBundlePath: Promise<string> | undefined

  constructor(cluster: HelmClusterAccess, options: HelmClientOptions) {
    this.cluster = cluster
    this.options = options
  }

  /**
   * @returns Helm's version, without a v in front
   * @throws ActionError `helm-not-found`, `helm-too-old`
   */
  version(): Promise<string> {
    this.installedVersion ??= this.createHelmOptions().then(checkHelmVersion)
    return this.installedVersion
  }

  /**
   * @returns the path of the chart on this machine
   * @throws ActionError `chart-not-found`, `chart-repository-unreachable`, `cancelled`
   */
  async fetchChart(source: ChartSource): Promise<string> {
    return fetchChart(source, { ...(await this.createHelmOptions()), clock: this.options.clock })
  }

  /**
   * The metadata of a chart on this machine.
   * @throws ActionError `chart-not-found`, `cancelled`
   */
  async readChartMetadata(path: string): Promise<ChartMetadata> {
    return readChartMetadata(path, await this.createHelmOptions())
  }

  /**
   * Renders an upgrade.
   * @throws ActionError of failures.ts, `cancelled`
   */
  previewUpgrade(request: UpgradeRequest): Promise<Preview> {
    return this.withClusterAccess(request, previewUpgrade)
  }

  /**
   * Renders an installation of the release.
   * @throws ActionError of failures.ts, `cancelled`
   */
  previewInstall(request: InstallRequest): Promise<Preview> {
    return this.withClusterAccess({ ...request, forceConflicts: false }, previewInstall)
  }

  /** Whether one more revision makes Helm delete the oldest. */
  prunesHistory(storedRevisions: number): boolean {
    const limit = Number(this.options.environment['HELM_MAX_HISTORY'] || defaultHistoryMax)
    return limit > 0 && storedRevisions >= limit
  }

  /** @throws ActionError of failures.ts, `cancelled` */
  upgrade(request: UpgradeRequest): Promise<void> {
    return this.withClusterAccess(request, upgrade)
  }

  private async withClusterAccess<
    R extends Pick<UpgradeOptions, 'forceConflicts' | 'historyMax'>,
    T,
  >(
    request: R,
    operation: (
      request: R & Pick<UpgradeOptions, 'kubeconfig' | 'context'>,
      options: HelmOptions,
    ) => Promise<T>,
  ): Promise<T> {
    const helmOptions = await this.createHelmOptions()
    const forceConflicts = request.forceConflicts && Number.parseInt(await this.version()) >= 4
    // The flag would override HELM_MAX_HISTORY.
    const historyMax = this.options.environment['HELM_MAX_HISTORY'] ? undefined : request.historyMax
    const completion = new AbortController()
    try {
      return await operation(
        {
          ...request,
          forceConflicts,
          historyMax,
          ...(await this.prepareClusterAccess(helmOptions.directory, completion.signal)),
        },
        helmOptions,
      )
    } finally {
      completion.abort()
      await Promise.all(
        ['kubeconfig', 'token', 'token.new'].map((file) =>
          rm(join(helmOptions.directory, file), { force: true }),
        ),
      )
    }
  }

  private async createHelmOptions(): Promise<HelmOptions> {
    const { environment, signal, onLine, onOutput } = this.options
    const directory = await this.options.workDirectory()
    const kubeconfig =
      'paths' in this.cluster ? { KUBECONFIG: this.cluster.paths.join(delimiter) } : {}
    return {
      directory,
      environment: {
        ...environment,
        ...kubeconfig,
        ...(await this.createTrustEnvironment(directory)),
      },
      signal,
      onLine,
      onOutput,
    }
  }

  /**
   * Makes Helm trust the CAs of this process, NODE_EXTRA_CA_CERTS included, unless the environment
   * sets others. Source: Go, crypto/x509, SSL_CERT_FILE.
   */
  private async createTrustEnvironment(directory: string): Promise<{ SSL_CERT_FILE?: string }> {
    const { environment } = this.options
    if (!environment['NODE_EXTRA_CA_CERTS'] || environment['SSL_CERT_FILE']) return {}
    this.caBundlePath ??= writeCaBundle(directory)
    return { SSL_CERT_FILE: await this.caBundlePath }
  }

  /**
   * A user's kubeconfig is passed in KUBECONFIG, which may name several files, unlike --kubeconfig.
   */
  private async prepareClusterAccess(
    directory: string,
    signal: AbortSignal,
  ): Promise<Pick<UpgradeOptions, 'kubeconfig' | 'context'>> {
    if ('paths' in this.cluster) return { kubeconfig: undefined, context: this.cluster.context }
    return {
      kubeconfig: await writeKubeconfig(directory, this.cluster, this.options.clock, signal),
      context: undefined,
    }
  }
}

async function writeCaBundle(directory: string): Promise<string> {
  const path = join(directory, 'authorities.pem')
  await writeFile(path, tls.getCACertificates('default').join('\n'), { mode: 0o600 })
  return path
}
