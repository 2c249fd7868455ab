/** Reads HTTP messages. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { HttpRequest } from '../../simulator/aws/signature.ts'

/** Removes the headers of the connection to moto. */
export function withoutHopByHopHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => name !== 'connection' && name !== 'transfer-encoding',
    ),
  )
}

/** Reads a request with its body. */
export async function readMessage(message: IncomingMessage): Promise<HttpRequest> {
  const body = await readBody(message)
  const [path = '/', query = ''] = (message.url ?? '/').split(/\?(.*)/s)
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  )
  return { method: message.method ?? 'GET', path, query: new URLSearchParams(query), headers, body }
}

/** Reads a body. */
export async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
