/**
 * Pages of a list. All pages show the objects at the time of the first one, until that version is
 * compacted. Source: Kubernetes API concepts, "Retrieving large results sets in chunks"; apiserver,
 * pkg/storage/continue.go.
 */
import { badRequest, expiredContinue } from './api-errors.ts'
import type { Store } from './store.ts'
import type { JsonObject, KubernetesObject } from './types.ts'

/** One page, with the metadata of the list. */
export interface Page {
  readonly items: KubernetesObject[]
  readonly metadata: JsonObject
}

/** Where the next page starts. */
interface ContinueToken {
  /** The version of the list; -1 for the current objects. */
  readonly rv: number
  /** The key of the first object. */
  readonly start: string
}

/** The complete lists of which a client has read a page, by query and version. */
const listSnapshots = new WeakMap<Store, Map<string, KubernetesObject[]>>()

/**
 * The page that a query requests.
 * @param list all objects that match the query, in order
 * @throws ApiError 400, 410
 */
export function paginate(
  store: Store,
  path: string,
  query: URLSearchParams,
  list: () => KubernetesObject[],
): Page {
  const limit = Number(query.get('limit') ?? '0') || Infinity
  const token = decodeToken(query.get('continue') ?? '')
  const version = token && token.rv > 0 ? token.rv : store.version
  if (store.isCompacted(version))
    throw expiredContinue(encodeToken({ rv: -1, start: token?.start ?? '' }))
  const selectors = ['labelSelector', 'fieldSelector'].map((name) => query.get(name) ?? '')
  const snapshots = listSnapshots.get(store) ?? new Map<string, KubernetesObject[]>()
  listSnapshots.set(store, snapshots)
  const name = [path, version, ...selectors].join(' ')
  const fullList = snapshots.get(name) ?? list()
  const startIndex = token ? fullList.findIndex((object) => objectKey(object) >= token.start) : 0
  const remaining = startIndex < 0 ? [] : fullList.slice(startIndex)
  const items = remaining.slice(0, limit)
  const rest = remaining.slice(limit)
  const [next] = rest
  if (!next) {
    snapshots.delete(name)
    return { items, metadata: { resourceVersion: String(version) } }
  }
  snapshots.set(name, fullList)
  const metadata: JsonObject = {
    resourceVersion: String(version),
    continue: encodeToken({ rv: version, start: objectKey(next) }),
  }
  // The API does not count the rest of a list with a selector.
  if (selectors.every((selector) => selector === '')) metadata['remainingItemCount'] = rest.length
  return { items, metadata }
}

const objectKey = ({ metadata: { namespace = '', name } }: KubernetesObject): string =>
  `${namespace}/${name}`

const encodeToken = (token: ContinueToken): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url')

function decodeToken(text: string): ContinueToken | undefined {
  if (text === '') return undefined
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as ContinueToken
  } catch {
    throw badRequest(
      'continue key is not valid: the provided continue parameter is not a continue token',
    )
  }
}
