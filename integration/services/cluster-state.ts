/**
 * Saves and restores the state of a cluster. The API server stores all objects in etcd: a cluster
 * is restored when etcd has the same keys with the same values.
 */
import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { waitUntil } from '../../testing/wait.ts'
import { Etcd, type EtcdChange, type EtcdContent } from './etcd.ts'

/** The heartbeats of the API server and the nodes. They have to exist, but their values change. */
const heartbeatLease = /^\/registry\/leases\/(kube-system\/apiserver-|kube-node-lease\/)/

const decodeKey = (key: string): string => Buffer.from(key, 'base64').toString()

/** Computes the change that turns the actual content into the desired content. */
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

/** The milliseconds without a change after which a cluster is considered quiet. */
const stabilizationWindow = 300

/** Saves the content of etcd to a file once the cluster is quiet. */
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
 * Replaces the uids in a state, except those of objects of the initial cluster. Controllers
 * remember objects by uid: the scheduler exits when a pod appears on another node (kube-scheduler,
 * backend/cache/cache.go, UpdatePod), and an EndpointSlice with an older generation is not updated
 * (endpointslice, util/endpointslice_tracker.go). The API server stores uids as text, so they can
 * be replaced.
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
 * Restores a saved state with new uids. The initial state is restored first, so that watchers see
 * every previous object deleted and none replaced by another of the same name. Late writes of
 * controllers are also undone.
 * @param stateFile file with the desired state; may be the same as `initialFile`
 * @param initialFile file with the state of the new cluster
 * @throws Error with the differences when the state is not stable
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
      if (isEmpty(remaining)) return performance.now() - stableSince >= stabilizationWindow
      await etcd.apply(remaining)
      stableSince = performance.now()
      return false
    },
    {
      timeout: 30_000,
      interval: stabilizationWindow / 2,
      createError: () =>
        new Error(
          'The cluster was not restored: ' +
            (remaining === undefined ? 'etcd does not answer.' : describeChange(remaining)),
        ),
    },
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
        return performance.now() - stableSince >= 3 * stabilizationWindow
      stableSince = performance.now()
      return false
    },
    {
      timeout: 60_000,
      interval: stabilizationWindow,
      createError: () => new Error('The state of the new cluster is not stable.'),
    },
  )
  return content
}
