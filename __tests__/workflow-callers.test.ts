/** Checks what calls the reusable workflows: templates, and the workflows and files of pages. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { isWorkflow, readPageBlocks } from '../scripts/page-workflows.ts'
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
const blocks = readPageBlocks(repositoryRoot)
const templates = readdirSync(join(repositoryRoot, 'workflow-templates')).filter((name) =>
  name.endsWith('.yml'),
)

const callers = [
  ...templates.map(
    (name) => [`workflow-templates/${name}`, readText(`workflow-templates/${name}`)] as const,
  ),
  ...blocks
    .filter(isWorkflow)
    .map(({ page, text }) => [`${page}: ${/^name: (.*)/.exec(text)?.[1] ?? ''}`, text] as const),
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
      // Source: actions/runner, issue 1490.
      expect(secrets).toEqual(
        Object.fromEntries(
          Object.keys(workflowCall?.secrets ?? {}).map((secret) => [
            secret,
            `\${{ secrets.${secret} }}`,
          ]),
        ),
      )
      expect(permissions).toEqual(
        Object.assign({}, ...Object.values(calledWorkflow.jobs).map((job) => job.permissions)),
      )
    }
  },
)

test.each(blocks.filter((block) => !isWorkflow(block)))(
  'the targets file of $page is valid',
  ({ text }) => {
    const result = readTargets(text)
    expect('problems' in result ? result.problems : []).toEqual([])
  },
)

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
