/**
 * Lists a page at a time: what was there when the first was asked for, until that is compacted away.
 * Source: Kubernetes API concepts, "Retrieving large results sets in chunks"; apiserver, pkg/storage/continue.go.
 */
import { badRequest, expiredContinue } from './status.ts'
import type { Store } from './store.ts'
import type { JsonObject, KubernetesObject } from './types.ts'

/** A page, and what the list's metadata says of it. */
export interface Page {
  readonly items: KubernetesObject[]
  readonly metadata: JsonObject
}

/** Where a list goes on: at a key, with what was there at `rv`, or with what is there now when that is -1. */
interface Token {
  readonly rv: number
  readonly start: string
}

/** The whole lists that somebody has read a part of. */
const begun = new WeakMap<Store, Map<string, KubernetesObject[]>>()

/** @param list what the query asks for, in order. @throws ApiError 400, 410 */
export function page(store: Store, path: string, query: URLSearchParams, list: () => KubernetesObject[]): Page {
  const limit = Number(query.get('limit') ?? '0') || Infinity
  const token = readToken(query.get('continue') ?? '')
  const version = token && token.rv > 0 ? token.rv : store.version
  if (store.isForgotten(version)) throw expiredContinue(written({ rv: -1, start: token?.start ?? '' }))
  const selectors = ['labelSelector', 'fieldSelector'].map((name) => query.get(name) ?? '')
  const lists = begun.get(store) ?? new Map<string, KubernetesObject[]>()
  begun.set(store, lists)
  const name = [path, version, ...selectors].join(' ')
  const all = lists.get(name) ?? list()
  const first = token ? all.findIndex((object) => keyOf(object) >= token.start) : 0
  const [items, rest] = first < 0 ? [[], []] : [all.slice(first, first + limit), all.slice(first + limit)]
  const [next] = rest
  if (!next) {
    lists.delete(name)
    return { items, metadata: { resourceVersion: String(version) } }
  }
  lists.set(name, all)
  // How many are left is not known of a list with a selector.
  const remaining = selectors.every((selector) => selector === '') ? { remainingItemCount: rest.length } : {}
  return { items, metadata: { resourceVersion: String(version), continue: written({ rv: version, start: keyOf(next) }), ...remaining } }
}

const keyOf = ({ metadata: { namespace = '', name } }: KubernetesObject): string => `${namespace}/${name}`

const written = (token: Token): string => Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', ...token })).toString('base64url')

function readToken(text: string): Token | undefined {
  if (text === '') return undefined
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Token
  } catch {
    throw badRequest('continue key is not valid: the provided continue parameter is not a continue token')
  }
}
