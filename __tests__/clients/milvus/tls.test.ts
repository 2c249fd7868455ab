import { describe, expect, test } from '@jest/globals'
import { X509Certificate } from 'node:crypto'
import type net from 'node:net'
import type tls from 'node:tls'
import {
  issueSelfSigned,
  type CertificateOptions,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import type { Endpoint } from '../../../src/clients/milvus/endpoint.ts'
import {
  captureProbeFailure,
  closeAfterTest,
  connectEndpoint,
  createEndpoint,
  isolateConnections,
  validCertificate,
} from './connect-fixture.ts'
import { authority, host, startHttp2, startTcp, startTls } from './servers.ts'

isolateConnections()

const keyAlgorithm = 'EC_prime256v1'
const issuer = await authority
const issueCertificate = (options: Partial<CertificateOptions> = {}): Promise<IssuedCertificate> =>
  issuer.issue({ hosts: [host], keyAlgorithm, ...options })

describe('a handshake', () => {
  test.each<{
    name: string
    onConnection: (socket: net.Socket) => void
    problem: RegExp
    retryFor: number
  }>([
    {
      name: 'with a server that speaks plain HTTP',
      onConnection: (socket) => {
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      },
      problem:
        /^Cannot establish TLS as milvus\.example\.com: the server on port \d+ speaks plaintext, not TLS \(ERR_SSL_WRONG_VERSION_NUMBER\)\.$/,
      retryFor: 20_000,
    },
    {
      name: 'with a server that closes the connection',
      onConnection: (socket) => {
        socket.destroy()
      },
      problem:
        /^Cannot establish TLS as milvus\.example\.com: the connection was closed during the handshake \(ECONNRESET\)\.$/,
      retryFor: Infinity,
    },
    {
      name: 'with a silent server',
      onConnection: () => undefined,
      problem: /: no TLS handshake within 0\.3 s\.$/,
      retryFor: Infinity,
    },
  ])('$name', async ({ onConnection, problem, retryFor }) => {
    const { port } = closeAfterTest(await startTcp(onConnection))
    const failure = await captureProbeFailure(port, { timeout: 300 })
    expect([failure.code, failure.message, failure.retryFor]).toEqual([
      'probe-tls-failed',
      expect.stringMatching(problem),
      retryFor,
    ])
  })

  test.each<{ name: string; options: tls.TlsOptions; problem: RegExp }>([
    {
      name: 'without a TLS version in common',
      options: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      problem:
        /no TLS version in common; this runner offers TLSv1\.2 to TLSv1\.3, and ssl-policy is ELBSecurityPolicy-TLS13-1-3-2021-06 \(ERR_SSL_/,
    },
    {
      name: 'without a cipher in common',
      options: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      problem: /the listener and this runner have no cipher in common/,
    },
  ])('$name', async ({ options, problem }) => {
    const { port } = closeAfterTest(await startTls(options))
    const failure = await captureProbeFailure(port)
    expect([failure.code, failure.message, failure.remedy, failure.retryFor]).toEqual([
      'probe-tls-failed',
      expect.stringMatching(problem),
      expect.stringMatching(/^Choose another ssl-policy than ELB/),
      20_000,
    ])
  })

  test('without an ALPN protocol in common', async () => {
    const { port } = closeAfterTest(await startTls({ ALPNProtocols: ['spdy/3'] }))
    const failure = await captureProbeFailure(port)
    expect([failure.code, failure.message]).toEqual([
      'probe-http2-missing',
      'The ALB does not offer HTTP/2, which gRPC requires (ALPN: no protocol in common).',
    ])
  })

  test.each([
    { name: 'with HTTP/1.1 only', protocols: ['http/1.1'], alpn: 'http/1.1' },
    { name: 'without ALPN', protocols: undefined, alpn: 'none' },
  ])('$name', async ({ protocols, alpn }) => {
    const { port } = closeAfterTest(await startTls(protocols && { ALPNProtocols: protocols }))
    const failure = await captureProbeFailure(port)
    expect([failure.code, failure.message, failure.retryFor]).toEqual([
      'probe-http2-missing',
      `The ALB does not offer HTTP/2, which gRPC requires (ALPN: ${alpn}).`,
      0,
    ])
  })
})

describe('a served certificate', () => {
  interface Case {
    readonly name: string
    readonly issue: () => Promise<IssuedCertificate>
    /** Whether it is the one that the ALB should serve. */
    readonly isExpected: boolean
    readonly overrides?: Partial<Endpoint>
    readonly code: string
    readonly problem: RegExp
    readonly retryFor: number
  }
  test.each<Case>([
    {
      name: 'a certificate other than the one in ACM',
      issue: issueCertificate,
      isExpected: false,
      code: 'probe-certificate-differs',
      problem: /for milvus\.example\.com instead of the certificate in ACM \([0-9A-F]+\)\.$/,
      retryFor: Infinity,
    },
    {
      name: 'a certificate other than the one in ACM, for another host',
      issue: () => issueCertificate({ hosts: ['other.example.com'] }),
      isExpected: false,
      code: 'probe-certificate-differs',
      problem: /\(DNS:other\.example\.com\)/,
      retryFor: Infinity,
    },
    {
      name: 'the certificate in ACM, for another host',
      issue: () => issueCertificate({ hosts: ['other.example.com'] }),
      isExpected: true,
      code: 'probe-certificate-host-mismatch',
      problem: /, which does not cover milvus\.example\.com\.$/,
      retryFor: 0,
    },
    {
      name: 'the expected certificate, from an untrusted CA',
      issue: () => Promise.resolve(validCertificate),
      isExpected: true,
      overrides: { ca: undefined },
      code: 'probe-certificate-untrusted',
      problem:
        /its issuer is not a trusted CA, or an intermediate is missing \(UNABLE_TO_GET_ISSUER/,
      retryFor: 0,
    },
    {
      name: 'the expected certificate without its chain',
      issue: () =>
        Promise.resolve({ ...validCertificate, fullchain: validCertificate.certificate }),
      isExpected: true,
      code: 'probe-certificate-untrusted',
      problem:
        /the server sent no intermediate certificates \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)\.$/,
      retryFor: 0,
    },
    {
      name: 'a self-signed certificate',
      issue: () => issueSelfSigned({ hosts: [host], keyAlgorithm }),
      isExpected: true,
      code: 'probe-certificate-untrusted',
      problem: /does not trust: it is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)\.$/,
      retryFor: 0,
    },
    {
      name: 'an expired certificate',
      issue: () =>
        issueCertificate({
          notBefore: new Date(Date.now() - 7200_000),
          notAfter: new Date(Date.now() - 3600_000),
        }),
      isExpected: true,
      code: 'probe-certificate-untrusted',
      problem: /it, or a certificate of its chain, has expired \(CERT_HAS_EXPIRED\)\.$/,
      retryFor: 0,
    },
  ])('$name', async ({ issue, isExpected, overrides, code, problem, retryFor }) => {
    const served = await issue()
    const certificate = new X509Certificate(served.certificate)
    const { port } = closeAfterTest(await startHttp2(() => undefined, served))
    const failure = await captureProbeFailure(port, {
      ...(isExpected && { expectedCertificate: certificate }),
      ...overrides,
    })
    expect([failure.code, failure.message, failure.retryFor]).toEqual([
      code,
      expect.stringMatching(problem),
      retryFor,
    ])
    expect(failure.message).toContain(certificate.serialNumber)
  })

  const [hour, now] = [3_600_000, Date.now()]
  test.each<{ name: string; options: Partial<CertificateOptions>; remedy: RegExp }>([
    {
      name: 'an expired certificate must be renewed',
      options: { notBefore: new Date(now - 2 * hour), notAfter: new Date(now - hour) },
      remedy: /^Renew the certificate, .* check the clock of this runner\.$/,
    },
    {
      name: 'a certificate that is not valid yet must be awaited',
      options: { notBefore: new Date(now + hour), notAfter: new Date(now + 2 * hour) },
      remedy: /^Wait until the certificate is valid, /,
    },
    {
      name: 'a certificate of a client must be replaced',
      options: { extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] },
      remedy: /^Set certificate to one whose extended key usage contains server authentication/,
    },
  ])('$name', async ({ options, remedy }) => {
    const served = await issueCertificate(options)
    const { port } = closeAfterTest(await startHttp2(() => undefined, served))
    const expectedCertificate = new X509Certificate(served.certificate)
    const failure = await captureProbeFailure(port, { expectedCertificate })
    expect(failure.remedy).toMatch(remedy)
    expect(failure.remedy).not.toContain('CA')
  })

  test('is trusted when it is self-signed and given as probe-ca', async () => {
    const served = await issueSelfSigned({ hosts: [host], keyAlgorithm })
    const { port } = closeAfterTest(await startHttp2(() => undefined, served))
    const { socket } = await connectEndpoint(port, {
      ca: served.certificate,
      expectedCertificate: new X509Certificate(served.certificate),
    })
    expect(socket.alpnProtocol).toBe('h2')
  })

  test.each([
    {
      name: 'another certificate for the host',
      hosts: [host],
      group: undefined,
      remedy: /another certificate of the listener also covers milvus\.example\.com.*a second ARN/,
    },
    {
      name: 'another certificate for the host, in a group',
      hosts: [host],
      group: 'shared',
      remedy: /check the other Ingresses of group shared/,
    },
    {
      name: 'the default certificate of the listener',
      hosts: ['other.example.com'],
      group: undefined,
      remedy: /serves this certificate when none of its certificates covers milvus\.example\.com/,
    },
  ])('has a remedy for $name', async ({ hosts, group, remedy }) => {
    const served = await issueCertificate({ hosts })
    const { port } = closeAfterTest(await startHttp2(() => undefined, served))
    const { listener } = createEndpoint(port)
    const failure = await captureProbeFailure(port, { listener: { ...listener, group } })
    expect([failure.code, failure.remedy]).toEqual([
      'probe-certificate-differs',
      expect.stringMatching(remedy),
    ])
  })
})
