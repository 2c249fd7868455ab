/**
 * A minimal HTTPS server that replaces a Kubernetes API, for responses that a real one sends only
 * when it has problems.
 */
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  createCertificateAuthority,
  issueLoopbackCertificate,
} from '../../../testing/certificates.ts'
import { closeServer } from '../../../testing/close-server.ts'

const authority = createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
const serverKeyPair = authority.then((issuer) => issueLoopbackCertificate(issuer))

export interface StubServer {
  readonly url: string
  readonly ca: string
  readonly requests: {
    method: string
    url: string
    headers: IncomingMessage['headers']
    body: string
  }[]
  close(): Promise<void>
}

/** Responds to the nth request, counted from 0. */
export type RequestHandler = (
  response: ServerResponse,
  index: number,
  request: IncomingMessage,
) => void

/** A Status, the error response of the API. */
export function sendStatus(
  response: ServerResponse,
  code: number,
  message: string,
  extraFields: object = {},
): void {
  response
    .writeHead(code, { 'content-type': 'application/json' })
    .end(JSON.stringify({ kind: 'Status', code, message, ...extraFields }))
}

export function sendJson(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** @param clientAuthority PEM; the server then requests a client certificate issued by it */
export async function startStubServer(
  handler: RequestHandler,
  clientAuthority?: string,
): Promise<StubServer> {
  const { cert, key, ca } = await serverKeyPair
  const requests: StubServer['requests'] = []
  const clientAuthOptions =
    clientAuthority === undefined
      ? {}
      : { requestCert: true, rejectUnauthorized: true, ca: clientAuthority }
  const server = createServer({ cert, key, ...clientAuthOptions }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() })
      handler(response, requests.length - 1, request)
    })
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ca,
    requests,
    close: async () => {
      server.closeAllConnections()
      await closeServer(server)
    },
  }
}
