/**
 * `npm run docs`: writes what is generated from the declarations of the inputs, of the outputs and
 * of the controller's errors: action.yml, README's tables, the JSON Schema of targets files,
 * regions of the reusable workflows, a table in docs/troubleshooting.md, and the versions in
 * docs/compatibility.md. It also copies the policies into the CloudFormation template, and the
 * examples into the pages that show them.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { targetsSchema } from '../src/fleet/plan/schema.ts'
import type { InputDeclaration } from '../src/inputs/declaration.ts'
import { describeDefault, describeInput, describeUse } from '../src/inputs/documentation.ts'
import { inputGroups, type InputName } from '../src/inputs/inputs.ts'
import { controllerErrors } from '../src/failures/controller-errors.ts'
import { outputs } from '../src/steps/outputs.ts'
import { replacePolicies } from './cloudformation.ts'
import {
  formatAnnotationVersions,
  formatControllerDefects,
  formatParts,
  formatVersions,
} from './compatibility.ts'
import { readExamples, replaceExamples, type Example } from './examples.ts'
import { replaceRegions } from './workflow-regions.ts'

/** A file that is partly or completely generated. */
export interface DerivedFile {
  readonly path: string
  readonly current: string
  readonly expected: string
}

/** action.yml with the declared inputs and outputs. */
async function replaceActionInterface(action: string): Promise<string> {
  const section = /(?<=^)inputs:\n[\s\S]*?(?=^runs:$)/m
  if (!section.test(action)) throw new Error('action.yml has no sections inputs and runs')
  const inputLines = inputGroups.flatMap(({ title, inputs: group }) => [
    `  # ${title}`,
    ...Object.entries(group).flatMap(([name, declaration]) => formatInput(name, declaration)),
    '',
  ])
  const outputLines = Object.entries(outputs).flatMap(([name, description]) => [
    `  ${name}:`,
    `    description: ${JSON.stringify(description)}`,
  ])
  const lines = ['inputs:', ...inputLines, 'outputs:', ...outputLines, '']
  const text = action.replace(section, () => `${lines.join('\n')}\n`)
  return format(text, { ...(await resolveConfig('action.yml')), parser: 'yaml' })
}

/**
 * The same action in a subfolder, because `uses: $/` needs a path: the reusable workflows run it as
 * `$/deploy`.
 */
const moveToSubfolder = (action: string): string =>
  `# Generated from ../action.yml by npm run docs.\n${action.replaceAll(': dist/', ': ../dist/')}`

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

const formatOutputTable = (): string =>
  formatTable(
    ['Output', 'Description'],
    Object.entries(outputs).map(([name, description]) => [`\`${name}\``, description]),
  )

/** Pages name the tag of the first release, which scripts/release.ts compares with the version. */
function describeRelease(version: string): string {
  return version.startsWith('0.')
    ? 'No version has been released yet: the first one is 1.0.0, and creates the tag `v1`.\n' +
        'Until then, use a commit.'
    : `The newest version is ${version}.`
}

const formatErrorTable = (): string =>
  formatTable(
    ['The message contains', 'Fix'],
    controllerErrors.map(({ contains, remedy }) => [
      contains.map((part) => `\`${part.replaceAll('*', '…')}\``).join(', '),
      remedy,
    ]),
  )

/**
 * A Markdown file with a generated table between its comments `<!-- name -->` and `<!-- /name -->`.
 */
function replaceTable(markdown: string, name: string, table: string): string {
  const region = new RegExp(`(?<=<!-- ${name} -->\\n)[\\s\\S]*?(?=<!-- /${name} -->)`)
  if (!region.test(markdown)) throw new Error(`there is no region for the table of ${name}`)
  return markdown.replace(region, () => `\n${table}\n\n`)
}

/** @param tables by the name of their region */
const replaceTables = (markdown: string, tables: Readonly<Record<string, string>>): string =>
  Object.entries(tables).reduce((text, [name, table]) => replaceTable(text, name, table), markdown)

function replaceReadmeRegions(readme: string, examples: readonly Example[]): string {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  const regions = {
    inputs: formatInputTables(),
    outputs: formatOutputTable(),
    versions: formatVersions(),
    released: describeRelease(version),
  }
  return replaceExamples(replaceTables(readme, regions), examples)
}

/** All generated files, as they are and as they should be. */
export async function generateDerivedFiles(): Promise<DerivedFile[]> {
  const readText = (path: string): string => readFileSync(path, 'utf8')
  const action = readText('action.yml')
  const expectedAction = await replaceActionInterface(action)
  const readme = readText('README.md')
  const examples = readExamples('.')
  const troubleshootingPath = 'docs/troubleshooting.md'
  const troubleshooting = readText(troubleshootingPath)
  const compatibilityPath = 'docs/compatibility.md'
  const compatibility = readText(compatibilityPath)
  const schemaPath = 'fleet/plan/targets.schema.json'
  const templatePath = 'docs/permissions/cloudformation.yaml'
  const template = readText(templatePath)
  const workflows = ['deploy', 'drift-check'].map((name): DerivedFile => {
    const path = `.github/workflows/${name}.yml`
    const current = readText(path)
    return { path, current, expected: replaceRegions(current) }
  })
  return [
    { path: 'action.yml', current: action, expected: expectedAction },
    {
      path: 'deploy/action.yml',
      current: readText('deploy/action.yml'),
      expected: moveToSubfolder(expectedAction),
    },
    {
      path: 'README.md',
      current: readme,
      expected: replaceReadmeRegions(readme, examples),
    },
    {
      path: troubleshootingPath,
      current: troubleshooting,
      expected: replaceTable(troubleshooting, 'controller-errors', formatErrorTable()),
    },
    {
      path: schemaPath,
      current: readText(schemaPath),
      expected: `${JSON.stringify(targetsSchema, null, 2)}\n`,
    },
    {
      path: templatePath,
      current: template,
      expected: replacePolicies(template, (file) => readText(`docs/permissions/${file}`)),
    },
    {
      path: compatibilityPath,
      current: compatibility,
      expected: replaceTables(compatibility, {
        parts: formatParts(),
        controller: formatAnnotationVersions(),
        'controller-defects': formatControllerDefects(),
      }),
    },
    ...workflows,
    ...listExamplePages(examples),
  ]
}

/** The pages that embed workflows. */
function listExamplePages(examples: readonly Example[]): DerivedFile[] {
  const names = readdirSync('docs/workflows').filter((name) => name.endsWith('.md'))
  return [
    'docs/workflows.md',
    'docs/deep-probe.md',
    'docs/mutual-tls.md',
    ...names.map((name) => `docs/workflows/${name}`),
  ].map((path) => {
    const current = readFileSync(path, 'utf8')
    return { path, current, expected: replaceExamples(current, examples) }
  })
}

if (import.meta.main)
  for (const { path, expected } of await generateDerivedFiles()) writeFileSync(path, expected)
