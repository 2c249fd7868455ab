/** helm against one cluster: makes its kubeconfig for as long as it runs, and takes it away again. */
import { rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import tls from 'node:tls'
import type { Clock } from '../core/waiting.ts'
import { fetchChart, readChart, type ChartMetadata, type ChartSource } from './chart.ts'
import { findHelm, preview, previewInstallation, upgrade, type Installation, type Preview, type Upgrade } from './helm.ts'
import { writeKubeconfig, type TokenCluster } from './kubeconfig.ts'
import type { HelmOptions } from './process.ts'

/** How helm reaches the cluster: with tokens of our making, or by the user's own kubeconfig. */
export type HelmCluster = TokenCluster | { readonly paths: readonly string[]; readonly context: string | undefined }

/** An upgrade, for the cluster of the session. */
export type UpgradeRequest = Omit<Upgrade, 'kubeconfig' | 'context'>

/** An installation to render, for the cluster of the session. */
export type InstallationRequest = Omit<Installation, 'kubeconfig' | 'context'>

/** What a session is made of. */
export interface HelmSessionOptions {
  readonly workDirectory: () => Promise<string>
  readonly environment: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly onLine: (line: string) => void
}

/** Runs helm for the release step. */
export class Helm {
  private readonly cluster: HelmCluster
  private readonly options: HelmSessionOptions
  private found: Promise<string> | undefined
  private authorities: Promise<string> | undefined

  constructor(cluster: HelmCluster, options: HelmSessionOptions) {
    this.cluster = cluster
    this.options = options
  }

  /** @returns helm's version. @throws ActionError `helm-not-found`, `helm-too-old` */
  version(): Promise<string> {
    this.found ??= this.runOptions().then(findHelm)
    return this.found
  }

  /** @returns the path of the chart. @throws ActionError `chart-not-found`, `chart-repository-unreachable`, `cancelled` */
  async fetchChart(source: ChartSource): Promise<string> {
    return fetchChart(source, { ...(await this.runOptions()), clock: this.options.clock })
  }

  /** What a chart on this machine says of itself. @throws ActionError `chart-not-found`, `cancelled` */
  async readChart(path: string): Promise<ChartMetadata> {
    return readChart(path, await this.runOptions())
  }

  /** What an upgrade would make. @throws ActionError of failures.ts, `cancelled` */
  preview(request: UpgradeRequest): Promise<Preview> {
    return this.inCluster(request, preview)
  }

  /** What an installation of the release would have made. @throws ActionError of failures.ts, `cancelled` */
  previewInstallation(request: InstallationRequest): Promise<Preview> {
    return this.inCluster({ ...request, forceConflicts: false }, previewInstallation)
  }

  /** @throws ActionError of failures.ts, `cancelled` */
  upgrade(request: UpgradeRequest): Promise<void> {
    return this.inCluster(request, upgrade)
  }

  private async inCluster<R extends Pick<Upgrade, 'forceConflicts' | 'historyMax'>, T>(request: R, work: (request: R & Pick<Upgrade, 'kubeconfig' | 'context'>, options: HelmOptions) => Promise<T>): Promise<T> {
    const run = await this.runOptions()
    const forceConflicts = request.forceConflicts && Number.parseInt(await this.version()) >= 4
    // helm itself reads HELM_MAX_HISTORY, unless the flag is given.
    const historyMax = this.options.environment['HELM_MAX_HISTORY'] ? undefined : request.historyMax
    const over = new AbortController()
    try {
      return await work({ ...request, forceConflicts, historyMax, ...(await this.access(run.directory, over.signal)) }, run)
    } finally {
      over.abort()
      await Promise.all(['kubeconfig', 'token', 'token.new'].map((file) => rm(join(run.directory, file), { force: true })))
    }
  }

  private async runOptions(): Promise<HelmOptions> {
    const { environment, signal, onLine } = this.options
    const directory = await this.options.workDirectory()
    const kubeconfig = 'paths' in this.cluster ? { KUBECONFIG: this.cluster.paths.join(delimiter) } : {}
    return { directory, environment: { ...environment, ...kubeconfig, ...(await this.trust(directory)) }, signal, onLine }
  }

  /** helm trusts what this process trusts, NODE_EXTRA_CA_CERTS included, unless it is told otherwise. Source: Go, crypto/x509, SSL_CERT_FILE. */
  private async trust(directory: string): Promise<{ SSL_CERT_FILE?: string }> {
    const { environment } = this.options
    if (!environment['NODE_EXTRA_CA_CERTS'] || environment['SSL_CERT_FILE']) return {}
    this.authorities ??= writeAuthorities(directory)
    return { SSL_CERT_FILE: await this.authorities }
  }

  /** A user's kubeconfig goes by KUBECONFIG, which may name several files; --kubeconfig takes one. */
  private async access(directory: string, signal: AbortSignal): Promise<Pick<Upgrade, 'kubeconfig' | 'context'>> {
    if ('paths' in this.cluster) return { kubeconfig: undefined, context: this.cluster.context }
    return { kubeconfig: await writeKubeconfig(directory, this.cluster, this.options.clock, signal), context: undefined }
  }
}

async function writeAuthorities(directory: string): Promise<string> {
  const path = join(directory, 'authorities.pem')
  await writeFile(path, tls.getCACertificates('default').join('\n'), { mode: 0o600 })
  return path
}
