import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createServer, get as getPlain } from 'node:http'
import { get } from 'node:https'
import { connect as connectTcp, createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { startAlb } from '../../simulator/alb/server.ts'
import type { AlbDataPlane } from '../../simulator/alb/server.ts'
import { createAwsState } from '../../simulator/aws/state.ts'
import type { AwsState, LoadBalancer, TargetGroup } from '../../simulator/aws/state.ts'
import { createCertificateAuthority } from '../../testing/certificates.ts'
import type { CertificateAuthority, IssuedCertificate } from '../../testing/certificates.ts'
import { startMilvus } from '../../simulator/milvus/server.ts'
import type { MilvusServer } from '../../simulator/milvus/server.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { getMilvusPath, openSession, sendRequest } from './raw-grpc.ts'
import type { RawResponse } from './raw-grpc.ts'

const HOST = 'milvus-demo.milvus.io'
const DNS = 'k8s-milvus-milvusde-17e2427710-1.us-east-2.elb.amazonaws.com'
const requestLog = new RequestLog()
let authority: CertificateAuthority
let issued: IssuedCertificate
let milvus: MilvusServer
let state: AwsState
let group: TargetGroup
let loadBalancer: LoadBalancer
let alb: AlbDataPlane
let port: number
let hasNoTarget = false

function certificate(arn: string, from: IssuedCertificate, importedAt = new Date()): void {
  state.certificates.set(arn, {
    arn,
    certificate: from.certificate,
    chain: from.chain,
    privateKey: from.privateKey,
    keyAlgorithm: 'EC_prime256v1',
    importedAt,
    tags: new Map(),
  })
}

beforeAll(async () => {
  authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  issued = await authority.issue({ hosts: [HOST], keyAlgorithm: 'EC_prime256v1' })
  milvus = await startMilvus({ requestLog })
})
afterAll(() => milvus.close())

beforeEach(async () => {
  hasNoTarget = false
  state = createAwsState()
  certificate('arn:one', issued)
  group = {
    arn: 'arn:group',
    name: 'k8s-milvus-milvusde-0000000000',
    port: 1,
    protocol: 'HTTP',
    protocolVersion: 'GRPC',
    healthCheckPath: '/AWS.ALB/healthcheck',
    matcher: '12',
    attributes: new Map(),
    tags: new Map(),
    targets: [{ id: '10.244.0.2', port: 19530, healthyAt: 0 }],
  }
  state.targetGroups.set(group.arn, group)
  loadBalancer = {
    arn: 'arn:lb',
    name: 'k8s-milvus-milvusde-17e2427710',
    dnsName: DNS,
    scheme: 'internet-facing',
    activeAt: 0,
    failed: false,
    attributes: new Map(),
    tags: new Map(),
    subnets: [],
    securityGroups: [],
    listeners: [
      {
        arn: 'arn:listener',
        port: 443,
        protocol: 'HTTPS',
        sslPolicy: 'ELBSecurityPolicy-2016-08',
        certificateArns: ['arn:one'],
        tags: new Map(),
        rules: [
          {
            arn: 'arn:rule',
            priority: 1,
            hosts: [HOST],
            paths: ['/*'],
            action: { targetGroupArn: group.arn },
            tags: new Map(),
          },
          {
            arn: 'arn:default',
            priority: 'default',
            hosts: [],
            paths: [],
            action: { status: 404, contentType: 'text/plain', body: '' },
            tags: new Map(),
          },
        ],
      },
    ],
  }
  state.loadBalancers.set(loadBalancer.arn, loadBalancer)
  alb = await startAlb({
    requestLog,
    state,
    mapPort: () => 0,
    resolveTarget: (ip) =>
      hasNoTarget || ip !== '10.244.0.2' ? undefined : { host: '127.0.0.1', port: milvus.port },
  })
  port = alb.resolveAddress(DNS, 443)?.port ?? 0
})
afterEach(async () => {
  milvus.authorization = undefined
  milvus.delay = 0
  await alb.close()
  expect(alb.backgroundErrors).toEqual([])
})

async function callMilvus(headers: Record<string, string> = {}): Promise<RawResponse> {
  const session = openSession(`https://127.0.0.1:${port}`, { ca: authority.root, servername: HOST })
  const result = await sendRequest(session, {
    ':path': getMilvusPath('GetVersion'),
    ':authority': HOST,
    ...headers,
  })
  session.destroy()
  return result
}

function connectTlsClient(
  options: {
    servername?: string
    ALPNProtocols?: string[]
    maxVersion?: 'TLSv1.2' | 'TLSv1.3'
    minVersion?: 'TLSv1.3'
  } = {},
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      servername: HOST,
      ...options,
    })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}

