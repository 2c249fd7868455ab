/** The class of a Service's load balancer in the simulated cluster: the API's rules, the controller's webhook, and who makes the load balancer. */
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { loopbackServerPair } from '../../sandbox/certificates.ts'
import { serviceClass, setServiceClass } from '../../sandbox/controller/service-class.ts'
import { at, fields, startKubernetes, text, type Json, type KubernetesApi, type KubernetesObject } from '../../sandbox/kubernetes/api.ts'
import { Traffic } from '../../sandbox/traffic.ts'

let api: KubernetesApi
const prefix = 'service.beta.kubernetes.io/aws-load-balancer-'

beforeAll(async () => {
  const { cert, key } = await loopbackServerPair()
  api = await startKubernetes({ traffic: new Traffic(), tls: { certificate: cert, privateKey: key }, authenticate: () => Promise.resolve(undefined) })
  api.options.mutateCreate = setServiceClass
  api.options.loadBalancerAfter = 0
  api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'milvus' } })
})

afterAll(() => api.close())

function create(name: string, annotations: Record<string, string> = {}): void {
  api.create({ apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'milvus', annotations }, spec: { type: 'LoadBalancer', ports: [{ port: 19530 }] } })
}

/** Changes fields of the spec; undefined takes one away. */
function patch(name: string, changes: Record<string, string | undefined>): void {
  const live = read(name)
  const spec = Object.entries({ ...fields(live['spec']), ...changes }).filter(([, value]) => value !== undefined)
  api.replace({ ...live, spec: Object.fromEntries<Json | undefined>(spec) })
}

function read(name: string): KubernetesObject {
  const service = api.get('Service', 'milvus', name)
  if (!service) throw new Error(`there is no Service ${name}`)
  return service
}

const classOf = (name: string): unknown => at(read(name), 'spec', 'loadBalancerClass')
const hostname = (name: string): string => text(at(read(name), 'status', 'loadBalancer', 'ingress', 0, 'hostname'))

/** Settles when a Service is so; jest's own time limit ends a wait that does not. */
function until(holds: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = api.watch('Service', () => { check() })
    const check = (): void => {
      if (!holds()) return
      stop()
      resolve()
    }
    check()
  })
}

test('the webhook sets the class of what is created, and it belongs to no field manager', () => {
  create('created')
  expect(classOf('created')).toBe(serviceClass)
  expect(JSON.stringify(read('created').metadata.managedFields)).not.toContain('loadBalancerClass')
  create('external', { [`${prefix}type`]: 'external' })
  expect(classOf('external')).toBe(serviceClass)
})

test('the class stays while the type does, goes with it, and comes only together with it', async () => {
  create('changed')
  expect(() => { patch('changed', { loadBalancerClass: undefined }) }).toThrow('spec.loadBalancerClass: Invalid value: "null": may not change once set')
  patch('changed', { type: 'ClusterIP' })
  expect(classOf('changed')).toBeUndefined()
  expect(() => { patch('changed', { loadBalancerClass: serviceClass }) }).toThrow("spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'")
  patch('changed', { type: 'LoadBalancer' })
  await until(() => /^a[0-9a-f]{32}-/.test(hostname('changed')))
  expect(classOf('changed')).toBeUndefined()
  expect(() => { patch('changed', { loadBalancerClass: serviceClass }) }).toThrow('may not change once set')
  patch('changed', { type: 'ClusterIP' })
  await until(() => hostname('changed') === '')
  patch('changed', { type: 'LoadBalancer', loadBalancerClass: serviceClass })
  await until(() => hostname('changed').startsWith('k8s-milvus-changed-'))
})

test('by its annotations the controller keeps a load balancer whatever the type, and deletes it when they go', async () => {
  const finalizers = (): readonly string[] => read('annotated').metadata.finalizers ?? []
  create('annotated', { [`${prefix}type`]: 'external', [`${prefix}nlb-target-type`]: 'ip' })
  await until(() => hostname('annotated').startsWith('k8s-milvus-annotate-'))
  patch('annotated', { type: 'ClusterIP' })
  await until(() => hostname('annotated') === '')
  expect(finalizers()).toEqual(['service.k8s.aws/resources'])
  const live = read('annotated')
  api.replace({ ...live, metadata: { ...live.metadata, annotations: {} } })
  await until(() => finalizers().length === 0)
})
