/** A Helm chart repository on loopback with versions of the simulator's Milvus chart. */
import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { recordRequest, type RequestRecording } from '../../testing/fault-injector.ts'
import type { ReceivedRequest } from '../../testing/request-log.ts'
import type { PackagedChart } from './third-party-charts.ts'
import {
  appVersions,
  buildMilvusChart,
  getAppVersion,
  getMilvusChart,
  packageTimestamp,
} from './package.ts'

/** Options of startChartRepository. */
export interface ChartRepositorySettings extends RequestRecording {
  /** The initial versions. One version of each release line of the public chart when absent. */
  readonly versions?: readonly string[]
}

/** The credentials for reading charts. */
export interface Credentials {
  readonly username: string
  readonly password: string
}

/** The running repository. */
export interface ChartRepository {
  /** Required in all requests if set. */
  credentials: Credentials | undefined
  /** For `helm --repo`. */
  readonly url: string
  /**
   * Adds or replaces a version.
   * @param appVersion when absent, that of the real chart if known, otherwise 2.6.99
   * @param extraFiles additional files, by their path in the chart
   */
  publish(
    version: string,
    appVersion?: string,
    extraFiles?: Readonly<Record<string, string>>,
  ): Promise<void>
  /** Adds or replaces a version of any chart. */
  add(chart: PackagedChart): void
  /** Removes a version of the Milvus chart. */
  unpublish(version: string): void
  close(): Promise<void>
}

/** Starts the repository on a free loopback port. */
export async function startChartRepository({
  versions = Object.keys(appVersions),
  ...recording
}: ChartRepositorySettings): Promise<ChartRepository> {
  const packages = new Map<string, PackagedChart>()
  const add = (chart: PackagedChart): void => void packages.set(getArchiveName(chart), chart)
  const publish = async (
    version: string,
    appVersion?: string,
    extraFiles?: Readonly<Record<string, string>>,
  ): Promise<void> => {
    const isUnchanged = appVersion === undefined && extraFiles === undefined
    add({
      name: 'milvus',
      version,
      appVersion: appVersion ?? getAppVersion(version),
      archive: await (isUnchanged
        ? getMilvusChart(version)
        : buildMilvusChart(version, appVersion, extraFiles)),
    })
  }
  for (const version of versions) await publish(version)
  const server = createServer((request, response) => {
    const context = { recording, packages, credentials: repository.credentials }
    serveChart(context, request, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : new Error(String(error))),
    )
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  const { port } = server.address() as AddressInfo
  const repository: ChartRepository = {
    url: `http://127.0.0.1:${port}`,
    publish,
    add,
    unpublish: (version) => void packages.delete(getArchiveName({ name: 'milvus', version })),
    credentials: undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return repository
}

interface ServeContext {
  readonly recording: RequestRecording
  /** By the name of the archive. */
  readonly packages: ReadonlyMap<string, PackagedChart>
  readonly credentials: Credentials | undefined
}

/** Answers a request for the index or an archive. */
async function serveChart(
  { recording, packages, credentials }: ServeContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const fault = await recordRequest(recording, toChartRequest(request))
  if (fault?.reset) return void request.socket.destroy()
  if (fault?.error) return void response.writeHead(fault.error.status).end(fault.error.message)
  if (!isAuthorized(request, credentials))
    return void response.writeHead(401, authenticateHeaders).end()
  const path = request.url ?? '/'
  const archive = packages.get(path.slice(1))?.archive
  if (path === '/index.yaml')
    response
      .writeHead(200, { 'content-type': 'application/yaml' })
      .end(renderIndex([...packages.values()]))
  else if (archive) response.writeHead(200, { 'content-type': 'application/gzip' }).end(archive)
  else response.writeHead(404).end('not found')
}

/** The log entry of a request. */
export function toChartRequest(request: IncomingMessage): ReceivedRequest {
  return {
    service: 'charts',
    operation: `${request.method ?? 'GET'} ${request.url ?? '/'}`,
    isMutating: false,
    userAgent: request.headers['user-agent'] ?? '',
    query: '',
    body: '',
    headers: request.headers,
  }
}

/** Basic authentication. Source: RFC 7617. */
export const authenticateHeaders = { 'www-authenticate': 'Basic realm="charts"' }

/** Whether a request contains the required credentials, if any. */
export function isAuthorized(
  { headers }: IncomingMessage,
  credentials: Credentials | undefined,
): boolean {
  return (
    credentials === undefined ||
    headers.authorization ===
      `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`
  )
}

const getArchiveName = ({ name, version }: Pick<PackagedChart, 'name' | 'version'>): string =>
  `${name}-${version}.tgz`

/** JSON is valid YAML. */
function renderIndex(charts: PackagedChart[]): string {
  const entries = charts.map(({ name, version, appVersion, archive }) => ({
    apiVersion: 'v1',
    name,
    version,
    appVersion,
    created: packageTimestamp,
    digest: createHash('sha256').update(archive).digest('hex'),
    urls: [getArchiveName({ name, version })],
  }))
  return JSON.stringify({
    apiVersion: 'v1',
    generated: packageTimestamp,
    entries: Object.groupBy(entries, ({ name }) => name),
  })
}
