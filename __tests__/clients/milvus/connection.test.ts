import { describe, expect, test } from '@jest/globals'
import { X509Certificate } from 'node:crypto'
import { connect } from '../../../src/clients/milvus/connection.ts'
import { captureError } from '../../capture-error.ts'
import {
  captureProbeFailure,
  closeAfterTest,
  connectEndpoint,
  createEndpoint,
  isolateConnections,
  startSilentServer,
  validCertificate,
} from './connect-fixture.ts'
import { authority, host, startHttp2, startTcp } from './servers.ts'

isolateConnections()

describe('a successful connection', () => {
  test('traces each of its stages', async () => {
    const { port } = await startSilentServer()
    const { socket, certificate, trace } = await connectEndpoint(port)
    expect([socket.alpnProtocol, certificate.raw]).toEqual([
      'h2',
      new X509Certificate(validCertificate.certificate).raw,
    ])
    expect(trace).toEqual([
      'DNS: 127.0.0.1 resolves to 127.0.0.1',
      `TCP: connected to 127.0.0.1:${port}`,
      expect.stringMatching(
        /^TLS: TLSv1\.3, certificate [0-9A-F]+ of CN=milvus\.example\.com, valid until \d{4}-.*, ALPN h2$/,
      ),
    ])
  })

  test('resolves a host name', async () => {
    const { port } = await startSilentServer()
    const { trace } = await connectEndpoint(port, { address: { host: 'localhost', port } })
    expect(trace[0]).toMatch(/^DNS: localhost resolves to .*127\.0\.0\.1/)
  })

  test('accepts a certificate without a common name', async () => {
    const issuer = await authority
    const unnamed = await issuer.issue({
      hosts: [host],
      commonName: null,
      keyAlgorithm: 'EC_prime256v1',
    })
    const { port } = closeAfterTest(await startHttp2(() => undefined, unnamed))
    const expectedCertificate = new X509Certificate(unnamed.certificate)
    const { trace } = await connectEndpoint(port, { expectedCertificate })
    expect(trace).toHaveLength(3)
  })

  test('accepts any certificate when the expected one is unknown', async () => {
    const { port } = await startSilentServer()
    const { certificate } = await connectEndpoint(port, { expectedCertificate: undefined })
    expect(certificate.subject).toBe(`CN=${host}`)
  })
})

describe('a failed stage', () => {
  test('DNS', async () => {
    const { code, message, retryFor } = await captureProbeFailure(443, {
      address: { host: 'nothing.invalid', port: 443 },
    })
    expect([code, message, retryFor]).toEqual([
      'probe-dns-failed',
      expect.stringContaining('Cannot resolve nothing.invalid on this runner: '),
      Infinity,
    ])
  })

  test('TCP', async () => {
    const server = await startTcp(() => undefined)
    await server.close()
    const { code, message, retryFor } = await captureProbeFailure(server.port)
    expect([code, message, retryFor]).toEqual([
      'probe-unreachable',
      `Cannot connect to 127.0.0.1:${server.port} (127.0.0.1): connection refused (ECONNREFUSED).`,
      60_000,
    ])
  })

  test('ends at once when the job is cancelled', async () => {
    const controller = new AbortController()
    const { port } = closeAfterTest(await startTcp(() => controller.abort()))
    const startedAt = performance.now()
    await captureError(() => connect(createEndpoint(port, { timeout: 30_000 }), controller.signal))
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})
