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
  ['nought', deployment, '.spec.replicas', 0],
  ['an item by its name', deployment, '.spec.template.spec.containers[name="proxy"].image', 'a'],
  [
    'an item whose name has signs in it',
    deployment,
    '.spec.template.spec.containers[name="side, car]"].image',
    'b',
  ],
  ['an item by two keys', service, '.spec.ports[port=9091,protocol="TCP"].name', 'metrics'],
  [
    'an item by two keys, of which one is left to its default',
    service,
    '.spec.ports[port=19530,protocol="TCP"].name',
    'milvus',
  ],
  ['an item that is not there', service, '.spec.ports[port=1,protocol="TCP"].name', undefined],
  ['an item of a set', service, '.metadata.finalizers[="b"]', 'b'],
  ['a name with dots', service, '.metadata.annotations.example.com/owner', 'somebody'],
  ['a file of a ConfigMap', { data: { 'user.yaml': 'x' } }, '.data.user.yaml', 'x'],
  ['a map', service, '.spec.selector', {}],
  ['a field that is not there', service, '.spec.clusterIP', undefined],
  ['a field of a text', service, '.spec.type.name', undefined],
  ['an item of a map', service, '.spec[name="x"]', undefined],
  ['no field', service, 'spec', undefined],
  ['the object', service, '', service],
  ['nothing', undefined, '.spec', undefined],
])('%s', (_name, object, field, expected) => {
  expect(valueAtFieldPath(object, field)).toEqual(expected)
})
