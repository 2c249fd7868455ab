/** Text from outside as Markdown that GitHub renders as plain text. Pure. */

/**
 * Escapes HTML, table cells, links, images, emphasis and math. Line breaks become `<br>`. A comment
 * within it keeps GitHub from making a link or mention of a URL, host name or address: entities are
 * decoded before it looks for those. Source: GFM, Autolinks; GitHub, Writing mathematical
 * expressions.
 */
export function escapeMarkdown(text: string): string {
  return text
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/([\\`*_[\]|!#~])/g, '\\$1')
    .replace(/\$/g, '<span>$$</span>')
    .replace(/(?<=:)(?=\/\/)|(?<=www)(?=\.)|(?<=@)/gi, '<!-- -->')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .join('<br>')
}

/** Code within a line. */
export const inlineCode = (text: string): string =>
  `<code>${escapeMarkdown(text.replace(/\s+/g, ' '))}</code>`

/** A fenced block of code that no line can close. */
export function codeBlock(language: string, lines: readonly string[]): string {
  const safeLines = lines.map((line) => line.replace(/[\r\n]+/g, ' ').replaceAll('```', "'''"))
  return [`\`\`\`${language}`, ...safeLines, '```'].join('\n')
}

/** A table. The cells are Markdown already. */
export function renderTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const renderRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const separator = `|${headings.map(() => '---|').join('')}`
  return [renderRow(headings), separator, ...rows.map(renderRow)].join('\n')
}
