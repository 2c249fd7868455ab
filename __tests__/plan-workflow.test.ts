/** plan.yml runs on pull requests: what it may do, and which runs it cancels. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { repositoryRoot } from '../testing/environment.ts'

interface Job {
  readonly if?: string
  readonly steps: readonly { readonly uses?: string; readonly with?: object }[]
}
interface Workflow {
  readonly on: object
  readonly concurrency: object
  readonly jobs: Readonly<Record<string, Job>>
}

const text = readFileSync(join(repositoryRoot, '.github/workflows/plan.yml'), 'utf8')
const { on, concurrency, jobs } = load(text) as Workflow
const findInputs = (action: string): object | undefined =>
  Object.values(jobs)
    .flatMap(({ steps }) => steps)
    .find(({ uses }) => uses === `$/fleet/${action}`)?.with

test('a plan is a dry run without the private key, and is called by the workflow of a pull request', () => {
  expect(Object.keys(on)).toEqual(['workflow_call'])
  expect(text).not.toMatch(/TLS_PRIVATE_KEY|MILVUS_TOKEN|pull_request_target/)
  expect(findInputs('plan')).toMatchObject({ 'dry-run': true, 'pull-request': true })
  expect(findInputs('deploy')).toMatchObject({ mode: 'deploy', 'dry-run': true })
  expect(findInputs('report')).toMatchObject({ 'dry-run': true, plan: true })
})

test('a newer push cancels the plan of an older one, and no other', () => {
  expect(concurrency).toEqual({
    group: expect.stringMatching(
      /^milvus-alb-plan-\$\{\{ github\.workflow \}\}-\$\{\{ github\.ref \}\}-\$\{\{ inputs\.targets-file \}\}-/,
    ),
    'cancel-in-progress': true,
  })
})

test('without a target to plan no job runs, and without a token that can write no comment is tried', () => {
  expect(jobs['plan']?.if).toBe("needs.targets.outputs.matrix != ''")
  expect(jobs['report']?.if).toContain("needs.targets.outputs.skipped == ''")
})
