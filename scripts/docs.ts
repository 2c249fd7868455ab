/**
 * `npm run docs`: writes what is generated from the declarations of the inputs and from the outputs
 * in action.yml: the inputs in action.yml, README's tables, the JSON Schema of targets files, and
 * regions of the reusable workflows.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { load } from 'js-yaml'
import { format, resolveConfig } from 'prettier'
import { targetsSchema } from '../src/fleet/plan/schema.ts'
import type { InputDeclaration } from '../src/inputs/declaration.ts'
import { describeDefault, describeInput, describeUse } from '../src/inputs/documentation.ts'
import { inputGroups, type InputName } from '../src/inputs/inputs.ts'
import { replaceRegions, type Outputs } from './workflow-regions.ts'

/** A file that is partly or completely generated. */
export interface DerivedFile {
  readonly path: string
  readonly current: string
  readonly expected: string
}

/** action.yml with the declared inputs. */
export async function replaceActionInputs(action: string): Promise<string> {
  const section = /(?<=^inputs:\n)[\s\S]*?(?=^outputs:$)/m
  if (!section.test(action)) throw new Error('action.yml has no sections inputs and outputs')
  const lines = inputGroups.flatMap(({ title, inputs: group }) => [
    `  # ${title}`,
    ...Object.entries(group).flatMap(([name, declaration]) => formatInput(name, declaration)),
    '',
  ])
  const text = action.replace(section, () => `${lines.join('\n')}\n`)
  return format(text, { ...(await resolveConfig('action.yml')), parser: 'yaml' })
}

function formatInput(name: string, { default: defaultText }: InputDeclaration): string[] {
  const lines = [
    `  ${name}:`,
    `    description: ${JSON.stringify(describeInput(name as InputName))}`,
  ]
  if (defaultText !== undefined) lines.push(`    default: ${JSON.stringify(defaultText)}`)
  return lines
}

const escapeCell = (text: string) => text.replaceAll('|', '\\|').replace(/\s+/g, ' ')

const formatRow = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(' | ')} |`

const formatTable = (columns: readonly string[], rows: readonly (readonly string[])[]): string =>
  [columns, columns.map(() => '---'), ...rows].map(formatRow).join('\n')

/** A heading and a table for each group. */
function formatInputTables(): string {
  const sections = inputGroups.map(({ title, inputs: group }) => {
    const rows = Object.entries(group).map(([name, declaration]) => [
      `\`${name}\``,
      declaration.type,
      describeDefault(declaration),
      describeUse(name as InputName),
    ])
    return `### ${title}\n\n${formatTable(['Input', 'Type', 'Default', 'Description'], rows)}`
  })
  return sections.join('\n\n')
}

const formatOutputTable = (outputs: Outputs): string =>
  formatTable(
    ['Output', 'Description'],
    Object.entries(outputs).map(([name, { description }]) => [`\`${name}\``, description]),
  )

/** README with both tables. */
export function replaceTables(readme: string, outputs: Outputs): string {
  const tables = { inputs: formatInputTables(), outputs: formatOutputTable(outputs) }
  return Object.entries(tables).reduce((text, [name, table]) => {
    const region = new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*?(?=<!-- /${name} -->)`)
    if (!region.test(text)) throw new Error(`README.md has no region for the table of ${name}`)
    return text.replace(region, () => `\n${table}\n\n`)
  }, readme)
}

/** All generated files, as they are and as they should be. */
export async function generateDerivedFiles(): Promise<DerivedFile[]> {
  const readText = (path: string): string => readFileSync(path, 'utf8')
  const action = readText('action.yml')
  const { outputs } = load(action) as { outputs: Outputs }
  const readme = readText('README.md')
  const schemaPath = 'fleet/plan/targets.schema.json'
  const workflows = ['deploy', 'drift-check'].map((name): DerivedFile => {
    const path = `.github/workflows/${name}.yml`
    const current = readText(path)
    return { path, current, expected: replaceRegions(current, outputs) }
  })
  return [
    { path: 'action.yml', current: action, expected: await replaceActionInputs(action) },
    { path: 'README.md', current: readme, expected: replaceTables(readme, outputs) },
    {
      path: schemaPath,
      current: readText(schemaPath),
      expected: `${JSON.stringify(targetsSchema, null, 2)}\n`,
    },
    ...workflows,
  ]
}

if (import.meta.main)
  for (const { path, expected } of await generateDerivedFiles()) writeFileSync(path, expected)
