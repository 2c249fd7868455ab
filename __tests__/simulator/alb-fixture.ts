/** An ALB with one HTTPS listener and one rule, and a Milvus behind it. */
import { expect } from '@jest/globals'
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
import { FaultInjector } from '../../testing/fault-injector.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { getMilvusPath, openSession, sendRequest } from './raw-grpc.ts'
import type { RawResponse } from './raw-grpc.ts'

export const HOST = 'milvus-demo.milvus.io'
export const DNS = 'k8s-milvus-milvusde-17e2427710-1.us-east-2.elb.amazonaws.com'
export const requestLog = new RequestLog()
export const faults = new FaultInjector()
export let authority: CertificateAuthority
let issued: IssuedCertificate
export let milvus: MilvusServer
export let state: AwsState
export let group: TargetGroup
export let loadBalancer: LoadBalancer
export let alb: AlbDataPlane
export let port: number
let hasNoTarget = false

export function storeCertificate(
  arn: string,
  from: IssuedCertificate,
  importedAt = new Date(),
): void {
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

export async function startMilvusServer(): Promise<void> {
  authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  issued = await authority.issue({ hosts: [HOST], keyAlgorithm: 'EC_prime256v1' })
  milvus = await startMilvus({ requestLog, faults })
}

export const stopMilvusServer = (): Promise<void> => milvus.close()

export async function startFixture(): Promise<void> {
  hasNoTarget = false
  state = createAwsState()
  storeCertificate('arn:one', issued)
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
    faults,
    state,
    mapPort: () => 0,
    resolveTarget: (ip) =>
      hasNoTarget || ip !== '10.244.0.2' ? undefined : { host: '127.0.0.1', port: milvus.port },
  })
  connectTo(alb)
}

export async function stopFixture(): Promise<void> {
  milvus.authorization = undefined
  milvus.delay = 0
  await alb.close()
  expect(alb.backgroundErrors).toEqual([])
}

/** Makes the clients of the fixture connect to this ALB. */
export function connectTo(other: AlbDataPlane): void {
  port = other.resolveAddress(DNS, 443)?.port ?? 0
}

/** The target is registered, but its address leads nowhere. */
export function disconnectTarget(): void {
  hasNoTarget = true
}

export async function callMilvus(headers: Record<string, string> = {}): Promise<RawResponse> {
  const session = openSession(`https://127.0.0.1:${port}`, { ca: authority.root, servername: HOST })
  const result = await sendRequest(session, {
    ':path': getMilvusPath('GetVersion'),
    ':authority': HOST,
    ...headers,
  })
  session.destroy()
  return result
}

export function connectTlsClient(
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

export async function getServedFingerprint(servername = HOST): Promise<string> {
  const socket = await connectTlsClient({ servername })
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

export function createClient(options: Record<string, string> = {}): MilvusClient {
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
