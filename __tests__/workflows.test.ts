/** The reusable workflows and the templates against action.yml and against each other; actionlint (npm run workflows) sees to their form. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { repository } from '../sandbox/world.ts'

interface Step { readonly id?: string; readonly uses?: string; readonly with?: Readonly<Record<string, string>>; readonly run?: string }
interface Job { readonly uses?: string; readonly with?: Readonly<Record<string, unknown>>; readonly secrets?: Readonly<Record<string, string>>; readonly permissions?: Readonly<Record<string, string>>; readonly steps?: readonly Step[] }
interface Call { readonly inputs: Readonly<Record<string, unknown>>; readonly secrets: Readonly<Record<string, unknown>> }
interface Workflow { readonly on: { readonly workflow_call?: Call }; readonly permissions: object; readonly jobs: Readonly<Record<string, Job>> }

const text = (path: string): string => readFileSync(join(repository, path), 'utf8')
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the file is what says the type
const parsed = <T>(path: string): T => load(text(path)) as T
const own = 'milvus-alb-action/milvus-alb-action'
const pinned = new Map([...text('README.md').matchAll(/uses: ([\w./-]+)@([0-9a-f]{40}) # (v[\d.]+)/g)].map(([, name = '', commit = '']) => [name, commit]))

const workflows = ['deploy', 'ci'].map((name) => [name, parsed<Workflow>(`.github/workflows/${name}.yml`)] as const)
const templates = readdirSync(join(repository, 'workflow-templates')).filter((name) => name.endsWith('.yml'))

test.each(workflows)('%s: every step is an action that is pinned by commit, or one of ours by its full name with inputs that it has', (_name, { jobs }) => {
  for (const step of Object.values(jobs).flatMap((job) => job.steps ?? [])) {
    const [uses = '', reference = ''] = step.uses?.split('@') ?? []
    if (step.uses === undefined) {
      // Logic is in actions with tests: a command in YAML is only one that has some.
      expect(step.run).toBe('bash .ci/run')
    } else if (uses.startsWith(own)) {
      expect(reference).toBe('v1')
      const { inputs } = parsed<{ inputs: object }>(join(uses.slice(own.length + 1), 'action.yml'))
      expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(step.with ?? {})))
    } else {
      expect(reference).toMatch(/^[0-9a-f]{40}$/)
      expect(pinned.get(uses) ?? reference).toBe(reference)
    }
  }
})

test.each(workflows)('%s: nothing is allowed but what each job asks for, and no expression stands in a command', (name, { permissions, jobs }) => {
  expect(permissions).toEqual(name === 'ci' ? { contents: 'read' } : {})
  for (const job of Object.values(jobs)) if (name !== 'ci') expect(job.permissions).toBeDefined()
  expect(Object.values(jobs).flatMap((job) => job.steps ?? []).filter(({ run }) => run?.includes('${{'))).toEqual([])
})

test.each(templates)('template %s calls a reusable workflow with inputs and secrets that it has, and grants what it needs', (name) => {
  const { jobs } = parsed<Workflow>(`workflow-templates/${name}`)
  for (const { uses = '', with: given = {}, secrets = {}, permissions } of Object.values(jobs)) {
    const [, path = ''] = /^milvus-alb-action\/milvus-alb-action\/(\.github\/workflows\/[\w-]+\.yml)@v1$/.exec(uses) ?? []
    const called = parsed<Workflow>(path)
    const call = called.on.workflow_call
    expect(Object.keys(call?.inputs ?? {})).toEqual(expect.arrayContaining(Object.keys(given)))
    expect(Object.keys(call?.secrets ?? {})).toEqual(expect.arrayContaining(Object.keys(secrets)))
    expect(permissions).toEqual(Object.assign({}, ...Object.values(called.jobs).map((job) => job.permissions)))
  }
  expect(JSON.parse(text(`workflow-templates/${name.replace('.yml', '.properties.json')}`))).toEqual({
    name: expect.any(String), description: expect.stringMatching(/\.$/), iconName: expect.stringMatching(/^octicon /), categories: [expect.any(String)], filePatterns: [],
  })
})
