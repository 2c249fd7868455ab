/** Bounds paginated lists of AWS. */

/**
 * Ten times the largest quota of what is listed. Without a limit, a NextToken that never ends
 * would be followed forever.
 */
const maxPages = 100

/** @throws Error when the list continues after that many pages */
export async function* limitPages<Page>(pages: AsyncIterable<Page>): AsyncGenerator<Page> {
  let count = 0
  for await (const page of pages) {
    count += 1
    if (count > maxPages) throw new Error(`the list does not end after ${maxPages} pages`)
    yield page
  }
}

/** All items of a paginated list. */
export async function collectPages<Page, Item>(
  pages: AsyncIterable<Page>,
  getItems: (page: Page) => readonly Item[],
): Promise<Item[]> {
  const items: Item[] = []
  for await (const page of limitPages(pages)) items.push(...getItems(page))
  return items
}
