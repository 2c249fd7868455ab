/** Texts of targets as plain text in Markdown. Pure. */

/** Escapes everything that Markdown, HTML or GitHub (mentions, issues) would interpret. */
export const escapeCell = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\\`*_{}[\]<>|#@!&~]/g, (character) => `&#${character.charCodeAt(0)};`)
    // GitHub looks for mentions and issues after it has decoded the text.
    .replace(/&#(35|64);/g, '$&&#8203;')

/** Code within a line. An empty text would join the backticks around it to one longer fence. */
export function codeSpan(text: string): string {
  const code = text.replace(/\s+/g, ' ').replace(/`/g, "'").replaceAll('|', '¦')
  return `\`${code.slice(0, 300).trim() || '(empty)'}\``
}
