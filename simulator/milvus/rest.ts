/**
 * The RESTful API of Milvus, as far as a client lists collections. Sources: milvus-io/milvus,
 * internal/distributed/proxy/service.go and httpserver/handler_v1.go, handler_v2.go.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { recordRequest, type RequestRecording } from '../../testing/fault-injector.ts'
import {
  checkAuthorization,
  checkProxyHealth,
  isVersionAtLeast,
  type MilvusSettings,
} from './handlers.ts'
import type { Collection } from './collections.ts'

/** What the API answers from. */
export interface RestOptions {
  readonly recording: RequestRecording
  readonly settings: MilvusSettings
  readonly collections: ReadonlyMap<string, Collection>
}

/** A server that listens on no port itself: connections are emitted to it. */
export function createRestServer(options: RestOptions): Server {
  return createServer((request, response) => {
    void handleRequest(options, request, response)
  })
}

async function handleRequest(
  { recording, settings, collections }: RestOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  request.resume()
  const operation = `${request.method ?? ''} ${request.url ?? ''}`
  const fault = await recordRequest(recording, {
    service: 'milvus',
    operation,
    isMutating: false,
    userAgent: request.headers['user-agent'] ?? '',
    query: '',
    body: '',
  })
  if (fault?.reset || settings.restApi === 'off') {
    request.socket.destroy()
    return
  }
  const { status, body } = answer(settings, collections, { operation, headers: request.headers })
  const contentType = typeof body === 'string' ? 'text/plain' : 'application/json; charset=utf-8'
  response.writeHead(status, { 'content-type': contentType })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

interface Answer {
  readonly status: number
  /** JSON, or text. */
  readonly body: object | string
}

/** Credentials are checked before the path, so that an unknown path does not answer 404. */
function answer(
  settings: MilvusSettings,
  collections: ReadonlyMap<string, Collection>,
  { operation, headers }: { operation: string; headers: IncomingMessage['headers'] },
): Answer {
  const token = /^Bearer (.*)$/.exec(headers.authorization ?? '')?.[1]
  const metadata = token === undefined ? undefined : Buffer.from(token).toString('base64')
  const authorization = settings.restApi === 'open' ? undefined : settings.authorization
  if (checkAuthorization(authorization, metadata, settings.version))
    return { status: 401, body: { code: 1800, message: "user hasn't authenticated" } }
  const successCode = findSuccessCode(settings, operation)
  if (successCode === undefined) return { status: 404, body: '404 page not found' }
  const failure = checkProxyHealth(settings)
  if (failure) return { status: 200, body: { code: failure['code'], message: failure['reason'] } }
  const data = [...collections.values()].map(({ name }) => name)
  return { status: 200, body: { code: successCode, data } }
}

/** Undefined for a path that this version does not have. */
function findSuccessCode({ version }: MilvusSettings, operation: string): number | undefined {
  if (operation === 'POST /v2/vectordb/collections/list' && isVersionAtLeast(version, 2, 4))
    return 0
  if (operation === 'GET /v1/vector/collections' && isVersionAtLeast(version, 2, 3)) return 200
  return undefined
}
