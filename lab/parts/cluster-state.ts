/**
 * The state of a cluster that is as good as new, and the way back to it. What the API server stores lies in etcd, object by
 * object, and nowhere else: a cluster is as new when etcd has the same keys with the same values.
 */
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { until } from '../process.ts'
import { Etcd, type EtcdChange, type EtcdContent } from './etcd.ts'

/** Leases by which the API server and the nodes say that they live: renewed all the time. They must be there, whatever they say. */
const heartbeat = /^\/registry\/leases\/(kube-system\/apiserver-|kube-node-lease\/)/

const nameOf = (key: string): string => Buffer.from(key, 'base64').toString()

/** What has to change for `actual` to be `wanted`. */
export function difference(wanted: EtcdContent, actual: EtcdContent): EtcdChange {
  return {
    deleted: [...actual.keys()].filter((key) => !wanted.has(key)),
    written: [...wanted].filter(([key, value]) => actual.get(key) !== value && !(actual.has(key) && heartbeat.test(nameOf(key)))),
  }
}

const isEmpty = ({ deleted, written }: EtcdChange): boolean => deleted.length + written.length === 0
const namesIn = ({ deleted, written }: EtcdChange): string => [...deleted, ...written.map(([key]) => key)].map(nameOf).join(', ')

/** How long nothing may change for a cluster to have come to rest, milliseconds. */
const rest = 300

/** Writes down what etcd holds as soon as it has come to rest. @param file where to */
export async function saveClusterState(etcdUrl: string, file: string): Promise<void> {
  const etcd = new Etcd(etcdUrl)
  const content = await atRest(etcd)
  await writeFile(file, JSON.stringify([...content]), { mode: 0o600 })
}

async function readState(file: string): Promise<EtcdContent> {
  return new Map(JSON.parse(await readFile(file, 'utf8')) as [string, string][])
}

const uid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/**
 * A state whose objects have uids that no object had before, but for those of the new cluster, which always are there.
 * Controllers remember by uid what they have seen: the scheduler ends when a pod turns up on another node (kube-scheduler,
 * backend/cache/cache.go, UpdatePod), and no EndpointSlice is written of which an older generation turns up (endpointslice,
 * util/endpointslice_tracker.go). The API server stores a uid as its text, so that another one fits in its place.
 */
export function withNewUids(state: EtcdContent, fresh: EtcdContent): EtcdContent {
  const text = (value: string): string => Buffer.from(value, 'base64').toString('latin1')
  const kept = new Set([...fresh.values()].flatMap((value) => text(value).match(uid) ?? []))
  const renewed = new Map<string, string>()
  const renew = (old: string): string => {
    if (kept.has(old)) return old
    const one = renewed.get(old) ?? randomUUID()
    renewed.set(old, one)
    return one
  }
  return new Map([...state].map(([key, value]) => [key, Buffer.from(text(value).replace(uid, renew), 'latin1').toString('base64')]))
}

/**
 * Brings the cluster to a state that was written down, with new uids. First it becomes as new, so that watchers see every object of before
 * deleted, and never one that turns into another of its name. Whatever a controller, which had not heard of it yet, writes
 * after that is undone as well.
 * @param state file with the wanted state; `fresh` again for a cluster that is as new
 * @param fresh file with the state of the new cluster
 * @throws Error that names what differs when the cluster does not stay so
 */
export async function restoreClusterState(etcdUrl: string, state: string, fresh: string): Promise<void> {
  const etcd = new Etcd(etcdUrl)
  const asNew = await readState(fresh)
  const wanted = state === fresh ? asNew : withNewUids(await readState(state), asNew)
  if (state !== fresh) await etcd.apply(difference(asNew, await etcd.read()))
  let since = performance.now()
  let left: EtcdChange | undefined
  await until(async () => {
    left = difference(wanted, await etcd.read())
    if (isEmpty(left)) return performance.now() - since >= rest
    await etcd.apply(left)
    since = performance.now()
    return false
  }, () => new Error(`the cluster does not become what it was: ${left === undefined ? 'etcd does not answer' : namesIn(left)}`), 30_000, rest / 2)
}

async function atRest(etcd: Etcd): Promise<EtcdContent> {
  let since = performance.now()
  let content: EtcdContent = new Map()
  await until(async () => {
    const before = content
    content = await etcd.read()
    if (isEmpty(difference(before, content)) && isEmpty(difference(content, before))) return performance.now() - since >= 3 * rest
    since = performance.now()
    return false
  }, () => new Error('the new cluster does not come to rest'), 60_000, rest)
  return content
}
