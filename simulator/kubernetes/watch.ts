/** Watches: the changes after a version as lines of JSON, until the client disconnects. */
import type { ServerResponse } from 'node:http'
import { formatApiVersion, type Resource } from './resources.ts'
import type { ObjectPredicate } from './selectors.ts'
import { expiredVersion } from './api-errors.ts'
import type { StoreChange, Store } from './store.ts'
import type { JsonObject, KubernetesObject } from './types.ts'

/** The objects of a watch. */
export interface WatchOptions {
  readonly resource: Resource
  /** Empty for all namespaces. */
  readonly namespace: string
  readonly isSelected: ObjectPredicate
  /** Formats the object of an event: complete, or as a table. */
  readonly serialize: (object: KubernetesObject) => JsonObject
}

/** Answers a watch request. */
export function serveWatch(
  store: Store,
  options: WatchOptions,
  query: URLSearchParams,
  response: ServerResponse,
): void {
  const fromVersion = query.get('resourceVersion') ?? ''
  const sendsInitialEvents = query.get('sendInitialEvents') === 'true'
  // Without a version, or with 0, a watch starts with the existing objects.
  const startsWithList = sendsInitialEvents || fromVersion === '' || fromVersion === '0'
  const send = (type: string, object: JsonObject): void =>
    void response.write(`${JSON.stringify({ type, object })}\n`)
  const sendChange = (change: StoreChange): void => {
    if (
      change.resource !== options.resource ||
      (options.namespace !== '' && change.object.metadata.namespace !== options.namespace)
    )
      return
    const type = visibleChangeType(change, options.isSelected)
    if (type) send(type, options.serialize(change.object))
  }
  response.writeHead(200, {
    'content-type': 'application/json',
    'cache-control': 'no-cache, private',
  })
  response.flushHeaders()
  const backlog = startsWithList ? [] : store.changesSince(Number(fromVersion))
  if (backlog === undefined) {
    // The watch cache of the real API reports this in the stream, after status 200.
    send('ERROR', expiredVersion(Number(fromVersion), store.oldestVersion).status())
    response.end()
    return
  }
  if (startsWithList)
    for (const object of store.list(options.resource, options.namespace).filter(options.isSelected))
      send('ADDED', options.serialize(object))
  // The informers of Helm and kubectl wait for this mark of the end of the list.
  if (sendsInitialEvents)
    send(
      'BOOKMARK',
      buildBookmark(options.resource, store.version, { 'k8s.io/initial-events-end': 'true' }),
    )
  backlog.forEach(sendChange)
  const stop = store.subscribe(sendChange)
  const seconds = Number(query.get('timeoutSeconds') ?? '0') || 1800
  const timer = setTimeout(() => {
    if (query.get('allowWatchBookmarks') === 'true')
      send('BOOKMARK', buildBookmark(options.resource, store.version, {}))
    response.end()
  }, seconds * 1000)
  response.on('close', () => {
    clearTimeout(timer)
    stop()
  })
}

/** A change as seen through a selector: an object that no longer matches is DELETED. */
function visibleChangeType(
  { type, object, previous }: StoreChange,
  isSelected: ObjectPredicate,
): StoreChange['type'] | undefined {
  const wasSelected = type !== 'ADDED' && previous !== undefined && isSelected(previous)
  const isSelectedNow = type !== 'DELETED' && isSelected(object)
  if (wasSelected && isSelectedNow) return 'MODIFIED'
  if (isSelectedNow) return 'ADDED'
  return wasSelected ? 'DELETED' : undefined
}

function buildBookmark(
  resource: Resource,
  version: number,
  annotations: Record<string, string>,
): JsonObject {
  return {
    apiVersion: formatApiVersion(resource),
    kind: resource.kind,
    metadata: {
      resourceVersion: String(version),
      creationTimestamp: null,
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    },
  }
}
