/**
 * An OCI registry on loopback with one chart, for `helm pull`. Source: OCI Distribution
 * Specification; Helm, "Use OCI-based registries".
 */
import { createHash } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { issueLoopbackCertificate, type CertificateAuthority } from '../../testing/certificates.ts'
import type { RequestLog } from '../../testing/request-log.ts'
import { buildChartMetadata, buildMilvusChart } from './package.ts'
import {
  authenticateHeaders,
  isAuthorized,
  toChartRequest,
  type Credentials,
} from './repository.ts'

/** Options of startChartRegistry. */
export interface ChartRegistrySettings {
  readonly requestLog: RequestLog
  readonly authority: CertificateAuthority
  /** Required in all requests if set. */
  readonly credentials?: Credentials
  readonly version: string
}

/** The running registry. */
export interface ChartRegistry {
  /** For `helm pull`. */
  readonly reference: string
  /** The digest of the manifest. */
  readonly digest: string
  close(): Promise<void>
}

const createDescriptor = (mediaType: string, content: Uint8Array) => ({
  mediaType,
  digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
  size: content.length,
})

interface RegistryContent {
  /** The digest of the manifest. */
  readonly digest: string
  readonly contentByPath: ReadonlyMap<string, { type: string; content: Uint8Array }>
}

/** The manifest and blobs of a chart version. */
async function buildContent(version: string): Promise<RegistryContent> {
  const archive = await buildMilvusChart(version)
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
  const contentByPath = new Map<string, { type: string; content: Uint8Array }>()
  const blobs = new Map<string, Uint8Array>([
    [configDescriptor.digest, config],
    [layerDescriptor.digest, archive],
  ])
  for (const [digest, content] of blobs)
    contentByPath.set(`/v2/charts/milvus/blobs/${digest}`, {
      type: 'application/octet-stream',
      content,
    })
  const manifestDescriptor = createDescriptor(
    'application/vnd.oci.image.manifest.v1+json',
    manifest,
  )
  for (const reference of [version, manifestDescriptor.digest])
    contentByPath.set(`/v2/charts/milvus/manifests/${reference}`, {
      type: manifestDescriptor.mediaType,
      content: manifest,
    })
  return { digest: manifestDescriptor.digest, contentByPath }
}

/** Starts the registry on a free loopback port. */
export async function startChartRegistry({
  requestLog,
  authority,
  credentials,
  version,
}: ChartRegistrySettings): Promise<ChartRegistry> {
  const [pair, { digest, contentByPath }] = await Promise.all([
    issueLoopbackCertificate(authority, []),
    buildContent(version),
  ])
  const server = createServer({ cert: pair.cert, key: pair.key }, (request, response) => {
    requestLog.record(toChartRequest(request))
    const entry = contentByPath.get(request.url ?? '/')
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
    digest,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
