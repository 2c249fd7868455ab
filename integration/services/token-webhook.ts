/**
 * The webhook that kube-apiserver calls for bearer tokens that it does not know itself
 * (authentication.k8s.io/v1 TokenReview).
 */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { issueLoopbackCertificate, type CertificateAuthority } from '../../testing/certificates.ts'

/** Identifies the user of a bearer token. For undefined the API server responds with 401. */
export type AuthenticateToken = (
  token: string,
) => Promise<{ readonly username: string; readonly groups: readonly string[] } | undefined>

/** Starts the webhook. */
export async function startTokenWebhook(
  authority: CertificateAuthority,
  authenticate: AuthenticateToken,
): Promise<{ url: string; close: () => Promise<void> }> {
  const serverPair = await issueLoopbackCertificate(authority)
  const reviewToken = async (body: string): Promise<string> => {
    const { spec: { token = '' } = {} } = JSON.parse(body) as { spec?: { token?: string } }
    const user = await authenticate(token)
    return JSON.stringify({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      status: user ? { authenticated: true, user } : { authenticated: false },
    })
  }
  const server = createServer(
    { cert: serverPair.cert, key: serverPair.key },
    (request, response) => {
      const chunks: Buffer[] = []
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          reviewToken(Buffer.concat(chunks).toString()).then(
            (answer) => response.writeHead(200, { 'content-type': 'application/json' }).end(answer),
            (error: unknown) => response.writeHead(500).end(String(error)),
          )
        })
    },
  )
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
