/**
 * What has to change in etcd for a cluster to be as it was, and what its objects are called then.
 */
import { describe, expect, test } from '@jest/globals'
import { diffContent, withNewUids } from '../../integration/services/cluster-state.ts'

const encodeContent = (entries: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(
    Object.entries(entries).map(([key, value]) => [Buffer.from(key).toString('base64'), value]),
  )
const service = '/registry/services/specs/default/kubernetes'
const lease = '/registry/leases/kube-system/apiserver-x'

test.each([
  {
    name: 'an unchanged object',
    desired: { [service]: '1' },
    actual: { [service]: '1' },
    deleted: [],
    written: [],
  },
  {
    name: 'a new object',
    desired: { [service]: '1' },
    actual: { [service]: '1', '/registry/ingressclasses/nginx': '2' },
    deleted: ['/registry/ingressclasses/nginx'],
    written: [],
  },
  {
    name: 'a deleted object',
    desired: { [service]: '1' },
    actual: {},
    deleted: [],
    written: [service],
  },
  {
    name: 'a changed object',
    desired: { [service]: '1' },
    actual: { [service]: '2' },
    deleted: [],
    written: [service],
  },
  {
    name: 'a renewed heartbeat lease',
    desired: { [lease]: '1' },
    actual: { [lease]: '2' },
    deleted: [],
    written: [],
  },
  {
    name: 'a missing heartbeat lease',
    desired: { [lease]: '1' },
    actual: {},
    deleted: [],
    written: [lease],
  },
  {
    name: 'a lease that is not a heartbeat',
    desired: {},
    actual: { '/registry/leases/milvus/milvus-alb-action': '1' },
    deleted: ['/registry/leases/milvus/milvus-alb-action'],
    written: [],
  },
])('$name', ({ desired, actual, deleted, written }) => {
  const change = diffContent(encodeContent(desired), encodeContent(actual))
  const text = (key: string): string => Buffer.from(key, 'base64').toString()
  expect({
    deleted: change.deleted.map(text),
    written: change.written.map(([key]) => text(key)),
  }).toEqual({ deleted, written })
})

describe('withNewUids', () => {
  const [node, owner, pod] = [
    '11111111-aaaa-4aaa-8aaa-111111111111',
    '22222222-aaaa-4aaa-8aaa-222222222222',
    '33333333-aaaa-4aaa-8aaa-333333333333',
  ]
  const encoded = (entries: Readonly<Record<string, string>>): Map<string, string> =>
    encodeContent(
      Object.fromEntries(
        Object.entries(entries).map(([key, value]) => [
          key,
          Buffer.from(value, 'latin1').toString('base64'),
        ]),
      ),
    )
  const decoded = (state: ReadonlyMap<string, string>): string[] =>
    [...state.values()].map((value) => Buffer.from(value, 'base64').toString('latin1'))
  const initial = encoded({ '/registry/minions/a': node })
  const state = encoded({
    '/registry/minions/a': node,
    '/registry/replicasets/milvus/r': `k8s\x00\xff${owner}`,
    '/registry/pods/milvus/p': `${pod} of ${owner}`,
  })

  test('replaces the uids missing from the new cluster consistently, differently on each call, and preserves binary data', () => {
    const [kept, renewedOwner = '', renewedPod = ''] = decoded(withNewUids(state, initial))
    expect(kept).toBe(node)
    const other = renewedOwner.replace('k8s\x00\xff', '')
    expect(other).toMatch(/^[0-9a-f-]{36}$/)
    expect(other).not.toBe(owner)
    expect(renewedPod).toBe(`${renewedPod.slice(0, 36)} of ${other}`)
    expect(renewedPod).not.toContain(pod)
    expect(decoded(withNewUids(state, initial))[1]).not.toBe(renewedOwner)
  })
})
