/** The jobs of the reusable workflows that run the targets of a fleet. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { load } from 'js-yaml'
import { buildJobs, getConcurrencyGroup } from '../../src/fleet/plan/matrix.ts'
import { repositoryRoot } from '../../testing/environment.ts'

interface Job {
  readonly name?: string
  readonly if?: string
  readonly needs?: string | readonly string[]
  readonly concurrency?: {
    readonly group: string
    readonly 'cancel-in-progress': boolean
    readonly queue: string
  }
  readonly steps?: readonly {
    readonly uses?: string
    readonly with?: Readonly<Record<string, unknown>>
  }[]
}

const readJobs = (name: string): Readonly<Record<string, Job>> => {
  const text = readFileSync(join(repositoryRoot, `.github/workflows/${name}.yml`), 'utf8')
  return (load(text) as { jobs: Record<string, Job> }).jobs
}

const noTarget = {
  name: 'a',
  environment: '',
  checkEnvironment: '',
  checkRoleToAssume: '',
  runsOn: [],
}

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
    const { one, fleet } = readJobs('deploy')
    for (const { concurrency } of [one, fleet].filter((job) => job !== undefined))
      expect(concurrency).toMatchObject({ 'cancel-in-progress': false, queue: 'max' })
    const roleToAssume = inputs['role-to-assume'] ?? ''
    const group = getConcurrencyGroup({ roleToAssume, inputs })
    expect(evaluateTemplate(removeSuffix(one?.concurrency?.group), inputs)).toBe(group)
    const [job] = buildJobs([{ ...noTarget, roleToAssume, inputs }], { runsOn: 'x', check: false })
    expect(
      removeSuffix(fleet?.concurrency?.group).replace(/\$\{\{ matrix\.(.*?) \}\}/g, (_all, name) =>
        String(job?.[name as 'concurrency']),
      ),
    ).toBe(group)
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

/** A job with what differs between matrices taken out: its name, its condition, and the matrix. */
const normalizeJob = (job: Job, number: string): unknown => ({
  ...(JSON.parse(
    JSON.stringify(job).replaceAll(`outputs.matrix${number}`, 'outputs.matrix'),
  ) as Job),
  name: '',
  if: '',
})

test.each([
  ['deploy', 'fleet'],
  ['drift-check', 'check'],
])('%s.yml: the jobs of all matrices are the same, and the report needs them', (file, first) => {
  const jobs = readJobs(file)
  const otherNumbers = ['-2', '-3', '-4']
  for (const number of otherNumbers) {
    const job = jobs[first + number] as Job
    expect(normalizeJob(job, number)).toEqual(normalizeJob(jobs[first] as Job, ''))
    expect(job.if).toBe(`needs.targets.outputs.matrix${number} != ''`)
  }
  expect(jobs['report']?.needs).toEqual([
    'targets',
    first,
    ...otherNumbers.map((number) => first + number),
  ])
  const plan = jobs['targets']?.steps?.find(({ uses }) => uses === '$/fleet/plan')
  expect(plan?.with?.['matrices']).toBe(4)
})
