/**
 * The state of a cluster that is as good as new, and the way back to it. What the API server stores
 * lies in etcd, object by object, and nowhere else: a cluster is as new when etcd has the same keys
 * with the same values.
 */
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { waitUntil } from '../process.ts'
import { Etcd, type EtcdChange, type EtcdContent } from './etcd.ts'

/**
 * Leases by which the API server and the nodes say that they live: renewed all the time. They must
 * be there, whatever they say.
 */
const heartbeatLease = /^\/registry\/leases\/(kube-system\/apiserver-|kube-node-lease\/)/

const decodeKey = (key: string): string => Buffer.from(key, 'base64').toString()

/** What has to change for `actual` to be `wanted`. */
export function diffContent(desired: EtcdContent, actual: EtcdContent): EtcdChange {
  return {
    deleted: [...actual.keys()].filter((key) => !desired.has(key)),
    written: [...desired].filter(
      ([key, value]) =>
        actual.get(key) !== value && !(actual.has(key) && heartbeatLease.test(decodeKey(key))),
    ),
  }
}

const isEmpty = ({ deleted, written }: EtcdChange): boolean => deleted.length + written.length === 0
const describeChange = ({ deleted, written }: EtcdChange): string =>
  [...deleted, ...written.map(([key]) => key)].map(decodeKey).join(', ')

/** How long nothing may change for a cluster to have come to rest, milliseconds. */
const quietPeriod = 300

/**
 * Writes down what etcd holds as soon as it has come to rest.
 * @param file where to
 */
export async function saveClusterState(etcdUrl: string, file: string): Promise<void> {
  const etcd = new Etcd(etcdUrl)
  const content = await waitUntilQuiet(etcd)
  await writeFile(file, JSON.stringify([...content]), { mode: 0o600 })
}

async function readState(file: string): Promise<EtcdContent> {
  return new Map(JSON.parse(await readFile(file, 'utf8')) as [string, string][])
}

const uidPattern = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/**
 * A state whose objects have uids that no object had before, but for those of the new cluster,
 * which always are there. Controllers remember by uid what they have seen: the scheduler ends when
 * a pod turns up on another node (kube-scheduler, backend/cache/cache.go, UpdatePod), and no
 * EndpointSlice is written of which an older generation turns up (endpointslice,
 * util/endpointslice_tracker.go). The API server stores a uid as its text, so that another one fits
 * in its place.
 */
export function withNewUids(state: EtcdContent, initial: EtcdContent): EtcdContent {
  const decodeValue = (value: string): string => Buffer.from(value, 'base64').toString('latin1')
  const preservedUids = new Set(
    [...initial.values()].flatMap((value) => decodeValue(value).match(uidPattern) ?? []),
  )
  const replacements = new Map<string, string>()
  const replaceUid = (original: string): string => {
    if (preservedUids.has(original)) return original
    const replacement = replacements.get(original) ?? randomUUID()
    replacements.set(original, replacement)
    return replacement
  }
  return new Map(
    [...state].map(([key, value]) => [
      key,
      Buffer.from(decodeValue(value).replace(uidPattern, replaceUid), 'latin1').toString('base64'),
    ]),
  )
}

/**
 * Brings the cluster to a state that was written down, with new uids. First it becomes as new, so
 * that watchers see every object of before deleted, and never one that turns into another of its
 * name. Whatever a controller, which had not heard of it yet, writes after that is undone as well.
 * @param stateFile file with the wanted state; `fresh` again for a cluster that is as new
 * @param initialFile file with the state of the new cluster
 * @throws Error that names what differs when the cluster does not stay so
 */
export async function restoreClusterState(
  etcdUrl: string,
  stateFile: string,
  initialFile: string,
): Promise<void> {
  const etcd = new Etcd(etcdUrl)
  const initialState = await readState(initialFile)
  const desired =
    stateFile === initialFile ? initialState : withNewUids(await readState(stateFile), initialState)
  if (stateFile !== initialFile) await etcd.apply(diffContent(initialState, await etcd.read()))
  let stableSince = performance.now()
  let remaining: EtcdChange | undefined
  await waitUntil(
    async () => {
      remaining = diffContent(desired, await etcd.read())
      if (isEmpty(remaining)) return performance.now() - stableSince >= quietPeriod
      await etcd.apply(remaining)
      stableSince = performance.now()
      return false
    },
    () =>
      new Error(
        `the cluster does not become what it was: ${remaining === undefined ? 'etcd does not answer' : describeChange(remaining)}`,
      ),
    30_000,
    quietPeriod / 2,
  )
}

async function waitUntilQuiet(etcd: Etcd): Promise<EtcdContent> {
  let stableSince = performance.now()
  let content: EtcdContent = new Map()
  await waitUntil(
    async () => {
      const previous = content
      content = await etcd.read()
      if (isEmpty(diffContent(previous, content)) && isEmpty(diffContent(content, previous)))
        return performance.now() - stableSince >= 3 * quietPeriod
      stableSince = performance.now()
      return false
    },
    () => new Error('the new cluster does not come to rest'),
    60_000,
    quietPeriod,
  )
  return content
}
