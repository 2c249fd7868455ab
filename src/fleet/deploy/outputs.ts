import { EOL } from 'node:os'

/**
 * Parses the contents of GITHUB_OUTPUT: `name=value`, and `name<<delimiter` with the lines of the
 * value up to the delimiter, which is the form that @actions/core writes. The last value of a name
 * wins. Source: GitHub, Workflow commands, Multiline strings.
 * @param lineEnd CRLF on Windows
 */
export function parseOutputs(text: string, lineEnd = EOL): Record<string, string> {
  const outputs = new Map<string, string>()
  const lines = text.split(lineEnd)
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(line) ?? []
    if (name !== undefined && delimiter !== undefined) {
      const end = lines.indexOf(delimiter, index + 1)
      // A run that was killed while it wrote the value.
      if (end === -1) break
      outputs.set(name, lines.slice(index + 1, end).join(lineEnd))
      index = end
    } else {
      const [, key, value] = /^([^=]+)=(.*)$/.exec(line) ?? []
      if (key !== undefined) outputs.set(key, value ?? '')
    }
  }
  return Object.fromEntries(outputs)
}
