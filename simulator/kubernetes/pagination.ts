/**
 * Lists a page at a time: what was there when the first was asked for, until that is compacted
 * away. Source: Kubernetes API concepts, "Retrieving large results sets in chunks"; apiserver,
 * pkg/storage/continue.go.
 */
import { badRequest, expiredContinue } from './api-errors.ts'
import type { Store } from './store.ts'
import type { JsonObject, KubernetesObject } from './types.ts'

/** A page, and what the list's metadata says of it. */
export interface Page {
  readonly items: KubernetesObject[]
  readonly metadata: JsonObject
}

/**
 * Where a list goes on: at a key, with what was there at `rv`, or with what is there now when that
 * is -1.
 */
interface ContinueToken {
  readonly rv: number
  readonly start: string
}

/** The whole lists that somebody has read a part of. */
const listSnapshots = new WeakMap<Store, Map<string, KubernetesObject[]>>()

/**
 * @param list what the query asks for, in order.
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
  const [items, rest] =
    startIndex < 0
      ? [[], []]
      : [fullList.slice(startIndex, startIndex + limit), fullList.slice(startIndex + limit)]
  const [next] = rest
  if (!next) {
    snapshots.delete(name)
    return { items, metadata: { resourceVersion: String(version) } }
  }
  snapshots.set(name, fullList)
  // How many are left is not known of a list with a selector.
  const remainingCount = selectors.every((selector) => selector === '')
    ? { remainingItemCount: rest.length }
    : {}
  return {
    items,
    metadata: {
      resourceVersion: String(version),
      continue: encodeToken({ rv: version, start: objectKey(next) }),
      ...remainingCount,
    },
  }
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
