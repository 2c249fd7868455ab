/**
 * A cluster with the guide's Service, an account with a certificate, and the controller that
 * connects them.
 */
import { createAwsState } from '../../simulator/aws/state.ts'
import type { AwsState } from '../../simulator/aws/state.ts'
import { startAws } from '../../simulator/aws/server.ts'
import type { Aws } from '../../simulator/aws/server.ts'
import { createCertificateAuthority, issueLoopbackCertificate } from '../../testing/certificates.ts'
import { startController } from '../../simulator/alb-controller/controller.ts'
import type { Controller } from '../../simulator/alb-controller/controller.ts'
import { getIn, startKubernetes, asString } from '../../simulator/kubernetes/api.ts'
import type { JsonObject, KubernetesApi, KubernetesObject } from '../../simulator/kubernetes/api.ts'
import { FaultInjector } from '../../testing/fault-injector.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { waitUntil } from '../../testing/wait.ts'

export const HOST = 'milvus-demo.milvus.io'
export const CERTIFICATE =
  'arn:aws:acm:us-east-2:111122223333:certificate/00000000-0000-0000-0000-000000000001'
export const MISSING_CERTIFICATE = CERTIFICATE.replace(/1$/, '9')
export const authority = createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
const serverPair = authority.then((issuer) => issueLoopbackCertificate(issuer))

// The running services: each test starts its own.
export let requestLog: RequestLog
export let faults: FaultInjector
export let state: AwsState
export let kubernetes: KubernetesApi
export let controller: Controller
let aws: Aws

/** Starts the fixture, before anything is applied. */
export async function startFixture(): Promise<void> {
  const pair = await serverPair
  requestLog = new RequestLog()
  faults = new FaultInjector()
  state = createAwsState()
  const issued = await (await authority).issue({ hosts: [HOST], keyAlgorithm: 'EC_prime256v1' })
  const { certificate, chain, privateKey } = issued
  state.certificates.set(CERTIFICATE, {
    arn: CERTIFICATE,
    certificate,
    chain,
    privateKey,
    keyAlgorithm: 'EC_prime256v1',
    importedAt: new Date(),
    tags: new Map(),
  })
  aws = await startAws({ requestLog, faults, state })
  kubernetes = await startKubernetes({
    requestLog,
    faults,
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: (token) =>
      Promise.resolve(token === 'controller' ? { username: 'controller', groups: [] } : undefined),
  })
  kubernetes.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'milvus' } })
  kubernetes.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'alb' },
    spec: { controller: 'ingress.k8s.aws/alb' },
  })
  kubernetes.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'milvus-demo', namespace: 'milvus' },
    spec: {
      type: 'ClusterIP',
      ports: [
        { name: 'milvus', port: 19530, targetPort: 'milvus' },
        { name: 'metrics', port: 9091, targetPort: 'metrics' },
      ],
    },
  })
  kubernetes.create({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    metadata: {
      name: 'milvus-demo-abcde',
      namespace: 'milvus',
      labels: { 'kubernetes.io/service-name': 'milvus-demo' },
    },
    ports: [
      { name: 'milvus', port: 19530, protocol: 'TCP' },
      { name: 'metrics', port: 9091, protocol: 'TCP' },
    ],
    endpoints: [
      { addresses: ['10.244.0.2'], conditions: { ready: true } },
      { addresses: ['10.244.0.3'], conditions: { ready: false } },
    ],
  })
  controller = await startController({
    kubernetes: { url: kubernetes.url, ca: pair.ca, token: 'controller' },
    aws: {
      endpoint: aws.endpoint,
      region: state.region,
      credentials: aws.credentials[0] ?? { accessKeyId: '', secretAccessKey: '' },
    },
    cluster: 'demo',
  })
}

export async function stopFixture(): Promise<void> {
  await controller.close()
  await kubernetes.close()
  await aws.close()
}

/** The guide's Ingress with other annotations (undefined omits one) and another backend. */
export function buildIngress(
  annotations: Record<string, string | undefined> = {},
  backend: { name?: string; port?: number; className?: string; ingressName?: string } = {},
): KubernetesObject {
  const defaults: Record<string, string | undefined> = {
    scheme: 'internet-facing',
    'backend-protocol-version': 'GRPC',
    'target-type': 'ip',
    'listen-ports': '[{"HTTPS":443}]',
    'certificate-arn': CERTIFICATE,
    ...annotations,
  }
  const annotationEntries = Object.entries(defaults).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [[name.includes('/') ? name : `alb.ingress.kubernetes.io/${name}`, value] as const],
  )
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      name: backend.ingressName ?? 'milvus-demo',
      namespace: 'milvus',
      annotations: Object.fromEntries(annotationEntries),
    },
    spec: {
      ingressClassName: backend.className ?? 'alb',
      rules: [
        {
          host: HOST,
          http: {
            paths: [
              {
                path: '/',
                pathType: 'Prefix',
                backend: {
                  service: {
                    name: backend.name ?? 'milvus-demo',
                    port: { number: backend.port ?? 19530 },
                  },
                },
              },
            ],
          },
        },
      ],
    },
  }
}

export const applyObject = (object: KubernetesObject): KubernetesObject =>
  kubernetes.apply(object, 'test', true)
export const getIngress = (name = 'milvus-demo'): KubernetesObject | undefined =>
  kubernetes.get('Ingress', 'milvus', name)
export const getHostname = (name?: string): string =>
  asString(getIn(getIngress(name), 'status', 'loadBalancer', 'ingress', 0, 'hostname'))

export function listEvents(reason?: string): JsonObject[] {
  return kubernetes
    .list('Event', 'milvus')
    .filter((candidate) => candidate['reason'] === reason || reason === undefined)
}

/** Waits for an event of the controller that was emitted `count` times. */
export const waitForEvent = (reason: string, count = 1): Promise<JsonObject> =>
  waitUntil(() => listEvents(reason).find((each) => Number(each['count']) >= count), {
    timeout: 5_000,
    createError: () => new Error(`No event ${reason}; events: ${JSON.stringify(listEvents())}`),
  })
