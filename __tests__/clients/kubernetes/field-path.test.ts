import { expect, test } from '@jest/globals'
import { valueAtFieldPath } from '../../../src/clients/kubernetes/field-path.ts'

const service = {
  metadata: {
    annotations: { 'example.com/owner': 'another-team', example: { com: 'no annotation' } },
    finalizers: ['a', 'b'],
  },
  spec: {
    type: 'ClusterIP',
    ports: [
      { name: 'metrics', port: 9091, protocol: 'TCP' },
      { name: 'milvus', port: 19530 },
    ],
    selector: {},
  },
}
const deployment = {
  spec: {
    replicas: 0,
    template: {
      spec: {
        containers: [
          { name: 'proxy', image: 'a' },
          { name: 'side, car]', image: 'b' },
        ],
      },
    },
  },
}

test.each<{ name: string; object: unknown; field: string; expected: unknown }>([
  { name: 'a field', object: service, field: '.spec.type', expected: 'ClusterIP' },
  { name: 'a zero', object: deployment, field: '.spec.replicas', expected: 0 },
  {
    name: 'an item by its name',
    object: deployment,
    field: '.spec.template.spec.containers[name="proxy"].image',
    expected: 'a',
  },
  {
    name: 'an item whose name contains punctuation',
    object: deployment,
    field: '.spec.template.spec.containers[name="side, car]"].image',
    expected: 'b',
  },
  {
    name: 'an item by two keys',
    object: service,
    field: '.spec.ports[port=9091,protocol="TCP"].name',
    expected: 'metrics',
  },
  {
    name: 'an item by two keys, one of which has its default',
    object: service,
    field: '.spec.ports[port=19530,protocol="TCP"].name',
    expected: 'milvus',
  },
  {
    name: 'a missing item',
    object: service,
    field: '.spec.ports[port=1,protocol="TCP"].name',
    expected: undefined,
  },
  { name: 'an item of a set', object: service, field: '.metadata.finalizers[="b"]', expected: 'b' },
  {
    name: 'an annotation with dots in its key',
    object: service,
    field: '.metadata.annotations.example.com/owner',
    expected: 'another-team',
  },
  {
    name: 'a file of a ConfigMap',
    object: { data: { 'user.yaml': 'x' } },
    field: '.data.user.yaml',
    expected: 'x',
  },
  { name: 'a map', object: service, field: '.spec.selector', expected: {} },
  { name: 'a missing field', object: service, field: '.spec.clusterIP', expected: undefined },
  { name: 'a field of a string', object: service, field: '.spec.type.name', expected: undefined },
  { name: 'an item of a map', object: service, field: '.spec[name="x"]', expected: undefined },
  { name: 'a path without a leading dot', object: service, field: 'spec', expected: undefined },
  { name: 'an empty path', object: service, field: '', expected: service },
  { name: 'an undefined object', object: undefined, field: '.spec', expected: undefined },
])('valueAtFieldPath: $name', ({ object, field, expected }) => {
  expect(valueAtFieldPath(object, field)).toEqual(expected)
})
