import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createServer, get as getPlain } from 'node:http'
import { get } from 'node:https'
import { connect as connectTcp, createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { startAlb } from '../../sandbox/alb.ts'
import type { Alb } from '../../sandbox/alb.ts'
import { createAwsState } from '../../sandbox/aws/state.ts'
import type { AwsState, LoadBalancer, TargetGroup } from '../../sandbox/aws/state.ts'
import { createAuthority } from '../../sandbox/certificates.ts'
import type { Authority, IssuedCertificate } from '../../sandbox/certificates.ts'
import { startMilvus } from '../../sandbox/milvus.ts'
import type { Milvus } from '../../sandbox/milvus.ts'
import { Traffic } from '../../sandbox/traffic.ts'
import { milvusPath, open, request } from './grpc.ts'
import type { Met } from './grpc.ts'

const HOST = 'milvus-demo.milvus.io'
const DNS = 'k8s-milvus-milvusde-17e2427710-1.us-east-2.elb.amazonaws.com'
const traffic = new Traffic()
let authority: Authority
let issued: IssuedCertificate
let milvus: Milvus
let state: AwsState
let group: TargetGroup
let loadBalancer: LoadBalancer
let alb: Alb
let port: number
let nobody = false

function certificate(arn: string, from: IssuedCertificate, importedAt = new Date()): void {
  state.certificates.set(arn, { arn, certificate: from.certificate, chain: from.chain, privateKey: from.privateKey, keyAlgorithm: 'EC_prime256v1', importedAt, tags: new Map() })
}

beforeAll(async () => {
  authority = await createAuthority({ key: 'EC_prime256v1' })
  issued = await authority.issue({ hosts: [HOST], key: 'EC_prime256v1' })
  milvus = await startMilvus({ traffic })
})
afterAll(() => milvus.close())

beforeEach(async () => {
  nobody = false
  state = createAwsState()
  certificate('arn:one', issued)
  group = {
    arn: 'arn:group', name: 'k8s-milvus-milvusde-0000000000', port: 1, protocol: 'HTTP', protocolVersion: 'GRPC', healthCheckPath: '/AWS.ALB/healthcheck', matcher: '12',
    attributes: new Map(), tags: new Map(), targets: [{ id: '10.244.0.2', port: 19530, healthyAt: 0 }],
  }
  state.targetGroups.set(group.arn, group)
  loadBalancer = {
    arn: 'arn:lb', name: 'k8s-milvus-milvusde-17e2427710', dnsName: DNS, scheme: 'internet-facing', activeAt: 0, failed: false, attributes: new Map(), tags: new Map(), subnets: [], securityGroups: [],
    listeners: [{
      arn: 'arn:listener', port: 443, protocol: 'HTTPS', sslPolicy: 'ELBSecurityPolicy-2016-08', certificateArns: ['arn:one'], tags: new Map(),
      rules: [
        { arn: 'arn:rule', priority: 1, hosts: [HOST], paths: ['/*'], action: { targetGroupArn: group.arn }, tags: new Map() },
        { arn: 'arn:default', priority: 'default', hosts: [], paths: [], action: { status: 404, contentType: 'text/plain', body: '' }, tags: new Map() },
      ],
    }],
  }
  state.loadBalancers.set(loadBalancer.arn, loadBalancer)
  alb = await startAlb({ traffic, state, port: () => 0, resolveTarget: (ip) => (nobody || ip !== '10.244.0.2' ? undefined : { host: '127.0.0.1', port: milvus.port }) })
  port = alb.address(DNS, 443)?.port ?? 0
})
afterEach(async () => {
  milvus.authorization = undefined
  milvus.delay = 0
  await alb.close()
  expect(alb.problems).toEqual([])
})

async function call(headers: Record<string, string> = {}): Promise<Met> {
  const session = open(`https://127.0.0.1:${port}`, { ca: authority.root, servername: HOST })
  const met = await request(session, { ':path': milvusPath('GetVersion'), ':authority': HOST, ...headers })
  session.destroy()
  return met
}

function handshake(options: { servername?: string; ALPNProtocols?: string[]; maxVersion?: 'TLSv1.2' | 'TLSv1.3'; minVersion?: 'TLSv1.3' } = {}): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, servername: HOST, ...options })
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', reject)
  })
}

