import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals'
import { createServer, get as getPlain } from 'node:http'
import { get } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { startAlb } from '../../simulator/alb/server.ts'
import type { TargetGroup } from '../../simulator/aws/state.ts'
import {
  HOST,
  DNS,
  requestLog,
  authority,
  milvus,
  state,
  group,
  loadBalancer,
  alb,
  port,
  callMilvus,
  createClient,
  startMilvusServer,
  stopMilvusServer,
  startFixture,
  stopFixture,
  connectTo,
  disconnectTarget,
} from './alb-fixture.ts'

beforeAll(startMilvusServer)
afterAll(stopMilvusServer)
beforeEach(startFixture)
afterEach(stopFixture)

test('the official SDK connects through the ALB', async () => {
  const sdk = createClient()
  try {
    await sdk.connectPromise
    expect(await sdk.getVersion()).toMatchObject({ version: 'v2.6.15' })
  } finally {
    await sdk.closeConnection()
  }
  expect(requestLog.requests.findLast(({ service }) => service === 'alb')).toMatchObject({
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
  disconnectTarget()
  expect((await callMilvus()).headers).toMatchObject({ ':status': 504 })
  const refusingAlb = await startAlb({
    requestLog,
    state,
    mapPort: () => 0,
    resolveTarget: () => ({ host: '127.0.0.1', port: 1 }),
  })
  connectTo(refusingAlb)
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
  connectTo(timingOutAlb)
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
  connectTo(other)
  const result = await callMilvus({ ':method': 'GET', 'content-type': 'text/plain' })
  expect(result.headers).toMatchObject({ ':status': 200, 'x-forwarded': 'https' })
  expect(result.body.toString()).toBe(HOST)
  expect((await callMilvus()).headers).toMatchObject({ ':status': 464 })
  await other.close()
  await new Promise((resolve) => target.close(resolve))
})
