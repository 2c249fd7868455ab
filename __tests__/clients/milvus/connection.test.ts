import { afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { X509Certificate } from 'node:crypto'
import {
  createCertificateAuthority,
  issueSelfSigned,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import {
  connect,
  type Endpoint,
  type TlsConnection,
} from '../../../src/clients/milvus/connection.ts'
import { ProbeFailure } from '../../../src/clients/milvus/failures.ts'
import { captureError, collectErrorText } from '../../capture-error.ts'
import {
  authority,
  host,
  issued,
  startHttp2,
  startProxy,
  startTcp,
  startTls,
  type RunningServer,
  type ProxyServer,
} from './servers.ts'

let rootCertificate: string, validCertificate: IssuedCertificate
const closeables: { close(): unknown }[] = []
const proxyVariables = [
  'HTTPS_PROXY',
  'https_proxy',
  'HTTP_PROXY',
  'http_proxy',
  'ALL_PROXY',
  'all_proxy',
  'NO_PROXY',
  'no_proxy',
]
let savedEnv: NodeJS.ProcessEnv

beforeAll(async () => {
  rootCertificate = (await authority).root
  validCertificate = await issued
})
beforeEach(() => {
  savedEnv = { ...process.env }
  for (const name of proxyVariables) Reflect.deleteProperty(process.env, name)
})
afterEach(async () => {
  for (const name of proxyVariables) Reflect.deleteProperty(process.env, name)
  Object.assign(process.env, savedEnv)
  for (const closeable of closeables.splice(0)) await closeable.close()
})

function closeAfterTest<T extends { close(): unknown }>(closeable: T): T {
  closeables.push(closeable)
  return closeable
}

const createEndpoint = (port: number, overrides: Partial<Endpoint> = {}): Endpoint => ({
  host,
  address: { host: '127.0.0.1', port },
  ca: rootCertificate,
  expectedCertificate: new X509Certificate(validCertificate.certificate),
  listener: {
    isInternal: false,
    restrictedBy: undefined,
    sslPolicy: 'ELBSecurityPolicy-TLS13-1-3-2021-06',
    group: undefined,
  },
  timeout: 2_000,
  callTimeout: 2_000,
  ...overrides,
})

async function connectEndpoint(
  port: number,
  overrides: Partial<Endpoint> = {},
): Promise<TlsConnection> {
  const connection = await connect(createEndpoint(port, overrides), new AbortController().signal)
  closeAfterTest({ close: () => connection.socket.destroy() })
  return connection
}

async function captureProbeFailure(
  port: number,
  overrides: Partial<Endpoint> = {},
  signal = new AbortController().signal,
): Promise<ProbeFailure> {
  const thrown = await captureError(() => connect(createEndpoint(port, overrides), signal))
  if (thrown instanceof ProbeFailure) return thrown
  throw new Error(
    `no ProbeFailure: ${thrown instanceof Error ? (thrown.stack ?? '') : String(thrown)}`,
  )
}

const startSilentServer = (): Promise<RunningServer> =>
  startHttp2(() => undefined).then(closeAfterTest)

describe('a good way', () => {
  test('says what it saw, a line a stage', async () => {
    const { port } = await startSilentServer()
    const { socket, certificate, trace } = await connectEndpoint(port)
    expect([socket.alpnProtocol, certificate.raw]).toEqual([
      'h2',
      new X509Certificate(validCertificate.certificate).raw,
    ])
    expect(trace).toEqual([
      'DNS 127.0.0.1 is 127.0.0.1',
      `TCP connected to 127.0.0.1:${port}`,
      expect.stringMatching(
        /^TLS TLSv1\.3, certificate [0-9A-F]+ of CN=milvus\.example\.com, valid until \d{4}-.*, ALPN h2$/,
      ),
    ])
  })

  test('a name in place of an address', async () => {
    const { trace } = await connectEndpoint((await startSilentServer()).port, {
      address: { host: 'localhost', port: (await startSilentServer()).port },
    })
    expect(trace[0]).toMatch(/^DNS localhost is .*127\.0\.0\.1/)
  })

  test('a certificate without a common name', async () => {
    const certificateWithoutName = await (
      await authority
    ).issue({ hosts: [host], commonName: null, keyAlgorithm: 'EC_prime256v1' })
    const { port } = closeAfterTest(await startHttp2(() => undefined, certificateWithoutName))
    expect(
      (
        await connectEndpoint(port, {
          expectedCertificate: new X509Certificate(certificateWithoutName.certificate),
        })
      ).trace,
    ).toHaveLength(3)
  })

  test('any certificate when it is not known which should be served', async () => {
    expect(
      (await connectEndpoint((await startSilentServer()).port, { expectedCertificate: undefined }))
        .certificate.subject,
    ).toBe(`CN=${host}`)
  })
})

describe('a stage that fails', () => {
  const issueCertificate = async (hosts: string[] = [host]): Promise<IssuedCertificate> =>
    (await authority).issue({ hosts, keyAlgorithm: 'EC_prime256v1' })

  test('DNS', async () => {
    const { code, message, retryFor } = await captureProbeFailure(443, {
      address: { host: 'nothing.invalid', port: 443 },
    })
    expect([code, message, retryFor]).toEqual([
      'probe-dns-failed',
      expect.stringContaining('nothing.invalid'),
      Infinity,
    ])
  })

  test('TCP: nobody listens', async () => {
    const server = await startTcp(() => undefined)
    await server.close()
    const { code, message, retryFor } = await captureProbeFailure(server.port)
    expect([code, message, retryFor]).toEqual([
      'probe-unreachable',
      expect.stringMatching(/127\.0\.0\.1:\d+ \(127\.0\.0\.1\): .*ECONNREFUSED/),
      60_000,
    ])
  })

  test.each<[string, (socket: import('node:net').Socket) => void, RegExp, number]>([
    [
      'a server that speaks plain HTTP',
      (socket) => {
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
      },
      /No TLS connection as milvus\.example\.com: what answers on port \d+ speaks plain text, not TLS \(ERR_SSL_WRONG_VERSION_NUMBER\)/,
      20_000,
    ],
    [
      'a server that hangs up',
      (socket) => {
        socket.destroy()
      },
      /No TLS connection as milvus\.example\.com: the connection was closed in the middle of the handshake/,
      Infinity,
    ],
    ['a server that says nothing', () => undefined, /no TLS handshake within 0\.3 s/, Infinity],
  ])('TLS: %s', async (_, onConnection, problem, expectedRetry) => {
    const { port } = closeAfterTest(await startTcp(onConnection))
    const { code, message, retryFor } = await captureProbeFailure(port, { timeout: 300 })
    expect([code, message, retryFor]).toEqual([
      'probe-tls-failed',
      expect.stringMatching(problem),
      expectedRetry,
    ])
  })

  test.each<[string, () => Promise<[IssuedCertificate, Partial<Endpoint>]>, string, number]>([
    [
      'another certificate than the one in ACM',
      async () => [await issueCertificate(), {}],
      'probe-certificate-differs',
      Infinity,
    ],
    [
      'another one of another host',
      async () => [await issueCertificate(['other.example.com']), {}],
      'probe-certificate-differs',
      Infinity,
    ],
    [
      'the one in ACM, for another host',
      async () => {
        const servedCertificate = await issueCertificate(['other.example.com'])
        return [
          servedCertificate,
          { expectedCertificate: new X509Certificate(servedCertificate.certificate) },
        ]
      },
      'probe-certificate-host-mismatch',
      0,
    ],
    [
      'the right one, of an authority that is not trusted',
      () => Promise.resolve([validCertificate, { ca: undefined }]),
      'probe-certificate-untrusted',
      0,
    ],
    [
      'the right one without its chain',
      () => Promise.resolve([{ ...validCertificate, fullchain: validCertificate.certificate }, {}]),
      'probe-certificate-untrusted',
      0,
    ],
    [
      'a self-signed one',
      async () => {
        const servedCertificate = await issueSelfSigned({
          hosts: [host],
          keyAlgorithm: 'EC_prime256v1',
        })
        return [
          servedCertificate,
          { expectedCertificate: new X509Certificate(servedCertificate.certificate) },
        ]
      },
      'probe-certificate-untrusted',
      0,
    ],
    [
      'an expired one',
      async () => {
        const servedCertificate = await (
          await authority
        ).issue({
          hosts: [host],
          keyAlgorithm: 'EC_prime256v1',
          notBefore: new Date(Date.now() - 7200_000),
          notAfter: new Date(Date.now() - 3600_000),
        })
        return [
          servedCertificate,
          { expectedCertificate: new X509Certificate(servedCertificate.certificate) },
        ]
      },
      'probe-certificate-untrusted',
      0,
    ],
  ])('certificate: %s', async (_, prepare, code, retryFor) => {
    const [certificate, overrides] = await prepare()
    const { port } = closeAfterTest(await startHttp2(() => undefined, certificate))
    const thrown = await captureProbeFailure(port, overrides)
    expect([thrown.code, thrown.retryFor]).toEqual([code, retryFor])
    expect(thrown.message).toContain(new X509Certificate(certificate.certificate).serialNumber)
  })

  test('a self-signed one that is given as probe-ca is trusted', async () => {
    const servedCertificate = await issueSelfSigned({
      hosts: [host],
      keyAlgorithm: 'EC_prime256v1',
    })
    const { port } = closeAfterTest(await startHttp2(() => undefined, servedCertificate))
    expect(
      (
        await connectEndpoint(port, {
          ca: servedCertificate.certificate,
          expectedCertificate: new X509Certificate(servedCertificate.certificate),
        })
      ).socket.alpnProtocol,
    ).toBe('h2')
  })

  test.each<[string, import('node:tls').TlsOptions, RegExp]>([
    [
      'only older versions',
      { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
      /no version of TLS in common with this runner, which offers TLSv1\.2 to TLSv1\.3 \(ssl-policy is ELBSecurityPolicy-TLS13-1-3-2021-06\)/,
    ],
    [
      'no cipher in common',
      { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
      /no cipher in common with this runner/,
    ],
  ])('TLS: %s', async (_, options, problem) => {
    const { port } = closeAfterTest(await startTls(options))
    const { code, message, remedy, retryFor } = await captureProbeFailure(port)
    expect([code, message, remedy, retryFor]).toEqual([
      'probe-tls-failed',
      expect.stringMatching(problem),
      expect.stringMatching(/^Choose another ssl-policy than ELB/),
      20_000,
    ])
  })

  test('ALPN: none in common', async () => {
    const { port } = closeAfterTest(await startTls({ ALPNProtocols: ['spdy/3'] }))
    expect((await captureProbeFailure(port)).code).toBe('probe-http2-missing')
  })

  test.each<[string, string[], string | undefined, RegExp]>([
    [
      'covers the host',
      [host],
      undefined,
      /another certificate of the listener covers milvus\.example\.com too.*a second ARN/,
    ],
    [
      'covers the host, in a group',
      [host],
      'shared',
      /look at the other Ingresses of group shared/,
    ],
    [
      'does not cover the host',
      ['other.example.com'],
      undefined,
      /shows this one when none of its certificates covers milvus\.example\.com/,
    ],
  ])('another certificate that %s', async (_, hosts, group, remedy) => {
    const { port } = closeAfterTest(
      await startHttp2(() => undefined, await issueCertificate(hosts)),
    )
    const thrown = await captureProbeFailure(port, {
      listener: { ...createEndpoint(0).listener, group },
    })
    expect([thrown.code, thrown.remedy]).toEqual([
      'probe-certificate-differs',
      expect.stringMatching(remedy),
    ])
  })

  test.each([
    ['only HTTP/1.1', ['http/1.1'], 'http/1.1'],
    ['no ALPN', undefined, 'none'],
  ])('ALPN: %s', async (_, ALPNProtocols, offeredProtocol) => {
    const { port } = closeAfterTest(await startTls(ALPNProtocols && { ALPNProtocols }))
    const { code, message, retryFor } = await captureProbeFailure(port)
    expect([code, message, retryFor]).toEqual([
      'probe-http2-missing',
      `The ALB offers no HTTP/2 (ALPN: ${offeredProtocol}), and gRPC needs it.`,
      0,
    ])
  })

  test('a cancelled job does not wait for its stage', async () => {
    const controller = new AbortController()
    const { port } = closeAfterTest(await startTcp(() => controller.abort()))
    const startedAt = performance.now()
    await captureError(() => connect(createEndpoint(port, { timeout: 30_000 }), controller.signal))
    expect(performance.now() - startedAt).toBeLessThan(5_000)
  })
})

describe('a proxy', () => {
  const startHttpsProxy = async (
    options: Parameters<typeof startProxy>[0],
    credentials = '',
  ): Promise<ProxyServer> => {
    const proxy = closeAfterTest(await startProxy(options))
    process.env['HTTPS_PROXY'] = `http://${credentials}127.0.0.1:${proxy.port}`
    return proxy
  }
  // Port 9 of the address is never reached: the proxy connects where it wants.
  const address = { host: 'alb.example.com', port: 9 }

  test.each([
    ['without credentials', '', undefined],
    ['with credentials', 'me:secret@', `Basic ${Buffer.from('me:secret').toString('base64')}`],
    [
      'with credentials that are escaped',
      'me%40corp:s%3Aecret%2F@',
      `Basic ${Buffer.from('me@corp:s:ecret/').toString('base64')}`,
    ],
  ])(
    '%s is asked for the ALB, whose name it looks up itself',
    async (_, credentials, authorization) => {
      const proxy = await startHttpsProxy(
        { targetPort: (await startSilentServer()).port },
        credentials,
      )
      const { trace } = await connectEndpoint(0, { address })
      expect(proxy.connectRequests).toEqual([{ target: 'alb.example.com:9', authorization }])
      expect(trace[0]).toBe(`proxy 127.0.0.1:${proxy.port} connected to alb.example.com:9`)
      expect(trace.join('\n')).not.toMatch(/secret|ecret\//)
    },
  )

  test('an IPv6 address is asked for in brackets', async () => {
    const proxy = await startHttpsProxy({ targetPort: (await startSilentServer()).port })
    await connectEndpoint(0, { address: { host: '2001:db8::1', port: 443 } })
    expect(proxy.connectRequests[0]?.target).toBe('[2001:db8::1]:443')
  })

  test.each<[string, Parameters<typeof startProxy>[0], RegExp]>([
    [
      'that wants credentials',
      { status: 407 },
      /it answered HTTP 407, which is that it wants credentials/,
    ],
    ['that forbids it', { status: 403 }, /it answered HTTP 403, which is that it forbids it/],
    ['that cannot reach it', { status: 502 }, /it answered HTTP 502/],
    ['that says nothing', 'silent', /no answer within 0\.3 s/],
  ])('%s', async (_, options, problem) => {
    await startHttpsProxy(options, 'me:canary-secret@')
    const thrown = await captureProbeFailure(0, { address, timeout: 300 })
    expect([thrown.code, thrown.message]).toEqual([
      'probe-unreachable',
      expect.stringMatching(problem),
    ])
    expect(collectErrorText(thrown)).not.toMatch(/canary-secret/)
  })

  test('that opens TLS, and shows a certificate of its own', async () => {
    const servedCertificate = await (
      await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1', name: 'Company CA' })
    ).issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' })
    const proxy = await startHttpsProxy({
      targetPort: closeAfterTest(await startHttp2(() => undefined, servedCertificate)).port,
    })
    const thrown = await captureProbeFailure(0, { address })
    expect([thrown.code, thrown.remedy]).toEqual([
      'probe-certificate-differs',
      expect.stringContaining(`The proxy 127.0.0.1:${proxy.port} seems to open TLS`),
    ])
  })

  test('that is away', async () => {
    const proxy = await startHttpsProxy('silent')
    await proxy.close()
    closeables.splice(closeables.indexOf(proxy), 1)
    expect((await captureProbeFailure(0, { address })).message).toMatch(
      /^The proxy 127\.0\.0\.1:\d+ makes no connection to alb\.example\.com:9: .*ECONNREFUSED/,
    )
  })

  test.each<[string, Record<string, string>]>([
    ['NO_PROXY of the address', { NO_PROXY: '127.0.0.1' }],
    ['NO_PROXY of everything', { NO_PROXY: '*' }],
    ['no_proxy in lower case', { no_proxy: 'example.com,127.0.0.1' }],
  ])('%s goes past it', async (_, env) => {
    const proxy = await startHttpsProxy({ status: 403 })
    Object.assign(process.env, env)
    expect((await connectEndpoint((await startSilentServer()).port)).trace[0]).toBe(
      'DNS 127.0.0.1 is 127.0.0.1',
    )
    expect(proxy.connectRequests).toEqual([])
  })

  test('NO_PROXY by a suffix', async () => {
    const proxy = await startHttpsProxy({ status: 403 })
    process.env['NO_PROXY'] = '.invalid'
    expect(
      (await captureProbeFailure(0, { address: { host: 'alb.invalid', port: 443 } })).code,
    ).toBe('probe-dns-failed')
    expect(proxy.connectRequests).toEqual([])
  })
})