async function served(servername = HOST): Promise<string> {
  const socket = await handshake({ servername })
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

function client(options: Record<string, string> = {}): MilvusClient {
  return new MilvusClient({
    address: `127.0.0.1:${port}`, ssl: true, maxRetries: 0, logLevel: 'none', timeout: 5000, ...options,
    tls: { rootCert: Buffer.from(authority.root), serverName: HOST },
    channelOptions: { 'grpc.default_authority': HOST },
  })
}

test('the official SDK works through it', async () => {
  const sdk = client()
  try {
    await sdk.connectPromise
    expect(await sdk.getVersion()).toMatchObject({ version: 'v2.6.15' })
  } finally {
    await sdk.closeConnection()
  }
  expect(traffic.requests.findLast(({ part }) => part === 'alb')).toMatchObject({ mutating: false, operation: expect.stringMatching(/^POST \/milvus\.proto/) })
})

test('authorization is between client and Milvus', async () => {
  milvus.authorization = { user: 'root', password: 'Milvus' }
  expect((await call()).headers).toMatchObject({ ':status': 200, 'grpc-status': '16' })
  const sdk = client({ username: 'root', password: 'Milvus' })
  try {
    await sdk.connectPromise
    expect(await sdk.checkHealth()).toMatchObject({ isHealthy: true })
  } finally {
    await sdk.closeConnection()
  }
})

test('host and path decide, port and case of the host aside', async () => {
  expect((await call({ ':authority': `${HOST.toUpperCase()}:443` })).headers).toMatchObject({ 'grpc-status': '0' })
  expect((await call({ ':authority': DNS })).headers).toMatchObject({ ':status': 404, 'content-type': 'text/plain', server: 'awselb/2.0' })
  const rule = loadBalancer.listeners[0]?.rules[0]
  if (rule) rule.paths = ['/']
  expect((await call()).headers).toMatchObject({ ':status': 404 })
})

test('464 for what a GRPC target group cannot take', async () => {
  const met = await call({ ':method': 'GET' })
  expect(met.headers).toMatchObject({ ':status': 464, server: 'awselb/2.0' })
  expect(met.headers['content-type']).toBeUndefined()
  const status = await new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, ca: authority.root, servername: HOST, headers: { host: HOST }, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode)
    }).on('error', reject)
  })
  expect(status).toBe(464)
})

test('503 without a target, 502 when it refuses, 504 when it is silent or gone', async () => {
  const [target] = group.targets
  group.targets = []
  expect((await call()).headers).toMatchObject({ ':status': 503, server: 'awselb/2.0', 'content-type': 'text/html' })
  group.targets = target ? [target] : []
  milvus.delay = 300
  await alb.override({ idleTimeout: 50, connectTimeout: 50 })
  expect((await call()).headers).toMatchObject({ ':status': 504 })
  nobody = true
  expect((await call()).headers).toMatchObject({ ':status': 504 })
  const refusing = await startAlb({ traffic, state, port: () => 0, resolveTarget: () => ({ host: '127.0.0.1', port: 1 }) })
  port = refusing.address(DNS, 443)?.port ?? 0
  expect((await call()).headers).toMatchObject({ ':status': 502 })
  await refusing.close()
  const mute = createTcpServer((socket) => socket.resume())
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
  const waiting = await startAlb({ traffic, state, port: () => 0, overrides: { idleTimeout: 50 }, resolveTarget: () => ({ host: '127.0.0.1', port: (mute.address() as AddressInfo).port }) })
  port = waiting.address(DNS, 443)?.port ?? 0
  expect((await call()).headers).toMatchObject({ ':status': 504 })
  await waiting.close()
  await new Promise((resolve) => mute.close(resolve))
})

test('healthy targets first, and all of them when none is', async () => {
  group.targets = [{ id: '10.9.9.9', port: 19530, healthyAt: Infinity }, { id: '10.244.0.2', port: 19530, healthyAt: 0 }]
  expect((await call()).headers).toMatchObject({ 'grpc-status': '0' })
  expect((await call()).headers).toMatchObject({ 'grpc-status': '0' })
  group.targets = [{ id: '10.244.0.2', port: 19530, healthyAt: 0, unhealthyReason: 'Target.Timeout' }]
  expect((await call()).headers).toMatchObject({ 'grpc-status': '0' })
})

test('a fixed response of a rule', async () => {
  const rule = loadBalancer.listeners[0]?.rules[0]
  if (rule) rule.action = { status: 503, contentType: 'text/plain', body: 'Backend service does not exist' }
  const met = await call()
  expect(met.headers).toMatchObject({ ':status': 503, 'content-type': 'text/plain' })
  expect(met.body.toString()).toBe('Backend service does not exist')
})

test('a re-imported certificate is served from then on, after its propagation', async () => {
  const before = await served()
  const renewed = await authority.issue({ hosts: [HOST], key: 'EC_prime256v1' })
  await alb.override({ certificatePropagation: 60_000 })
  certificate('arn:one', renewed)
  expect(await served()).toBe(before)
  await alb.override({ certificatePropagation: 0 })
  expect(await served()).not.toBe(before)
})

test('SNI chooses among the listener\'s certificates, the first is the default', async () => {
  certificate('arn:two', await authority.issue({ hosts: ['*.example.com'], key: 'EC_prime256v1' }))
  loadBalancer.listeners[0]?.certificateArns.push('arn:two')
  const one = await served()
  expect(await served('a.example.com')).not.toBe(one)
  expect(await served('elsewhere.org')).toBe(one)
})

