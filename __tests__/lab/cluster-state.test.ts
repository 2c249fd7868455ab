/** What has to change in etcd for a cluster to be as it was. */
import { expect, test } from '@jest/globals'
import { difference } from '../../lab/parts/cluster-state.ts'

const content = (entries: Readonly<Record<string, string>>): Map<string, string> => new Map(Object.entries(entries).map(([key, value]) => [Buffer.from(key).toString('base64'), value]))
const service = '/registry/services/specs/default/kubernetes'
const lease = '/registry/leases/kube-system/apiserver-x'

test.each([
  ['the same', { [service]: '1' }, { [service]: '1' }, [], []],
  ['an object that is new', { [service]: '1' }, { [service]: '1', '/registry/ingressclasses/nginx': '2' }, ['/registry/ingressclasses/nginx'], []],
  ['an object that has gone', { [service]: '1' }, {}, [], [service]],
  ['an object that has changed', { [service]: '1' }, { [service]: '2' }, [], [service]],
  ['a heartbeat', { [lease]: '1' }, { [lease]: '2' }, [], []],
  ['a heartbeat that has stopped', { [lease]: '1' }, {}, [], [lease]],
  ['a lease of somebody else', {}, { '/registry/leases/milvus/milvus-alb-action': '1' }, ['/registry/leases/milvus/milvus-alb-action'], []],
])('%s', (_name, wanted, actual, deleted, written) => {
  const change = difference(content(wanted), content(actual))
  const text = (key: string): string => Buffer.from(key, 'base64').toString()
  expect({ deleted: change.deleted.map(text), written: change.written.map(([key]) => text(key)) }).toEqual({ deleted, written })
})
