/**
 * Generated tables in pages. Each is a region between the lines `<!-- NAME -->` and `<!-- /NAME
 * -->`.
 */

/** A row of a table: cells by column name. */
export type TableRow = Readonly<Record<string, string | number>>

/**
 * Replaces one of a page's tables.
 * @throws Error if the page has no such region
 */
export function replaceTable(page: string, name: string, rows: readonly TableRow[]): string {
  const region = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
  if (!region.test(page)) throw new Error(`The page has no region for the table ${name}.`)
  return page.replace(
    region,
    (_all, start: string, end: string) => `${start}\n${formatTable(rows)}\n\n${end}`,
  )
}

/** Renders rows as a Markdown table. */
export function formatTable(rows: readonly TableRow[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = rows.map((row) =>
    columns.map((column) => String(row[column] ?? '').replaceAll('|', '\\|')),
  )
  const formatRow = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`
  return [formatRow(columns), formatRow(columns.map(() => '---')), ...cells.map(formatRow)].join(
    '\n',
  )
}