test('ALPN and protocol versions', async () => {
  const both = await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })
  expect(both.alpnProtocol).toBe('h2')
  // ELBSecurityPolicy-2016-08 has no TLS 1.3.
  expect(both.getProtocol()).toBe('TLSv1.2')
  both.destroy()
  const listener = loadBalancer.listeners[0]
  if (listener) listener.sslPolicy = 'ELBSecurityPolicy-TLS13-1-3-2021-06'
  await expect(handshake({ maxVersion: 'TLSv1.2' })).rejects.toThrow()
  await alb.override({ alpn: ['http/1.1'] })
  const old = await handshake({ ALPNProtocols: ['h2', 'http/1.1'] })
  expect(old.alpnProtocol).toBe('http/1.1')
  old.destroy()
  await alb.override({ alpn: [] })
  const none = await handshake({ ALPNProtocols: ['h2'] })
  expect(none.alpnProtocol).toBe(false)
  none.destroy()
})

test('what a scenario overrides: status, certificate, refusal, silence, GOAWAY', async () => {
  await alb.override({ respond: 403 })
  expect((await call()).headers).toMatchObject({ ':status': 403, server: 'awselb/2.0' })
  const usual = await served()
  const other = await authority.issue({ hosts: ['wrong.example.com'], key: 'EC_prime256v1' })
  await alb.override({ respond: undefined, serve: { certificate: other.fullchain, privateKey: other.privateKey } })
  expect(await served()).not.toBe(usual)
  await alb.override({ serve: undefined, goaway: 1 })
  const refused = await call()
  expect(refused.headers).toEqual({})
  expect(refused.error).toMatch(/REFUSED_STREAM/)
  expect((await call()).headers).toMatchObject({ 'grpc-status': '0' })
  await alb.override({ silent: true })
  const socket = connectTcp(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.destroy()
  await alb.override({ silent: false, refuse: true })
  await expect(handshake()).rejects.toThrow(/ECONNREFUSED/)
})

test('faults of the request log', async () => {
  traffic.inject({ part: 'alb', operation: /^POST/, times: 1, error: { status: 504, code: '', message: '' } })
  expect((await call()).headers).toMatchObject({ ':status': 504 })
  traffic.inject({ part: 'alb', operation: /^POST/, times: 1, reset: true })
  expect((await call()).headers).toEqual({})
})

test('listens only while active, and for the newer of two at one address', async () => {
  loadBalancer.activeAt = Infinity
  await alb.sync()
  expect(alb.address(DNS, 443)).toBeUndefined()
  loadBalancer.activeAt = 0
  await alb.sync()
  expect(alb.address(DNS.toUpperCase(), 443)).toBeDefined()
  state.loadBalancers.clear()
  await alb.sync()
  expect(alb.address(DNS, 443)).toBeUndefined()
})

test('an HTTP listener redirects, and an HTTP1 group takes HTTP of both versions but no gRPC', async () => {
  loadBalancer.listeners.push({
    arn: 'arn:http', port: 80, protocol: 'HTTP', sslPolicy: '', certificateArns: [], tags: new Map(),
    rules: [{
      arn: 'arn:redirect', priority: 'default', hosts: [], paths: [], action: { status: 301, contentType: 'text/html', body: '' }, tags: new Map(),
      redirect: { protocol: 'HTTPS', host: '#{host}', port: '443', path: '/#{path}', query: '#{query}' },
    }],
  })
  await alb.sync()
  const location = await new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: alb.address(DNS, 80)?.port, path: '/a/b?c=d', headers: { host: HOST }, agent: false }
    getPlain(options, (response) => {
      response.resume()
      resolve([response.statusCode, response.headers.location])
    }).on('error', reject)
  })
  expect(location).toEqual([301, `https://${HOST}:443/a/b?c=d`])

  const target = createServer((message, response) => response.setHeader('x-forwarded', message.headers['x-forwarded-proto'] ?? '').end(message.headers.host))
  await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve))
  const plain: TargetGroup = { ...group, arn: 'arn:plain', protocolVersion: 'HTTP1', targets: [{ id: '10.244.0.2', port: 80, healthyAt: 0 }] }
  state.targetGroups.set(plain.arn, plain)
  const rule = loadBalancer.listeners[0]?.rules[0]
  if (rule) rule.action = { targetGroupArn: plain.arn }
  const other = await startAlb({ traffic, state, port: () => 0, resolveTarget: () => ({ host: '127.0.0.1', port: (target.address() as AddressInfo).port }) })
  port = other.address(DNS, 443)?.port ?? 0
  const met = await call({ ':method': 'GET', 'content-type': 'text/plain' })
  expect(met.headers).toMatchObject({ ':status': 200, 'x-forwarded': 'https' })
  expect(met.body.toString()).toBe(HOST)
  expect((await call()).headers).toMatchObject({ ':status': 464 })
  await other.close()
  await new Promise((resolve) => target.close(resolve))
})
