import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import { startMilvus } from '../../simulator/milvus/server.ts'
import type { MilvusServer } from '../../simulator/milvus/server.ts'
import { getNotReadyStatus } from '../../simulator/milvus/handlers.ts'
import { FaultInjector } from '../../testing/fault-injector.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { getMilvusPath, openSession, sendRequest } from './raw-grpc.ts'
import type { RawResponse } from './raw-grpc.ts'

const requestLog = new RequestLog()
const faults = new FaultInjector()
let milvus: MilvusServer

beforeAll(async () => {
  milvus = await startMilvus({ requestLog, faults })
})
afterEach(() => {
  Object.assign(milvus, {
    authorization: undefined,
    ready: true,
    stateCode: 'Healthy',
    healthy: true,
    reasons: [],
    quotaStates: [],
    version: 'v2.6.15',
    delay: 0,
  })
})
afterAll(() => milvus.close())

async function sendRaw(path: string, headers: Record<string, string> = {}): Promise<RawResponse> {
  const session = openSession(`http://127.0.0.1:${milvus.port}`)
  const result = await sendRequest(session, { ':path': path, ...headers })
  session.destroy()
  return result
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

test('the official SDK connects, lists collections and creates one', async () => {
  const client = new MilvusClient({
    address: `127.0.0.1:${milvus.port}`,
    ssl: false,
    logLevel: 'none',
  })
  try {
    await client.connectPromise
    expect(await client.getVersion()).toMatchObject({ version: 'v2.6.15', status: { code: 0 } })
    expect(await client.checkHealth()).toMatchObject({ isHealthy: true, reasons: [] })
    expect(await client.listDatabases()).toMatchObject({ db_names: ['default'] })
    const fields = [
      { name: 'id', data_type: 'Int64', is_primary_key: true },
      { name: 'vector', data_type: 'FloatVector', dim: 4 },
    ] as const
    expect(
      await client.createCollection({ collection_name: 'books', fields: [...fields] }),
    ).toMatchObject({ code: 0 })
    expect(await client.hasCollection({ collection_name: 'books' })).toMatchObject({ value: true })
    expect(await client.showCollections()).toMatchObject({ data: [{ name: 'books' }] })
    expect(await client.describeCollection({ collection_name: 'books' })).toMatchObject({
      collection_name: 'books',
      status: { code: 0 },
    })
    expect(await client.dropCollection({ collection_name: 'books' })).toMatchObject({ code: 0 })
    expect(await client.hasCollection({ collection_name: 'books' })).toMatchObject({ value: false })
  } finally {
    await client.closeConnection()
  }
  expect(
    requestLog.requests.find(({ operation }) => operation === 'CreateCollection'),
  ).toMatchObject({ service: 'milvus', isMutating: true })
  expect(requestLog.requests.find(({ operation }) => operation === 'Connect')).toMatchObject({
    isMutating: false,
    userAgent: expect.stringContaining('grpc-node'),
  })
})

// The messages of authentication_interceptor.go, in the order of its checks.
test.each([
  {
    name: 'no credentials',
    header: undefined,
    status: '16',
    message: 'missing authorization in header',
  },
  {
    name: 'credentials that are not base64',
    header: 'root:Milvus',
    status: '16',
    message: 'invalid token format',
  },
  {
    name: 'a wrong password',
    header: base64('root:nope'),
    status: '16',
    message: 'auth check failure, please check username and password are correct',
  },
  {
    name: 'a wrong API key',
    header: base64('nope'),
    status: '16',
    message: 'auth check failure, please check api key is correct',
  },
  { name: 'a valid password', header: base64('root:Milvus'), status: '0', message: 'OK' },
  { name: 'a valid API key', header: base64('key'), status: '0', message: 'OK' },
])('authorizes a request with $name', async ({ header, status, message }) => {
  milvus.authorization = { user: 'root', password: 'Milvus', apiKey: 'key' }
  for (const path of [
    getMilvusPath('Connect'),
    getMilvusPath('CheckHealth'),
    '/grpc.health.v1.Health/Check',
  ]) {
    const { headers } = await sendRaw(path, header === undefined ? {} : { authorization: header })
    expect(headers['grpc-status']).toBe(status)
    expect(decodeURIComponent(String(headers['grpc-message']))).toBe(message)
  }
})

test('responds UNIMPLEMENTED to the ALB health check, even with authorization enabled', async () => {
  milvus.authorization = { user: 'root', password: 'Milvus' }
  expect((await sendRaw('/AWS.ALB/healthcheck')).headers).toMatchObject({
    ':status': 200,
    'grpc-status': '12',
  })
})

test.each([
  { version: 'v2.1.4', code: 2, details: 'internal: Milvus Proxy is not ready yet. please wait' },
  { version: 'v2.2.16', code: 14, details: 'internal: Milvus Proxy is not ready yet. please wait' },
  {
    version: 'v2.3.1',
    code: 2,
    details: 'internal: Milvus Proxy is not ready yet. please wait: service unavailable',
  },
  {
    version: 'v2.6.15',
    code: 2,
    details: 'service unavailable: internal: Milvus Proxy is not ready yet. please wait',
  },
])('a proxy of $version reports that it is not ready', async ({ version, code, details }) => {
  milvus.version = version
  milvus.ready = false
  const { headers } = await sendRaw(getMilvusPath('Connect'))
  expect(headers['grpc-status']).toBe(String(code))
  expect(decodeURIComponent(String(headers['grpc-message']))).toBe(details)
  expect(getNotReadyStatus(version)).toEqual({ code, details })
})

test('a proxy whose state is not Healthy reports it in the body', async () => {
  milvus.stateCode = 'Initializing'
  const { headers, body } = await sendRaw(getMilvusPath('Connect'))
  expect(headers['grpc-status']).toBe('0')
  expect(body.toString()).toContain('service not ready[proxy=1]: Initializing')
})

test('CheckHealth returns the reasons', async () => {
  milvus.healthy = false
  milvus.reasons = ['querycoord not ready']
  milvus.quotaStates = ['DenyToWrite']
  const { body } = await sendRaw(getMilvusPath('CheckHealth'))
  expect(body.toString()).toContain('querycoord not ready')
})

test('injected faults return a gRPC status or reset the connection', async () => {
  faults.inject({
    service: 'milvus',
    operation: 'GetVersion',
    times: 1,
    error: { status: 8, code: 'ResourceExhausted', message: 'too much' },
  })
  expect((await sendRaw(getMilvusPath('GetVersion'))).headers).toMatchObject({
    'grpc-status': '8',
    'grpc-message': 'too%20much',
  })
  faults.inject({ service: 'milvus', operation: 'GetVersion', times: 1, reset: 'before' })
  expect((await sendRaw(getMilvusPath('GetVersion'))).headers['grpc-status']).toBeUndefined()
  expect((await sendRaw(getMilvusPath('GetVersion'))).headers).toMatchObject({ 'grpc-status': '0' })
})
