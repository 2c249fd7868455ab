/** `npm run docs`: writes what follows from action.yml: README's tables, the JSON Schema of targets files, and parts of the reusable workflows. */
import { readFileSync, writeFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { targetsSchema } from '../src/fleet/schema.ts'
import { withRegions, type Entry } from './workflow-regions.ts'

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

/** Everything that follows from action.yml, by its path: what it is now, and what it has to be. */
export function derived(action: string): { path: string; now: string; wanted: string }[] {
  const interfaceOf = load(action) as { inputs: Record<string, Entry>; outputs: Record<string, Entry> }
  const file = (path: string, wanted: (now: string) => string) => {
    const now = readFileSync(path, 'utf8')
    return { path, now, wanted: wanted(now) }
  }
  return [
    file('README.md', (now) => withTables(now, action)),
    file('targets/targets.schema.json', () => schemaText(action)),
    ...['deploy', 'drift-check'].map((name) => file(`.github/workflows/${name}.yml`, (now) => withRegions(now, interfaceOf))),
  ]
}

if (import.meta.main) for (const { path, wanted } of derived(readFileSync('action.yml', 'utf8'))) writeFileSync(path, wanted)
