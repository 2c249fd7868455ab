/** What an existing Ingress serves beside Milvus. */
import { expect, test } from '@jest/globals'
import type { IngressBackend, IngressSpec, Service } from '../../../src/clients/kubernetes/types.ts'
import {
  findOtherBackends,
  findOtherPurposes,
} from '../../../src/steps/preflight/ingress-ownership.ts'
import { createSettings, ingress } from '../fixtures.ts'

const service: Service = {
  metadata: { name: 'milvus-demo', uid: 'u', resourceVersion: '1' },
  spec: {
    ports: [
      { name: 'milvus', port: 19530 },
      { name: 'metrics', port: 9091 },
    ],
  },
}

const forward = (name: string, port: { number?: number; name?: string }): IngressBackend => ({
  service: { name, port },
})
const milvus = forward('milvus-demo', { number: 19530 })
const rule = (path: string | undefined, backend: IngressBackend) => ({
  host: 'milvus.example.com',
  http: { paths: [{ ...(path !== undefined && { path }), pathType: 'Prefix', backend }] },
})

test.each<{ name: string; spec: IngressSpec; expected: string[] }>([
  { name: "the guide's rule", spec: { rules: [rule('/', milvus)] }, expected: [] },
  {
    name: 'the port by its name',
    spec: { rules: [rule('/', forward('milvus-demo', { name: 'milvus' }))] },
    expected: [],
  },
  { name: 'every path as a pattern', spec: { rules: [rule('/*', milvus)] }, expected: [] },
  { name: 'a rule without a path', spec: { rules: [rule(undefined, milvus)] }, expected: [] },
  { name: 'no rules', spec: {}, expected: [] },
  {
    name: 'a second path',
    spec: { rules: [rule('/', milvus), rule('/attu', forward('attu', { number: 3000 }))] },
    expected: ['path /attu (Service attu:3000)'],
  },
  {
    name: 'a path to Milvus only',
    spec: { rules: [rule('/milvus.proto.milvus.MilvusService', milvus)] },
    expected: ['path /milvus.proto.milvus.MilvusService (Service milvus-demo:19530)'],
  },
  {
    name: 'another Service',
    spec: { rules: [rule('/', forward('milvus-old', { number: 19530 }))] },
    expected: ['Service milvus-old:19530'],
  },
  {
    name: 'another port by its name',
    spec: { rules: [rule('/', forward('milvus-demo', { name: 'metrics' }))] },
    expected: ['Service milvus-demo:metrics'],
  },
  {
    name: 'an action of the controller',
    spec: { rules: [rule('/', forward('redirect', { name: 'use-annotation' }))] },
    expected: ['Service redirect:use-annotation'],
  },
  {
    name: 'only a default backend, even of Milvus',
    spec: { defaultBackend: milvus },
    expected: ['defaultBackend (Service milvus-demo:19530)'],
  },
  {
    name: 'an object that is no Service',
    spec: { defaultBackend: { resource: { kind: 'StorageBucket', name: 'static' } } },
    expected: ['defaultBackend (StorageBucket static)'],
  },
])('$name', ({ spec, expected }) => {
  expect(findOtherBackends(ingress({}, { spec }), { service, port: 19530 })).toEqual(expected)
})

const legacyAnnotation = 'kubernetes.io/ingress.class'

test.each<{
  name: string
  annotations?: Record<string, string>
  spec: IngressSpec
  controller?: string
  expected: string[]
}>([
  { name: 'the class', spec: { ingressClassName: 'alb' }, expected: [] },
  { name: 'no class', spec: {}, expected: ['class (none)'] },
  {
    name: 'the class by the legacy annotation',
    annotations: { [legacyAnnotation]: 'alb' },
    spec: {},
    expected: [],
  },
  {
    name: 'another class by the legacy annotation, which wins',
    annotations: { [legacyAnnotation]: 'nginx' },
    spec: { ingressClassName: 'alb' },
    expected: ['class nginx (annotation kubernetes.io/ingress.class)'],
  },
  {
    name: 'another class by the legacy annotation, which Auto Mode does not know',
    annotations: { [legacyAnnotation]: 'nginx' },
    spec: { ingressClassName: 'alb' },
    controller: 'eks.amazonaws.com/alb',
    expected: [],
  },
  {
    name: 'no class in Auto Mode, only the legacy annotation',
    annotations: { [legacyAnnotation]: 'alb' },
    spec: {},
    controller: 'eks.amazonaws.com/alb',
    expected: ['class (none)'],
  },
  {
    name: 'another class that the legacy annotation overrides',
    annotations: { [legacyAnnotation]: 'alb' },
    spec: { ingressClassName: 'nginx' },
    expected: [],
  },
  {
    name: 'another host',
    spec: { ingressClassName: 'alb', rules: [{ host: 'other.example.com' }] },
    expected: ['other.example.com'],
  },
])('findOtherPurposes: $name', ({ annotations = {}, spec, controller, expected }) => {
  expect(findOtherPurposes(createSettings(), ingress(annotations, { spec }), controller)).toEqual(
    expected,
  )
})
