/** Restores PEM from the forms in which secrets are stored. Pure. */

/** The text without space and quotes around it. */
export const stripQuotes = (text: string): string => text.trim().replace(/^(["'])(.*)\1$/s, '$2')

/**
 * PEM, or base64 of PEM, with or without line breaks and quotes.
 * @returns PEM with `\n` line ends, even if the text lost them; undefined if it is no PEM
 */
export function decodePem(text: string): string | undefined {
  const raw = stripQuotes(text)
  const pem = raw.includes('-----BEGIN') ? raw : Buffer.from(raw, 'base64').toString('utf8')
  return pem.includes('-----BEGIN') ? restoreLineEndings(pem) : undefined
}

/**
 * Line ends may have become `\r\n`, a backslash and an n, spaces, or nothing when the secret was
 * stored, and YAML may have indented them. Each block is cut out, and stands on lines of its own;
 * text between blocks, such as bag attributes, stays.
 */
function restoreLineEndings(text: string): string {
  const blocks = text
    .replace(/\\r/g, '')
    .replace(/\\n|\r\n?/g, '\n')
    .replace(
      /(-----BEGIN [A-Z0-9 ]+-----)([A-Za-z0-9+/=\s]+)(-----END [A-Z0-9 ]+-----)/g,
      (_block, begin: string, body: string, end: string) =>
        `\n${[begin, ...wrapBody(body.trim()), end].join('\n')}\n`,
    )
  const remainingLines = blocks.split('\n').map((line) => line.trim())
  return remainingLines.filter((line) => line !== '').join('\n') + '\n'
}

/** The lines of the body of a block: its own, unless they were joined or are too long. */
function wrapBody(body: string): string[] {
  const lines = body.split('\n')
  const isWrapped = lines.every((line) => /^\S{1,76}$/.test(line))
  return isWrapped ? lines : (body.replace(/\s+/g, '').match(/.{1,64}/g) ?? [])
}
