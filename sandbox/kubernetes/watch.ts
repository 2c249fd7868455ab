/** Watches: the changes after a version, as lines of JSON, for as long as the client listens. */
import type { ServerResponse } from 'node:http'
import { apiVersion, type Resource } from './resources.ts'
import type { Selects } from './selectors.ts'
import { expired } from './status.ts'
import type { Change, Store } from './store.ts'
import type { JsonObject, KubernetesObject } from './types.ts'

/** What a watch follows. */
export interface Watched {
  readonly resource: Resource
  /** Empty for all. */
  readonly namespace: string
  readonly selects: Selects
  /** How an event's object is written: whole, or as a row of a table. */
  readonly write: (object: KubernetesObject) => JsonObject
}

/** Answers a watch. */
export function serveWatch(store: Store, watched: Watched, query: URLSearchParams, response: ServerResponse): void {
  const from = query.get('resourceVersion') ?? ''
  const initial = query.get('sendInitialEvents') === 'true'
  // Without a version, or with 0, a watch begins with what is there.
  const synthetic = initial || from === '' || from === '0'
  const send = (type: string, object: JsonObject): void => void response.write(`${JSON.stringify({ type, object })}\n`)
  const tell = (change: Change): void => {
    if (change.resource !== watched.resource || (watched.namespace !== '' && change.object.metadata.namespace !== watched.namespace)) return
    const type = seen(change, watched.selects)
    if (type) send(type, watched.write(change.object))
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' })
  response.flushHeaders()
  const backlog = synthetic ? [] : store.since(Number(from))
  if (backlog === undefined) {
    // The real API's watch cache says so inside the stream: the answer itself is a 200.
    send('ERROR', expired(Number(from), store.oldest).status())
    response.end()
    return
  }
  if (synthetic) for (const object of store.list(watched.resource, watched.namespace).filter(watched.selects)) send('ADDED', watched.write(object))
  // The end of the list has a mark of its own: helm's and kubectl's informers wait for it.
  if (initial) send('BOOKMARK', bookmark(watched.resource, store.version, { 'k8s.io/initial-events-end': 'true' }))
  backlog.forEach(tell)
  const stop = store.subscribe(tell)
  const seconds = Number(query.get('timeoutSeconds') ?? '0') || 1800
  const timer = setTimeout(() => {
    if (query.get('allowWatchBookmarks') === 'true') send('BOOKMARK', bookmark(watched.resource, store.version, {}))
    response.end()
  }, seconds * 1000)
  response.on('close', () => {
    clearTimeout(timer)
    stop()
  })
}

/** How a change looks through a selector: an object that stops matching is deleted for this watch. */
function seen({ type, object, previous }: Change, selects: Selects): Change['type'] | undefined {
  const before = type !== 'ADDED' && previous !== undefined && selects(previous)
  const after = type !== 'DELETED' && selects(object)
  if (before && after) return 'MODIFIED'
  if (after) return 'ADDED'
  return before ? 'DELETED' : undefined
}

function bookmark(resource: Resource, version: number, annotations: Record<string, string>): JsonObject {
  return {
    apiVersion: apiVersion(resource), kind: resource.kind,
    metadata: { resourceVersion: String(version), creationTimestamp: null, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) },
  }
}
