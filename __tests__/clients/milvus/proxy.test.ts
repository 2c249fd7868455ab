import { expect, test } from '@jest/globals'
import { createCertificateAuthority } from '../../../testing/certificates.ts'
import { collectErrorText } from '../../capture-error.ts'
import {
  captureProbeFailure,
  closeAfterTest,
  closeNow,
  connectEndpoint,
  isolateConnections,
  startSilentServer,
} from './connect-fixture.ts'
import { host, startHttp2, startProxy, type ProxyServer } from './servers.ts'

isolateConnections()

type ProxyBehavior = Parameters<typeof startProxy>[0]

/** The port is never reached: the proxy connects to its own target. */
const address = { host: 'alb.example.com', port: 9 }

async function startHttpsProxy(behavior: ProxyBehavior, credentials = ''): Promise<ProxyServer> {
  const proxy = closeAfterTest(await startProxy(behavior))
  process.env['HTTPS_PROXY'] = `http://${credentials}127.0.0.1:${proxy.port}`
  return proxy
}

const encodeCredentials = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`

test.each([
  {
    name: 'no credentials',
    credentials: '',
    authorization: undefined,
  },
  {
    name: 'credentials',
    credentials: 'me:secret@',
    authorization: encodeCredentials('me:secret'),
  },
  {
    name: 'percent-encoded credentials',
    credentials: 'me%40corp:s%3Aecret%2F@',
    authorization: encodeCredentials('me@corp:s:ecret/'),
  },
])('lets the proxy resolve the ALB and sends it $name', async ({ credentials, authorization }) => {
  const { port } = await startSilentServer()
  const proxy = await startHttpsProxy({ targetPort: port }, credentials)
  const { trace } = await connectEndpoint(0, { address })
  expect(proxy.connectRequests).toEqual([{ target: 'alb.example.com:9', authorization }])
  expect(trace[0]).toBe(`TCP: proxy 127.0.0.1:${proxy.port} connected to alb.example.com:9`)
  expect(trace.join('\n')).not.toMatch(/secret|ecret\//)
})

test('requests an IPv6 address in brackets', async () => {
  const { port } = await startSilentServer()
  const proxy = await startHttpsProxy({ targetPort: port })
  await connectEndpoint(0, { address: { host: '2001:db8::1', port: 443 } })
  expect(proxy.connectRequests[0]?.target).toBe('[2001:db8::1]:443')
})

test.each([
  {
    name: 'without a scheme',
    variable: 'HTTPS_PROXY',
    formatUrl: (port: number) => `127.0.0.1:${port}`,
    listenAddress: '127.0.0.1',
  },
  {
    name: 'without a scheme, for every protocol',
    variable: 'all_proxy',
    formatUrl: (port: number) => `me:secret@127.0.0.1:${port}`,
    listenAddress: '127.0.0.1',
  },
  {
    name: 'with an IPv6 address',
    variable: 'https_proxy',
    formatUrl: (port: number) => `http://[::1]:${port}`,
    listenAddress: '::1',
  },
])('connects through a proxy $name', async ({ variable, formatUrl, listenAddress }) => {
  const { port } = await startSilentServer()
  const proxy = closeAfterTest(await startProxy({ targetPort: port }, listenAddress))
  process.env[variable] = formatUrl(proxy.port)
  await connectEndpoint(0, { address })
  expect(proxy.connectRequests).toHaveLength(1)
})

test('accepts any 2xx status of a proxy', async () => {
  const { port } = await startSilentServer()
  const proxy = await startHttpsProxy({ targetPort: port, status: 201 })
  await connectEndpoint(0, { address })
  expect(proxy.connectRequests).toHaveLength(1)
})

test('reports a SOCKS proxy, which is not asked', async () => {
  process.env['HTTPS_PROXY'] = 'socks5://me:canary-secret@127.0.0.1:1080'
  const failure = await captureProbeFailure(0, { address })
  expect([failure.code, failure.message, failure.retryFor]).toEqual([
    'probe-unreachable',
    'Proxy 127.0.0.1:1080 has protocol socks5, and the probe supports http and https only.',
    0,
  ])
  expect(collectErrorText(failure)).not.toMatch(/canary-secret/)
})

test.each<{ name: string; behavior: ProxyBehavior; problem: RegExp }>([
  {
    name: 'requires credentials',
    behavior: { status: 407 },
    problem: /: it answered HTTP 407, so it requires credentials\.$/,
  },
  {
    name: 'forbids the connection',
    behavior: { status: 403 },
    problem: /: it answered HTTP 403, so it forbids the connection\.$/,
  },
  {
    name: 'cannot reach the ALB',
    behavior: { status: 502 },
    problem: /: it answered HTTP 502\.$/,
  },
  {
    name: 'does not answer',
    behavior: 'silent',
    problem: /: no answer within 0\.3 s\.$/,
  },
])('reports a proxy that $name', async ({ behavior, problem }) => {
  await startHttpsProxy(behavior, 'me:canary-secret@')
  const failure = await captureProbeFailure(0, { address, timeout: 300 })
  expect([failure.code, failure.message]).toEqual([
    'probe-unreachable',
    expect.stringMatching(problem),
  ])
  expect(collectErrorText(failure)).not.toMatch(/canary-secret/)
})

test('reports a proxy that is down', async () => {
  const proxy = await startHttpsProxy('silent')
  await closeNow(proxy)
  const { message } = await captureProbeFailure(0, { address })
  expect(message).toMatch(
    /^Proxy 127\.0\.0\.1:\d+ does not connect to alb\.example\.com:9: connection refused \(ECONNREFUSED\)\.$/,
  )
})

test('reports a proxy that terminates TLS with its own certificate', async () => {
  const keyAlgorithm = 'EC_prime256v1'
  const companyAuthority = await createCertificateAuthority({ keyAlgorithm, name: 'Company CA' })
  const served = await companyAuthority.issue({ hosts: [host], keyAlgorithm })
  const { port } = closeAfterTest(await startHttp2(() => undefined, served))
  const proxy = await startHttpsProxy({ targetPort: port })
  const failure = await captureProbeFailure(0, { address })
  expect([failure.code, failure.remedy]).toEqual([
    'probe-certificate-differs',
    expect.stringContaining(`Proxy 127.0.0.1:${proxy.port} appears to terminate TLS`),
  ])
})

test.each([
  { name: 'NO_PROXY with the address', env: { NO_PROXY: '127.0.0.1' } },
  { name: 'NO_PROXY for everything', env: { NO_PROXY: '*' } },
  { name: 'no_proxy in lower case', env: { no_proxy: 'example.com,127.0.0.1' } },
])('$name bypasses the proxy', async ({ env }) => {
  const proxy = await startHttpsProxy({ status: 403 })
  Object.assign(process.env, env)
  const { port } = await startSilentServer()
  const { trace } = await connectEndpoint(port)
  expect(trace[0]).toBe('DNS: 127.0.0.1 resolves to 127.0.0.1')
  expect(proxy.connectRequests).toEqual([])
})

test('NO_PROXY with a suffix bypasses the proxy', async () => {
  const proxy = await startHttpsProxy({ status: 403 })
  process.env['NO_PROXY'] = '.invalid'
  const { code } = await captureProbeFailure(0, { address: { host: 'alb.invalid', port: 443 } })
  expect(code).toBe('probe-dns-failed')
  expect(proxy.connectRequests).toEqual([])
})
