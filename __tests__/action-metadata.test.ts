/** Checks that action.yml, the code, the README and the workflows agree. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { generateDerivedFiles } from '../scripts/docs.ts'
import { outputs } from '../src/steps/outputs.ts'
import {
  inputDefaults,
  inputGroups,
  inputNames,
  inputs,
  secretInputs,
} from '../src/inputs/inputs.ts'

const readText = (path: string) => readFileSync(join(import.meta.dirname, '..', path), 'utf8')
const action = load(readText('action.yml')) as {
  inputs: Record<string, { description: string; default?: string; required?: boolean }>
  outputs: Record<string, { description: string }>
  runs: { using: string; main: string; post: string }
}

test('action.yml declares the inputs of the parser with the same defaults', () => {
  expect(
    Object.fromEntries(
      Object.entries(action.inputs).map(([name, input]) => [name, input.default ?? '']),
    ),
  ).toEqual(inputDefaults)
})

test('action.yml declares the outputs that the action sets', () => {
  expect(Object.keys(action.outputs)).toEqual(Object.keys(outputs))
})

test('the secret inputs are the chart password, the Milvus token and the private keys', () => {
  expect([...secretInputs].sort()).toEqual([
    'chart-password',
    'milvus-token',
    'private-key',
    'probe-key',
  ])
})

describe('input declarations', () => {
  test('each input is in exactly one group of the README', () => {
    const names = inputGroups.flatMap((group) => Object.keys(group.inputs))
    expect(names.sort()).toEqual([...inputNames].sort())
  })

  test.each(inputNames)('the description of %s consists of complete sentences', (name) => {
    expect(inputs[name].description).toMatch(/^[A-Z`].*\.$/s)
  })

  test.each(inputNames)('%s has an example, a default, or a list of its values', (name) => {
    const { example, default: defaultText, type } = inputs[name]
    expect(example ?? defaultText ?? (type.includes('`') ? type : undefined)).toBeDefined()
  })

  test.each(inputNames)('the parser of %s accepts its example and its default', (name) => {
    const { example = '', default: defaultText = '', parse } = inputs[name]
    const texts = [example, defaultText].filter((text) => text !== '' && !text.startsWith('${{'))
    for (const text of texts) expect(() => parse(text)).not.toThrow()
  })

  test.each(inputNames)(
    'the example of %s is a secrets expression if the input is secret',
    (name) => {
      if (inputs[name].secret) expect(inputs[name].example).toMatch(/^\$\{\{ secrets\./)
    },
  )
})

test.each(Object.entries(action.outputs))(
  'the description of output %s ends with a period',
  (_name, { description }) => {
    expect(description).toMatch(/\.$/)
  },
)

const derivedFiles = await generateDerivedFiles()
test.each(derivedFiles.map((file) => [file.path, file] as const))(
  '%s is up to date ("npm run docs" updates it)',
  (_path, { current, expected }) => {
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

test('the workflows in the README use inputs and outputs that exist', () => {
  expect(workflows.length).toBeGreaterThan(1)
  for (const workflow of workflows) {
    // A complete workflow, or only some steps of one.
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

test('the action runs its main and post entry points on node24', () => {
  expect(action.runs).toEqual({
    using: 'node24',
    main: 'dist/index.js',
    post: 'dist/post/index.js',
  })
})
