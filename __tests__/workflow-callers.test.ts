/** Checks what calls the reusable workflows: the templates, and the examples with their targets. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { isWorkflow, readExamples } from '../scripts/examples.ts'
import { readTargets } from '../src/fleet/plan/targets.ts'
import { repositoryRoot } from '../testing/environment.ts'

interface Job {
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, string>>
  readonly permissions?: Readonly<Record<string, string>>
}
interface WorkflowCall {
  readonly inputs: Readonly<Record<string, unknown>>
  readonly secrets: Readonly<Record<string, unknown>>
}
interface Workflow {
  readonly on: { readonly workflow_call?: WorkflowCall }
  readonly jobs: Readonly<Record<string, Job>>
}

const readText = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8')
const examples = readExamples(repositoryRoot)
const templates = readdirSync(join(repositoryRoot, 'workflow-templates')).filter((name) =>
  name.endsWith('.yml'),
)

const callers = [
  ...templates.map(
    (name) => [`workflow-templates/${name}`, readText(`workflow-templates/${name}`)] as const,
  ),
  ...examples
    .filter((example) => isWorkflow(example) && example.text.includes('.github/workflows/'))
    .map(({ path, text }) => [path, text] as const),
]

test.each(callers)(
  '%s calls a reusable workflow with valid inputs and secrets, and grants the permissions that it needs',
  (_name, content) => {
    const { jobs } = load(content) as Workflow
    for (const { uses = '', with: actual = {}, secrets = {}, permissions } of Object.values(jobs)) {
      const [, path = ''] =
        /^milvus-alb-action\/milvus-alb-action\/(\.github\/workflows\/[\w-]+\.yml)@v1$/.exec(
          uses,
        ) ?? []
      const calledWorkflow = load(readText(path)) as Workflow
      const workflowCall = calledWorkflow.on.workflow_call
      expect(Object.keys(workflowCall?.inputs ?? {})).toEqual(
        expect.arrayContaining(Object.keys(actual)),
      )
      // A called workflow receives a secret of the environment only when its caller names it.
      // Source: actions/runner, issue 1490. One with certificate-secret needs no certificate of it.
      const isUsed = (secret: string): boolean =>
        !('certificate-secret' in actual && secret.startsWith('TLS_'))
      const usedSecrets = Object.keys(workflowCall?.secrets ?? {}).filter(isUsed)
      expect(secrets).toEqual(
        Object.fromEntries(usedSecrets.map((secret) => [secret, `\${{ secrets.${secret} }}`])),
      )
      expect(permissions).toEqual(
        Object.assign({}, ...Object.values(calledWorkflow.jobs).map((job) => job.permissions)),
      )
    }
  },
)

test.each(examples.filter((example) => !isWorkflow(example)))(
  'the targets file $path is valid',
  ({ text }) => {
    const result = readTargets(text)
    expect('problems' in result ? result.problems : []).toEqual([])
  },
)

test('each workflow of a page is an example, and the index lists each example', () => {
  const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: repositoryRoot, encoding: 'utf8' })
  const workflows = pages
    .trim()
    .split('\n')
    .filter((page) => existsSync(join(repositoryRoot, page)))
    .flatMap((page) => [...readText(page).matchAll(/```yaml\n([\s\S]*?)```/g)])
    .map(([, text = '']) => ({ text }))
    .filter(isWorkflow)
  expect(workflows.length).toBeGreaterThan(5)
  expect(
    workflows.filter(({ text }) => !examples.some((example) => example.text === text)),
  ).toEqual([])
  const index = readText('examples/README.md')
  expect(
    examples.map(({ path }) => basename(path)).filter((name) => !index.includes(`](${name})`)),
  ).toEqual([])
})

test('a scenario plays each example', () => {
  const folder = '__tests__/scenarios'
  const scenarios = readdirSync(join(repositoryRoot, folder)).filter((name) =>
    name.endsWith('.test.ts'),
  )
  const text = scenarios.map((name) => readText(join(folder, name))).join('\n')
  expect(
    examples.map(({ path }) => basename(path)).filter((name) => !text.includes(`'${name}'`)),
  ).toEqual([])
})

test.each(templates)('template %s has the properties that GitHub displays', (name) => {
  expect(
    JSON.parse(readText(`workflow-templates/${name.replace('.yml', '.properties.json')}`)),
  ).toEqual({
    name: expect.any(String),
    description: expect.stringMatching(/\.$/),
    iconName: expect.stringMatching(/^octicon /),
    categories: [expect.any(String)],
    filePatterns: [],
  })
})
