/** `npm run docs`: writes README's tables of inputs and outputs from action.yml, between their markers. */
import { readFileSync, writeFileSync } from 'node:fs'
import { load } from 'js-yaml'

interface Entry {
  readonly description: string
  readonly default?: string
}

const cell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ')

function table(header: string, rows: readonly string[][]): string {
  return [header, header.replace(/[^|]+/g, '---'), ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n')
}

/**
 * README with both tables as action.yml has them.
 * @param readme its text, with the lines `<!-- inputs -->`, `<!-- outputs -->` and their ends
 * @param action action.yml's text
 */
export function withTables(readme: string, action: string): string {
  const { inputs, outputs } = load(action) as { inputs: Record<string, Entry>; outputs: Record<string, Entry> }
  const tables = {
    inputs: table('| Input | What | Default |', Object.entries(inputs).map(([name, input]) => [`\`${name}\``, cell(input.description), input.default ? `\`${cell(input.default)}\`` : ''])),
    outputs: table('| Output | What |', Object.entries(outputs).map(([name, output]) => [`\`${name}\``, cell(output.description)])),
  }
  return Object.entries(tables).reduce((text, [name, lines]) => {
    const region = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!region.test(text)) throw new Error(`README.md has no place for the table of ${name}`)
    return text.replace(region, (_all, start: string, end: string) => `${start}\n${lines}\n\n${end}`)
  }, readme)
}

if (import.meta.main) writeFileSync('README.md', withTables(readFileSync('README.md', 'utf8'), readFileSync('action.yml', 'utf8')))
