/**
 * The class of a Service's load balancer in the simulated cluster: the rules of the API, the
 * controller's webhook, and which controller creates the load balancer.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import { serviceClass, setServiceClass } from '../../simulator/alb-controller/service-class.ts'
import {
  getIn,
  asObject,
  startKubernetes,
  asString,
  type Json,
  type KubernetesApi,
  type KubernetesObject,
} from '../../simulator/kubernetes/api.ts'
import { RequestLog } from '../../testing/request-log.ts'
import { waitUntil } from '../../testing/wait.ts'

let api: KubernetesApi
const prefix = 'service.beta.kubernetes.io/aws-load-balancer-'

beforeAll(async () => {
  const { cert, key } = await issueLoopbackCertificate()
  api = await startKubernetes({
    requestLog: new RequestLog(),
    tls: { certificate: cert, privateKey: key },
    authenticate: () => Promise.resolve(undefined),
  })
  api.options.mutateCreate = setServiceClass
  api.options.loadBalancerDelay = 0
  api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'milvus' } })
})

afterAll(() => api.close())

function createService(name: string, annotations: Record<string, string> = {}): void {
  api.create({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'milvus', annotations },
    spec: { type: 'LoadBalancer', ports: [{ port: 19530 }] },
  })
}

/** Changes fields of the spec; undefined removes one. */
function patchSpec(name: string, changes: Record<string, string | undefined>): void {
  const current = getService(name)
  const spec = Object.entries({ ...asObject(current['spec']), ...changes }).filter(
    ([, value]) => value !== undefined,
  )
  api.replace({ ...current, spec: Object.fromEntries<Json | undefined>(spec) })
}

function getService(name: string): KubernetesObject {
  const service = api.get('Service', 'milvus', name)
  if (!service) throw new Error(`there is no Service ${name}`)
  return service
}

const getLoadBalancerClass = (name: string): unknown =>
  getIn(getService(name), 'spec', 'loadBalancerClass')
const getHostname = (name: string): string =>
  asString(getIn(getService(name), 'status', 'loadBalancer', 'ingress', 0, 'hostname'))

test('the webhook sets the class of a new Service without a field manager', () => {
  createService('created')
  expect(getLoadBalancerClass('created')).toBe(serviceClass)
  expect(JSON.stringify(getService('created').metadata.managedFields)).not.toContain(
    'loadBalancerClass',
  )
  createService('external', { [`${prefix}type`]: 'external' })
  expect(getLoadBalancerClass('external')).toBe(serviceClass)
})

test('the class is immutable while the type is LoadBalancer, and changes only together with the type', async () => {
  createService('changed')
  expect(() => {
    patchSpec('changed', { loadBalancerClass: undefined })
  }).toThrow('spec.loadBalancerClass: Invalid value: "null": may not change once set')
  patchSpec('changed', { type: 'ClusterIP' })
  expect(getLoadBalancerClass('changed')).toBeUndefined()
  expect(() => {
    patchSpec('changed', { loadBalancerClass: serviceClass })
  }).toThrow("spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'")
  patchSpec('changed', { type: 'LoadBalancer' })
  await waitUntil(() => /^a[0-9a-f]{32}-/.test(getHostname('changed')))
  expect(getLoadBalancerClass('changed')).toBeUndefined()
  expect(() => {
    patchSpec('changed', { loadBalancerClass: serviceClass })
  }).toThrow('may not change once set')
  patchSpec('changed', { type: 'ClusterIP' })
  await waitUntil(() => getHostname('changed') === '')
  patchSpec('changed', { type: 'LoadBalancer', loadBalancerClass: serviceClass })
  await waitUntil(() => getHostname('changed').startsWith('k8s-milvus-changed-'))
})

test('the controller keeps a load balancer while the Service has its annotations, whatever the type', async () => {
  const finalizers = (): readonly string[] => getService('annotated').metadata.finalizers ?? []
  createService('annotated', { [`${prefix}type`]: 'external', [`${prefix}nlb-target-type`]: 'ip' })
  await waitUntil(() => getHostname('annotated').startsWith('k8s-milvus-annotate-'))
  patchSpec('annotated', { type: 'ClusterIP' })
  await waitUntil(() => getHostname('annotated') === '')
  expect(finalizers()).toEqual(['service.k8s.aws/resources'])
  const current = getService('annotated')
  api.replace({ ...current, metadata: { ...current.metadata, annotations: {} } })
  await waitUntil(() => finalizers().length === 0)
})
