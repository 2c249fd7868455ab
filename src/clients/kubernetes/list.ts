/** Lists: all pages of a collection, within limits on pages and memory. */
import { StatusError, responseTooLarge, type Request } from './request.ts'
import type { Transport } from './transport.ts'
import type { KubernetesObject } from './types.ts'

/** How often to start a list that has expired or whose pages are too large. */
const maxListAttempts = 3
/**
 * Items per page; smaller pages follow when one is too large. Source: Kubernetes API concepts,
 * "Retrieving large results sets in chunks".
 */
const pageSizes = [250, 25, 1]
/** A list with more pages is treated as endless. */
const maxPages = 1_000
/** How many items of a list may be in memory. */
const maxItems = 20_000

/** Drops the items of a list that are not needed; called after each page with all items so far. */
export type ItemFilter<T> = (items: T[]) => T[]

/**
 * Reads all pages of a list. It starts again when its continue token has expired, and with smaller
 * pages when a page is too large.
 * @param filter keeps every item when absent
 */
export async function listAllPages<T extends KubernetesObject>(
  transport: Transport,
  request: Request,
  filter: ItemFilter<T> = (items) => items,
): Promise<T[]> {
  return transport.withDeadline(request, async (signal) => {
    const fetchPage = (query: Readonly<Record<string, string>>): Promise<unknown> =>
      transport.sendWithRetries({ ...request, query: { ...request.query, ...query } }, signal)
    for (let pageSizeIndex = 0, attempt = 1; ; attempt += 1) {
      try {
        return await collectPages(fetchPage, pageSizes[pageSizeIndex] ?? 1, filter)
      } catch (thrown) {
        const isTooLarge = thrown instanceof StatusError && thrown.reason === responseTooLarge
        const isExpired = thrown instanceof StatusError && thrown.status === 410
        if (attempt >= maxListAttempts || !(isTooLarge || isExpired)) throw thrown
        if (isTooLarge) pageSizeIndex += 1
      }
    }
  })
}

async function collectPages<T extends KubernetesObject>(
  fetchPage: (query: Readonly<Record<string, string>>) => Promise<unknown>,
  pageSize: number,
  filter: ItemFilter<T>,
): Promise<T[]> {
  let collectedItems: T[] = []
  let continueToken = ''
  for (let page = 1; page <= maxPages; page += 1) {
    const { items, metadata } = parseList(
      await fetchPage({
        limit: String(pageSize),
        ...(continueToken !== '' && { continue: continueToken }),
      }),
    )
    collectedItems = filter(collectedItems.concat(items as T[]))
    if (collectedItems.length > maxItems)
      throw new StatusError(200, {
        message: `the list contains more than ${maxItems} items, the limit of this action`,
      })
    const previousToken = continueToken
    continueToken = metadata?.continue ?? ''
    if (continueToken === '') return collectedItems
    if (continueToken === previousToken) break
  }
  throw new StatusError(200, {
    message: `the list does not end after ${maxPages} pages, or repeats a page`,
  })
}

interface ListPage {
  readonly items: readonly KubernetesObject[]
  readonly metadata?: { readonly continue?: string }
}

/** @throws StatusError when the response is not a page of a list */
function parseList(response: unknown): ListPage {
  const list = response as {
    readonly items?: unknown
    readonly metadata?: { readonly continue?: string }
  } | null
  const items = list?.items ?? []
  const isObject = (item: unknown): boolean =>
    typeof (item as KubernetesObject | null)?.metadata === 'object'
  if (list === null || !Array.isArray(items) || !items.every(isObject))
    throw new StatusError(200, { message: 'the response is not a list of objects' })
  return { ...list, items: items as KubernetesObject[] }
}
