/** `npm run docs`: writes what follows from action.yml: README's tables of inputs and outputs, and the JSON Schema of targets files. */
import { readFileSync, writeFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { targetsSchema } from '../src/fleet/schema.ts'

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

/** targets/targets.schema.json, with the descriptions that action.yml gives the inputs. */
export function schemaText(action: string): string {
  const { inputs } = load(action) as { inputs: Record<string, Entry> }
  return `${JSON.stringify(targetsSchema(Object.fromEntries(Object.entries(inputs).map(([name, { description }]) => [name, description]))), null, 2)}\n`
}

if (import.meta.main) {
  const action = readFileSync('action.yml', 'utf8')
  writeFileSync('README.md', withTables(readFileSync('README.md', 'utf8'), action))
  writeFileSync('targets/targets.schema.json', schemaText(action))
}
