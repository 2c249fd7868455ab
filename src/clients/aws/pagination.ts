/** Lists of AWS, which come in pages. */

/**
 * Ten times as many as any quota of what we list has. A NextToken that never ends would else be
 * followed for ever.
 */
const maxPages = 100

/** @throws Error when the list goes on after that many pages */
export async function* limitPages<Page>(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
  let count = 0
  for await (const page of pages) {
    if ((count += 1) > maxPages) throw new Error(`its list does not end after ${maxPages} pages`)
    yield page
  }
}
