/**
 * An OCI registry on loopback with one chart, as far as `helm pull` asks. Source: OCI Distribution
 * Specification; helm, "Use OCI-based registries".
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { issueLoopbackCertificate, type CertificateAuthority } from '../../testing/certificates.ts'
import type { RequestLog } from '../../testing/request-log.ts'
import { buildChartMetadata, buildMilvusChart } from './package.ts'
import { authenticateHeaders, isAuthorized, type Credentials } from './repository.ts'

/** How to start it. */
export interface ChartRegistrySettings {
  readonly requestLog: RequestLog
  readonly authority: CertificateAuthority
  /** Who may read it; everybody when absent. */
  readonly credentials?: Credentials
  readonly version: string
}

/** The running registry. */
export interface ChartRegistry {
  /** What `helm pull` takes. */
  readonly reference: string
  /** Of the manifest. */
  readonly digest: string
  close(): Promise<void>
}

const createDescriptor = (mediaType: string, content: Uint8Array) => ({
  mediaType,
  digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
  size: content.length,
})

/** Starts it on a free loopback port. */
export async function startChartRegistry({
  requestLog,
  authority,
  credentials,
  version,
}: ChartRegistrySettings): Promise<ChartRegistry> {
  const [pair, archive] = await Promise.all([
    issueLoopbackCertificate(authority, []),
    buildMilvusChart(version),
  ])
  const config = Buffer.from(JSON.stringify(buildChartMetadata(version)))
  const [configDescriptor, layerDescriptor] = [
    createDescriptor('application/vnd.cncf.helm.config.v1+json', config),
    createDescriptor('application/vnd.cncf.helm.chart.content.v1.tar+gzip', archive),
  ]
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: configDescriptor,
      layers: [layerDescriptor],
    }),
  )
  const contentByPath = new Map(
    [
      [configDescriptor.digest, config],
      [layerDescriptor.digest, archive],
    ].map(([digest, content]) => [
      `/v2/charts/milvus/blobs/${String(digest)}`,
      { type: 'application/octet-stream', content: content as Uint8Array },
    ]),
  )
  const manifestDescriptor = createDescriptor(
    'application/vnd.oci.image.manifest.v1+json',
    manifest,
  )
  for (const reference of [version, manifestDescriptor.digest])
    contentByPath.set(`/v2/charts/milvus/manifests/${reference}`, {
      type: manifestDescriptor.mediaType,
      content: manifest,
    })
  const server = createServer({ cert: pair.cert, key: pair.key }, (request, response) => {
    const path = request.url ?? '/'
    void requestLog.recordRequest({
      service: 'charts',
      operation: `${request.method ?? 'GET'} ${path}`,
      isMutating: false,
      userAgent: request.headers['user-agent'] ?? '',
      query: '',
      body: '',
      headers: request.headers,
    })
    const entry = contentByPath.get(path)
    if (!isAuthorized(request, credentials)) response.writeHead(401, authenticateHeaders).end()
    else if (!entry)
      response
        .writeHead(404, { 'content-type': 'application/json' })
        .end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    else
      response
        .writeHead(200, {
          'content-type': entry.type,
          'content-length': entry.content.length,
          'docker-content-digest': createDescriptor('', entry.content).digest,
        })
        .end(request.method === 'HEAD' ? undefined : entry.content)
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  const { port } = server.address() as AddressInfo
  return {
    reference: `oci://127.0.0.1:${port}/charts/milvus`,
    digest: manifestDescriptor.digest,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
