/**
 * A listener that verifies client certificates: with TLS 1.3 it answers after the handshake. Node's
 * server checks the certificate only then, too, and sends no alert, as an ALB does.
 */
import http2 from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { expect, test } from '@jest/globals'
import type { ClientCertificate } from '../../../src/clients/milvus/endpoint.ts'
import { probe } from '../../../src/clients/milvus/grpc-calls.ts'
import { alertFailure } from '../../../src/clients/milvus/tls.ts'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { captureError } from '../../capture-error.ts'
import { closeAfterTest, createEndpoint, isolateConnections } from './connect-fixture.ts'
import { authority, issued, listen } from './servers.ts'

isolateConnections()

const versions = ['TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof versions)[number]

async function startVerifyingServer(version: Version): Promise<http2.Http2SecureServer> {
  const { fullchain, privateKey } = await issued
  return http2.createSecureServer({
    cert: fullchain,
    key: privateKey,
    ca: (await authority).root,
    requestCert: true,
    minVersion: version,
    maxVersion: version,
  })
}

async function probeWith(
  server: http2.Http2SecureServer,
  clientCertificate?: ClientCertificate,
): Promise<unknown> {
  const { port } = closeAfterTest(await listen(server))
  const { signal } = new AbortController()
  const endpoint = createEndpoint(port, { clientCertificate })
  const listener = { ...endpoint.listener, verifiesClients: true }
  return captureError(() => probe({ ...endpoint, listener }, { token: undefined }, signal))
}

async function issueClientCertificate(issuer = authority): Promise<ClientCertificate> {
  const { fullchain, privateKey } = await (
    await issuer
  ).issue({ hosts: [], commonName: 'probe', extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] })
  return { chain: fullchain, privateKey, subject: 'CN=probe', issuer: 'CN=Other CA' }
}

test.each(versions)(
  'a missing client certificate with %s is reported as such, and not retried',
  async (version) => {
    const thrown = await probeWith(await startVerifyingServer(version))
    expect(thrown).toMatchObject({
      code: 'probe-tls-failed',
      message: expect.stringMatching(
        version === 'TLSv1.3'
          ? /^Cannot establish TLS as milvus\.example\.com: the listener requires a client certificate \(ERR_SSL_[A-Z0-9_\/]+\)\.$/
          : /^Cannot establish TLS as milvus\.example\.com: .*client certificate \(ERR_SSL_[A-Z0-9_\/]+\)\.$/,
      ) as unknown,
      remedy: expect.stringContaining('set probe-certificate and probe-key to') as unknown,
    })
    if (version === 'TLSv1.3') expect(thrown).toHaveProperty('retryFor', 0)
  },
)

test.each(versions)('a trusted client certificate is accepted with %s', async (version) => {
  const server = await startVerifyingServer(version)
  const authorized: boolean[] = []
  server.on('secureConnection', (socket: TLSSocket) => authorized.push(socket.authorized))
  server.on('stream', (stream) => {
    stream.respond({ ':status': 403 })
    stream.end()
  })
  expect(await probeWith(server, await issueClientCertificate())).toMatchObject({
    message: expect.stringContaining('403') as unknown,
  })
  expect(authorized).toEqual([true])
})

const waysToClose = {
  'a reset': (socket: TLSSocket) => socket.resetAndDestroy(),
  'the end of the connection': (socket: TLSSocket) => socket.destroy(),
}

test.each(
  versions.flatMap((version) =>
    Object.entries(waysToClose).map((way) => [version, ...way] as const),
  ),
)(
  'a client certificate of another CA with %s and %s is reported as rejected, and retried briefly',
  async (version, _name, close) => {
    const server = await startVerifyingServer(version)
    server.on('secureConnection', (socket: TLSSocket) => {
      if (!socket.authorized) close(socket)
    })
    const otherAuthority = createCertificateAuthority({ name: 'Other CA' })
    const thrown = await probeWith(server, await issueClientCertificate(otherAuthority))
    expect(thrown).toMatchObject({
      code: 'probe-tls-failed',
      message: expect.stringContaining(
        'the listener rejects the client certificate of input probe-certificate (CN=probe, issued by CN=Other CA)',
      ) as unknown,
      remedy: expect.stringContaining('Add its CA to the trust store') as unknown,
      retryFor: 20_000,
    })
  },
)

test.each([
  'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
  'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_REVOKED',
  'ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_UNKNOWN',
  'ERR_SSL_SSL/TLS_ALERT_UNSUPPORTED_CERTIFICATE',
  'ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR',
  'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
])('alert %s rejects the client certificate, or requires one', async (code) => {
  const alert = Object.assign(new Error('alert'), { code })
  const clientCertificate = await issueClientCertificate()
  expect(alertFailure(createEndpoint(443, { clientCertificate }), alert)?.message).toBe(
    `Cannot establish TLS as milvus.example.com: the listener rejects the client certificate of input probe-certificate (CN=probe, issued by CN=Other CA) (${code}).`,
  )
  expect(alertFailure(createEndpoint(443), alert)?.message).toBe(
    `Cannot establish TLS as milvus.example.com: the listener requires a client certificate (${code}).`,
  )
})
