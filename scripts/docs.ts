/**
 * `npm run docs`: writes what follows from action.yml: README's tables, the JSON Schema of targets
 * files, and parts of the reusable workflows.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { createTargetsSchema } from '../src/fleet/plan/schema.ts'
import { replaceRegions, type ActionField } from './workflow-regions.ts'

const escapeCell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ')

function formatMarkdownTable(header: string, rows: readonly string[][]): string {
  return [
    header,
    header.replace(/[^|]+/g, '---'),
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n')
}

/**
 * README with both tables as action.yml has them.
 * @param readme its text, with the lines `<!-- inputs -->`, `<!-- outputs -->` and their ends
 * @param action action.yml's text
 */
export function replaceTables(readme: string, action: string): string {
  const { inputs, outputs } = load(action) as {
    inputs: Record<string, ActionField>
    outputs: Record<string, ActionField>
  }
  const tables = {
    inputs: formatMarkdownTable(
      '| Input | What | Default |',
      Object.entries(inputs).map(([name, input]) => [
        `\`${name}\``,
        escapeCell(input.description),
        input.default ? `\`${escapeCell(input.default)}\`` : '',
      ]),
    ),
    outputs: formatMarkdownTable(
      '| Output | What |',
      Object.entries(outputs).map(([name, output]) => [
        `\`${name}\``,
        escapeCell(output.description),
      ]),
    ),
  }
  return Object.entries(tables).reduce((text, [name, lines]) => {
    const region = new RegExp(`(<!-- ${name} -->\\n)[\\s\\S]*?(<!-- /${name} -->)`)
    if (!region.test(text)) throw new Error(`README.md has no place for the table of ${name}`)
    return text.replace(
      region,
      (_all, start: string, end: string) => `${start}\n${lines}\n\n${end}`,
    )
  }, readme)
}

/** fleet/plan/targets.schema.json, with the descriptions that action.yml gives the inputs. */
export function generateTargetsSchema(action: string): string {
  const { inputs } = load(action) as { inputs: Record<string, ActionField> }
  return `${JSON.stringify(createTargetsSchema(Object.fromEntries(Object.entries(inputs).map(([name, { description }]) => [name, description]))), null, 2)}\n`
}

/** Everything that follows from action.yml, by its path: what it is now, and what it has to be. */
export function generateDerivedFiles(
  action: string,
): { path: string; now: string; wanted: string }[] {
  const actionInterface = load(action) as {
    inputs: Record<string, ActionField>
    outputs: Record<string, ActionField>
  }
  const deriveFile = (path: string, wanted: (now: string) => string) => {
    const now = readFileSync(path, 'utf8')
    return { path, now, wanted: wanted(now) }
  }
  return [
    deriveFile('README.md', (now) => replaceTables(now, action)),
    deriveFile('fleet/plan/targets.schema.json', () => generateTargetsSchema(action)),
    ...['deploy', 'drift-check'].map((name) =>
      deriveFile(`.github/workflows/${name}.yml`, (now) => replaceRegions(now, actionInterface)),
    ),
  ]
}

if (import.meta.main)
  for (const { path, wanted } of generateDerivedFiles(readFileSync('action.yml', 'utf8')))
    writeFileSync(path, wanted)
