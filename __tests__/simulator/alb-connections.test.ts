import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { connect as connectTcp } from 'node:net'
import {
  HOST,
  DNS,
  faults,
  authority,
  state,
  loadBalancer,
  alb,
  port,
  storeCertificate,
  callMilvus,
  connectTlsClient,
  getServedFingerprint,
  startMilvusServer,
  stopMilvusServer,
  startFixture,
  stopFixture,
} from './alb-fixture.ts'

beforeAll(startMilvusServer)
afterAll(stopMilvusServer)
beforeEach(startFixture)
afterEach(stopFixture)

test('serves a re-imported certificate after its propagation', async () => {
  const before = await getServedFingerprint()
  const renewed = await authority.issue({ hosts: [HOST], keyAlgorithm: 'EC_prime256v1' })
  await alb.setOverrides({ certificatePropagationMs: 60_000 })
  storeCertificate('arn:one', renewed)
  expect(await getServedFingerprint()).toBe(before)
  await alb.setOverrides({ certificatePropagationMs: 0 })
  expect(await getServedFingerprint()).not.toBe(before)
})

test('SNI selects among the certificates of the listener, and the first is the default', async () => {
  storeCertificate(
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
  faults.inject({
    service: 'alb',
    operation: /^POST/,
    times: 1,
    error: { status: 504, code: '', message: '' },
  })
  expect((await callMilvus()).headers).toMatchObject({ ':status': 504 })
  faults.inject({ service: 'alb', operation: /^POST/, times: 1, reset: 'before' })
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
