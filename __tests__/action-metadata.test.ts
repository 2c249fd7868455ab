/** action.yml, the code, README and the workflows say the same. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { generateDerivedFiles } from '../scripts/docs.ts'
import { outputNames } from '../src/steps/step.ts'
import { inputDefaults, secretInputs } from '../src/inputs/inputs.ts'

const readText = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const action = load(readText('action.yml')) as {
  inputs: Record<string, { description: string; default?: string; required?: boolean }>
  outputs: Record<string, { description: string }>
  runs: { using: string; main: string; post: string }
}

test('inputs and their defaults', () => {
  expect(
    Object.fromEntries(
      Object.entries(action.inputs).map(([name, input]) => [name, input.default ?? '']),
    ),
  ).toEqual(inputDefaults)
})

test('outputs', () => {
  expect(Object.keys(action.outputs)).toEqual([...outputNames])
})

test('every input is read by settings.ts, and no other', () => {
  const settings = ['src/inputs/settings.ts', 'src/inputs/restore-service.ts']
    .map(readText)
    .join('\n')
  const usedInputs = new Set(
    [
      ...settings.matchAll(
        /(?:optional|required|getInputText|collectProblem|addMissing)\(\s*'([a-z-]+)'/g,
      ),
    ].map(([, name]) => name),
  )
  expect([...usedInputs].sort()).toEqual(Object.keys(inputDefaults).sort())
})

test('secret inputs exist', () => {
  expect(secretInputs.filter((name) => !(name in action.inputs))).toEqual([])
})

describe('descriptions', () => {
  test.each(Object.entries(action.inputs))(
    'input %s has its form and an example',
    (_name, { description }) => {
      expect(description).toMatch(/[Ff]or example|`[\w-]+`/)
      expect(description).toMatch(/\.$/)
    },
  )
  test.each(Object.entries(action.outputs))('output %s', (_name, { description }) => {
    expect(description).toMatch(/\.$/)
  })
})

test.each(generateDerivedFiles(readText('action.yml')).map((file) => [file.path, file] as const))(
  '%s is what follows from action.yml ("npm run docs" mends it)',
  (_path, { now: current, wanted: expected }) => {
    expect(current).toBe(expected)
  },
)

const workflows = [...readText('README.md').matchAll(/```yaml\n([\s\S]*?)```/g)].map(
  ([, text = '']) => text,
)

interface WorkflowStep {
  uses?: string
  with?: object
}

test("README's workflows use inputs and outputs that exist", () => {
  expect(workflows.length).toBeGreaterThan(1)
  for (const workflow of workflows) {
    // A whole workflow, or steps of one.
    const parsed = load(workflow) as
      WorkflowStep[] | { jobs: Record<string, { steps: WorkflowStep[] }> }
    const steps = Array.isArray(parsed)
      ? parsed
      : Object.values(parsed.jobs).flatMap((job) => job.steps)
    const actionStep = steps.find(({ uses }) => uses?.startsWith('milvus-alb-action/'))
    expect(
      Object.keys(actionStep?.with ?? { none: true }).filter((name) => !(name in action.inputs)),
    ).toEqual([])
  }
  const outputs = workflows.flatMap((workflow) =>
    [...workflow.matchAll(/steps\.alb\.outputs\.([a-z-]+)/g)].map(([, name]) => name ?? ''),
  )
  expect(outputs.filter((name) => !(name in action.outputs))).toEqual([])
  expect(outputs.length).toBeGreaterThan(0)
})

test('it runs on node24, main and post', () => {
  expect(action.runs).toEqual({
    using: 'node24',
    main: 'dist/index.js',
    post: 'dist/post/index.js',
  })
})