async function getServedFingerprint(servername = HOST): Promise<string> {
  const socket = await connectTlsClient({ servername })
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

function createClient(options: Record<string, string> = {}): MilvusClient {
  return new MilvusClient({
    address: `127.0.0.1:${port}`,
    ssl: true,
    maxRetries: 0,
    logLevel: 'none',
    timeout: 5000,
    ...options,
    tls: { rootCert: Buffer.from(authority.root), serverName: HOST },
    channelOptions: { 'grpc.default_authority': HOST },
  })
}

test('the official SDK connects through the ALB', async () => {
  const sdk = createClient()
  try {
    await sdk.connectPromise
    expect(await sdk.getVersion()).toMatchObject({ version: 'v2.6.15' })
  } finally {
    await sdk.closeConnection()
  }
  expect(requestLog.requests.findLast(({ service: part }) => part === 'alb')).toMatchObject({
    isMutating: false,
    operation: expect.stringMatching(/^POST \/milvus\.proto/),
  })
})

test('the ALB forwards authorization to Milvus', async () => {
  milvus.authorization = { user: 'root', password: 'Milvus' }
  expect((await callMilvus()).headers).toMatchObject({ ':status': 200, 'grpc-status': '16' })
  const sdk = createClient({ username: 'root', password: 'Milvus' })
  try {
    await sdk.connectPromise
    expect(await sdk.checkHealth()).toMatchObject({ isHealthy: true })
  } finally {
    await sdk.closeConnection()
  }
})

test('rules match the host and the path, regardless of the port and the case of the host', async () => {
  expect((await callMilvus({ ':authority': `${HOST.toUpperCase()}:443` })).headers).toMatchObject({
    'grpc-status': '0',
  })
  expect((await callMilvus({ ':authority': DNS })).headers).toMatchObject({
    ':status': 404,
    'content-type': 'text/plain',
    server: 'awselb/2.0',
  })
  const rule = loadBalancer.listeners[0]?.rules[0]
  if (rule) rule.paths = ['/']
  expect((await callMilvus()).headers).toMatchObject({ ':status': 404 })
})

test('responds 464 to a request that a GRPC target group does not support', async () => {
  const result = await callMilvus({ ':method': 'GET' })
  expect(result.headers).toMatchObject({ ':status': 464, server: 'awselb/2.0' })
  expect(result.headers['content-type']).toBeUndefined()
  const status = await new Promise((resolve, reject) => {
    get(
      {
        host: '127.0.0.1',
        port,
        ca: authority.root,
        servername: HOST,
        headers: { host: HOST },
        agent: false,
      },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    ).on('error', reject)
  })
  expect(status).toBe(464)
})

test('responds 503 without a target, 502 to a refused connection, and 504 to an unresponsive or missing target', async () => {
  const [target] = group.targets
  group.targets = []
  expect((await callMilvus()).headers).toMatchObject({
    ':status': 503,
    server: 'awselb/2.0',
    'content-type': 'text/html',
  })
  group.targets = target ? [target] : []
  milvus.delay = 300
  await alb.setOverrides({ idleTimeoutMs: 50, connectTimeoutMs: 50 })
  expect((await callMilvus()).headers).toMatchObject({ ':status': 504 })
  hasNoTarget = true
  expect((await callMilvus()).headers).toMatchObject({ ':status': 504 })
  const refusingAlb = await startAlb({
    requestLog,
    state,
    mapPort: () => 0,
    resolveTarget: () => ({ host: '127.0.0.1', port: 1 }),
  })
  port = refusingAlb.resolveAddress(DNS, 443)?.port ?? 0
  expect((await callMilvus()).headers).toMatchObject({ ':status': 502 })
  await refusingAlb.close()
  const silentServer = createTcpServer((socket) => socket.resume())
  await new Promise<void>((resolve) => silentServer.listen(0, '127.0.0.1', resolve))
  const timingOutAlb = await startAlb({
    requestLog,
    state,
    mapPort: () => 0,
    overrides: { idleTimeoutMs: 50 },
    resolveTarget: () => ({
      host: '127.0.0.1',
      port: (silentServer.address() as AddressInfo).port,
    }),
  })
  port = timingOutAlb.resolveAddress(DNS, 443)?.port ?? 0
  expect((await callMilvus()).headers).toMatchObject({ ':status': 504 })
  await timingOutAlb.close()
  await new Promise((resolve) => silentServer.close(resolve))
})

test('prefers healthy targets, and uses all of them if none is healthy', async () => {
  group.targets = [
    { id: '10.9.9.9', port: 19530, healthyAt: Infinity },
    { id: '10.244.0.2', port: 19530, healthyAt: 0 },
  ]
  expect((await callMilvus()).headers).toMatchObject({ 'grpc-status': '0' })
  expect((await callMilvus()).headers).toMatchObject({ 'grpc-status': '0' })
  group.targets = [
    { id: '10.244.0.2', port: 19530, healthyAt: 0, unhealthyReason: 'Target.Timeout' },
  ]
  expect((await callMilvus()).headers).toMatchObject({ 'grpc-status': '0' })
})

test('returns the fixed response of a rule', async () => {
  const rule = loadBalancer.listeners[0]?.rules[0]
  if (rule)
    rule.action = { status: 503, contentType: 'text/plain', body: 'Backend service does not exist' }
  const result = await callMilvus()
  expect(result.headers).toMatchObject({ ':status': 503, 'content-type': 'text/plain' })
  expect(result.body.toString()).toBe('Backend service does not exist')
})

test('serves a re-imported certificate after its propagation', async () => {
  const before = await getServedFingerprint()
  const renewed = await authority.issue({ hosts: [HOST], keyAlgorithm: 'EC_prime256v1' })
  await alb.setOverrides({ certificatePropagationMs: 60_000 })
  certificate('arn:one', renewed)
  expect(await getServedFingerprint()).toBe(before)
  await alb.setOverrides({ certificatePropagationMs: 0 })
  expect(await getServedFingerprint()).not.toBe(before)
})

test('SNI selects among the certificates of the listener, and the first is the default', async () => {
  certificate(
    'arn:two',
    await authority.issue({ hosts: ['*.example.com'], keyAlgorithm: 'EC_prime256v1' }),
  )
  loadBalancer.listeners[0]?.certificateArns.push('arn:two')
  const one = await getServedFingerprint()
  expect(await getServedFingerprint('a.example.com')).not.toBe(one)
  expect(await getServedFingerprint('elsewhere.org')).toBe(one)
})

test('negotiates ALPN and the TLS version of the policy', async () => {
  const http2Socket = await connectTlsClient({ ALPNProtocols: ['h2', 'http/1.1'] })
  expect(http2Socket.alpnProtocol).toBe('h2')
  // ELBSecurityPolicy-2016-08 has no TLS 1.3.
  expect(http2Socket.getProtocol()).toBe('TLSv1.2')
  http2Socket.destroy()
  const listener = loadBalancer.listeners[0]
  if (listener) listener.sslPolicy = 'ELBSecurityPolicy-TLS13-1-3-2021-06'
  await expect(connectTlsClient({ maxVersion: 'TLSv1.2' })).rejects.toThrow()
  await alb.setOverrides({ alpnProtocols: ['http/1.1'] })
  const http1Socket = await connectTlsClient({ ALPNProtocols: ['h2', 'http/1.1'] })
  expect(http1Socket.alpnProtocol).toBe('http/1.1')
  http1Socket.destroy()
  await alb.setOverrides({ alpnProtocols: [] })
  const noAlpnSocket = await connectTlsClient({ ALPNProtocols: ['h2'] })
  expect(noAlpnSocket.alpnProtocol).toBe(false)
  noAlpnSocket.destroy()
})

test('a scenario can override the status and the certificate, refuse or ignore connections, and send GOAWAY', async () => {
  await alb.setOverrides({ fixedStatus: 403 })
  expect((await callMilvus()).headers).toMatchObject({ ':status': 403, server: 'awselb/2.0' })
  const usualFingerprint = await getServedFingerprint()
  const other = await authority.issue({
    hosts: ['wrong.example.com'],
    keyAlgorithm: 'EC_prime256v1',
  })
  await alb.setOverrides({
    fixedStatus: undefined,
    servedCertificate: { certificate: other.fullchain, privateKey: other.privateKey },
  })
  expect(await getServedFingerprint()).not.toBe(usualFingerprint)
  await alb.setOverrides({ servedCertificate: undefined, goawayCount: 1 })
  const refused = await callMilvus()
  expect(refused.headers).toEqual({})
  expect(refused.error).toMatch(/REFUSED_STREAM/)
  expect((await callMilvus()).headers).toMatchObject({ 'grpc-status': '0' })
  await alb.setOverrides({ unresponsive: true })
  const socket = connectTcp(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.destroy()
  await alb.setOverrides({ unresponsive: false, refuseConnections: true })
  await expect(connectTlsClient()).rejects.toThrow(/ECONNREFUSED/)
})

test('injected faults return an error or reset the connection', async () => {
  requestLog.injectFault({
    service: 'alb',
    operation: /^POST/,
    times: 1,
    error: { status: 504, code: '', message: '' },
  })
  expect((await callMilvus()).headers).toMatchObject({ ':status': 504 })
  requestLog.injectFault({ service: 'alb', operation: /^POST/, times: 1, reset: true })
  expect((await callMilvus()).headers).toEqual({})
})

test('listens only while the load balancer is active', async () => {
  loadBalancer.activeAt = Infinity
  await alb.sync()
  expect(alb.resolveAddress(DNS, 443)).toBeUndefined()
  loadBalancer.activeAt = 0
  await alb.sync()
  expect(alb.resolveAddress(DNS.toUpperCase(), 443)).toBeDefined()
  state.loadBalancers.clear()
  await alb.sync()
  expect(alb.resolveAddress(DNS, 443)).toBeUndefined()
})

test('an HTTP listener redirects, and an HTTP1 target group accepts HTTP/1.1 and HTTP/2 but not gRPC', async () => {
  loadBalancer.listeners.push({
    arn: 'arn:http',
    port: 80,
    protocol: 'HTTP',
    sslPolicy: '',
    certificateArns: [],
    tags: new Map(),
    rules: [
      {
        arn: 'arn:redirect',
        priority: 'default',
        hosts: [],
        paths: [],
        action: { status: 301, contentType: 'text/html', body: '' },
        tags: new Map(),
        redirect: {
          protocol: 'HTTPS',
          host: '#{host}',
          port: '443',
          path: '/#{path}',
          query: '#{query}',
        },
      },
    ],
  })
  await alb.sync()
  const location = await new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: alb.resolveAddress(DNS, 80)?.port,
      path: '/a/b?c=d',
      headers: { host: HOST },
      agent: false,
    }
    getPlain(options, (response) => {
      response.resume()
      resolve([response.statusCode, response.headers.location])
    }).on('error', reject)
  })
  expect(location).toEqual([301, `https://${HOST}:443/a/b?c=d`])

  const target = createServer((message, response) =>
    response
      .setHeader('x-forwarded', message.headers['x-forwarded-proto'] ?? '')
      .end(message.headers.host),
  )
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  const http1Group: TargetGroup = {
    ...group,
    arn: 'arn:plain',
    protocolVersion: 'HTTP1',
    targets: [{ id: '10.244.0.2', port: 80, healthyAt: 0 }],
  }
  state.targetGroups.set(http1Group.arn, http1Group)
  const rule = loadBalancer.listeners[0]?.rules[0]
  if (rule) rule.action = { targetGroupArn: http1Group.arn }
  const other = await startAlb({
    requestLog,
    state,
    mapPort: () => 0,
    resolveTarget: () => ({ host: '127.0.0.1', port: (target.address() as AddressInfo).port }),
  })
  port = other.resolveAddress(DNS, 443)?.port ?? 0
  const result = await callMilvus({ ':method': 'GET', 'content-type': 'text/plain' })
  expect(result.headers).toMatchObject({ ':status': 200, 'x-forwarded': 'https' })
  expect(result.body.toString()).toBe(HOST)
  expect((await callMilvus()).headers).toMatchObject({ ':status': 464 })
  await other.close()
  await new Promise((resolve) => target.close(resolve))
})
