/** An OCI registry on loopback with one chart, as far as `helm pull` asks. Source: OCI Distribution Specification; helm, "Use OCI-based registries". */
import { createHash } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { loopbackServerPair, type Authority } from '../certificates.ts'
import type { Traffic } from '../traffic.ts'
import { chartMetadata, milvusChart } from './package.ts'
import { challenge, isAllowed, type Credentials } from './repository.ts'

/** How to start it. */
export interface ChartRegistrySettings {
  readonly traffic: Traffic
  readonly authority: Authority
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

const describe = (mediaType: string, content: Uint8Array) => ({ mediaType, digest: `sha256:${createHash('sha256').update(content).digest('hex')}`, size: content.length })

/** Starts it on a free loopback port. */
export async function startChartRegistry({ traffic, authority, credentials, version }: ChartRegistrySettings): Promise<ChartRegistry> {
  const [pair, archive] = await Promise.all([loopbackServerPair(authority, []), milvusChart(version)])
  const config = Buffer.from(JSON.stringify(chartMetadata(version)))
  const [configDescriptor, layer] = [describe('application/vnd.cncf.helm.config.v1+json', config), describe('application/vnd.cncf.helm.chart.content.v1.tar+gzip', archive)]
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: 'application/vnd.oci.image.manifest.v1+json', config: configDescriptor, layers: [layer] }))
  const contents = new Map([[configDescriptor.digest, config], [layer.digest, archive]].map(([digest, content]) => [`/v2/charts/milvus/blobs/${String(digest)}`, { type: 'application/octet-stream', content: content as Uint8Array }]))
  const described = describe('application/vnd.oci.image.manifest.v1+json', manifest)
  for (const reference of [version, described.digest]) contents.set(`/v2/charts/milvus/manifests/${reference}`, { type: described.mediaType, content: manifest })
  const server = createServer({ cert: pair.cert, key: pair.key }, (request, response) => {
    const path = request.url ?? '/'
    void traffic.take({ part: 'charts', operation: `${request.method ?? 'GET'} ${path}`, mutating: false, client: request.headers['user-agent'] ?? '', query: '', body: '', headers: request.headers })
    const found = contents.get(path)
    if (!isAllowed(request, credentials)) response.writeHead(401, challenge).end()
    else if (!found) response.writeHead(404, { 'content-type': 'application/json' }).end('{"errors":[{"code":"MANIFEST_UNKNOWN"}]}')
    else response.writeHead(200, { 'content-type': found.type, 'content-length': found.content.length, 'docker-content-digest': describe('', found.content).digest }).end(request.method === 'HEAD' ? undefined : found.content)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    reference: `oci://127.0.0.1:${port}/charts/milvus`,
    digest: described.digest,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
