/** The concurrency groups of deploy.yml. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { getConcurrencyGroup } from '../src/fleet/plan/matrix.ts'
import { repositoryRoot } from '../testing/environment.ts'

interface Job {
  readonly concurrency?: { readonly group: string }
}

const deployWorkflow = load(
  readFileSync(join(repositoryRoot, '.github/workflows/deploy.yml'), 'utf8'),
) as { readonly jobs: Readonly<Record<string, Job>> }

/** Appends the run to a concurrency group with `queue-jobs: false`. */
const ownGroupSuffix = "${{ !inputs.queue-jobs && format('-{0}', github.run_id) || '' }}"

test.each<[name: string, inputs: Record<string, string>]>([
  ['no inputs', {}],
  [
    'a cluster',
    { 'role-to-assume': 'arn', region: 'us-east-2', cluster: 'c', namespace: 'n', release: 'r' },
  ],
  ['a kubeconfig', { kubeconfig: '/k', context: 'x', service: 's' }],
])(
  'deploy jobs of one release share a concurrency group, in a fleet or alone, unless queue-jobs is false: %s',
  (_name, inputs) => {
    const { one, fleet } = deployWorkflow.jobs
    for (const { concurrency } of [one, fleet].filter((job) => job !== undefined))
      expect(concurrency).toMatchObject({ 'cancel-in-progress': false, queue: 'max' })
    expect(fleet?.concurrency?.group).toBe(`\${{ matrix.concurrency }}${ownGroupSuffix}`)
    expect(evaluateTemplate(removeSuffix(one?.concurrency?.group), inputs)).toBe(
      getConcurrencyGroup({ roleToAssume: inputs['role-to-assume'] ?? '', inputs }),
    )
  },
)

/** The group of a job that queues. */
function removeSuffix(group = ''): string {
  expect(group.endsWith(ownGroupSuffix)).toBe(true)
  return group.slice(0, -ownGroupSuffix.length)
}

/**
 * Evaluates the expressions that the concurrency group uses: `a || b`, inputs, string literals, and
 * its only format().
 */
function evaluateTemplate(template: string, inputs: Record<string, string>): string {
  const evaluateOperand = (operand: string): string => {
    if (operand.startsWith('inputs.')) return inputs[operand.slice(7)] ?? ''
    if (operand.startsWith("'")) return operand.slice(1, -1)
    return `${inputs['kubeconfig'] ?? ''} ${inputs['context'] ?? ''}`
  }
  return template.replace(
    /\$\{\{ (.*?) \}\}/g,
    (_all, expression: string) =>
      expression
        .split(' || ')
        .map(evaluateOperand)
        .find((operandText) => operandText !== '') ?? '',
  )
}
