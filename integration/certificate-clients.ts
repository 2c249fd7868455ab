/** Serves certificates, for clients that accept or reject them. */
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { ServedTarget } from './grpc-clients.ts'

/** PEM texts: what a server presents, and what its client trusts. */
export interface PresentedCertificate {
  readonly name: string
  /** The certificate, then its chain. */
  readonly certificates: string
  readonly privateKey: string
  readonly root: string
}

/** Serves each certificate on loopback until the calls are made. */
export async function withServers<T>(
  presented: readonly PresentedCertificate[],
  makeCalls: (targets: readonly ServedTarget[]) => Promise<T>,
): Promise<T> {
  const servers = await Promise.all(presented.map(startServer))
  try {
    const targets = presented.map(({ name, root }, index) => ({
      name,
      root,
      port: (servers[index]?.address() as AddressInfo).port,
    }))
    return await makeCalls(targets)
  } finally {
    for (const server of servers) server.close()
  }
}

/** A gRPC server that answers each call with UNIMPLEMENTED. */
export async function startServer({
  certificates,
  privateKey,
}: Omit<PresentedCertificate, 'name' | 'root'>): Promise<Http2SecureServer> {
  // An ALB serves weak keys and signatures too, and leaves the verdict to its clients.
  const server = createSecureServer({
    key: privateKey,
    cert: certificates,
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  server.on('stream', (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
      { endStream: true },
    )
  })
  // Of clients that reject the certificate.
  server.on('sessionError', () => undefined).on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  return server
}
