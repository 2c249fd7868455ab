import { expect, test } from '@jest/globals'
import { valueAtFieldPath } from '../../../src/clients/kubernetes/field-path.ts'

const service = {
  metadata: {
    annotations: { 'example.com/owner': 'somebody', example: { com: 'no annotation' } },
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

test.each<[name: string, object: unknown, field: string, expected: unknown]>([
  ['a field', service, '.spec.type', 'ClusterIP'],
  ['a zero', deployment, '.spec.replicas', 0],
  ['an item by its name', deployment, '.spec.template.spec.containers[name="proxy"].image', 'a'],
  [
    'an item whose name contains punctuation',
    deployment,
    '.spec.template.spec.containers[name="side, car]"].image',
    'b',
  ],
  ['an item by two keys', service, '.spec.ports[port=9091,protocol="TCP"].name', 'metrics'],
  [
    'an item by two keys, one of which has its default',
    service,
    '.spec.ports[port=19530,protocol="TCP"].name',
    'milvus',
  ],
  ['a missing item', service, '.spec.ports[port=1,protocol="TCP"].name', undefined],
  ['an item of a set', service, '.metadata.finalizers[="b"]', 'b'],
  [
    'an annotation with dots in its key',
    service,
    '.metadata.annotations.example.com/owner',
    'somebody',
  ],
  ['a file of a ConfigMap', { data: { 'user.yaml': 'x' } }, '.data.user.yaml', 'x'],
  ['a map', service, '.spec.selector', {}],
  ['a missing field', service, '.spec.clusterIP', undefined],
  ['a field of a string', service, '.spec.type.name', undefined],
  ['an item of a map', service, '.spec[name="x"]', undefined],
  ['a path without a leading dot', service, 'spec', undefined],
  ['an empty path', service, '', service],
  ['an undefined object', undefined, '.spec', undefined],
])('valueAtFieldPath: %s', (_name, object, field, expected) => {
  expect(valueAtFieldPath(object, field)).toEqual(expected)
})
