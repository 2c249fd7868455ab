/** Several targets of a job at once. */
import { expect } from '@jest/globals'
import type { TestEnvironment } from '../../testing/environment.ts'
import type { RunOptions, RunResult } from '../../testing/runner.ts'
import { runFleetAction } from './fleet-actions.ts'
import { scenario } from './harness.ts'
import { cancelWhen } from './interruptions.ts'
import { tokenCanary } from './leaks.ts'
import { defaultInputs } from './scenario-run.ts'

interface TargetResult {
  readonly name: string
  readonly outcome: string
  readonly outputs: Readonly<Record<string, string>>
}

/** Checks targets in these namespaces, two at a time. */
function checkNamespaces(
  environment: TestEnvironment,
  namespaces: Readonly<Record<string, string>>,
  options: Partial<RunOptions>,
): Promise<RunResult> {
  const { certificate = '', ...inputs } = environment.inputs()
  const targets = Object.entries(namespaces).map(([name, namespace]) => ({
    name,
    inputs: { ...inputs, 'private-key': '', region: environment.region, namespace },
  }))
  const jobInputs = {
    certificate,
    'milvus-token': defaultInputs['milvus-token'],
    'secret-values': defaultInputs.values,
    targets: JSON.stringify(targets),
    mode: 'check',
    parallel: '2',
  }
  return runFleetAction(environment, 'deploy', jobInputs, options)
}

const readResults = (run: RunResult): TargetResult[] =>
  JSON.parse(run.outputs['results'] ?? '[]') as TargetResult[]

/** The log of each target, in the order in which they appear. */
const splitLog = (log: string): [name: string, text: string][] =>
  log
    .split(/^(?=\w+ \(milvus\.)/m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf(' ')), text])

scenario(
  'two checks at once in a job: each log is printed as a whole when it ends, and results and summaries are in the order of the targets',
  async ({ environment }) => {
    const lastTargetEnded = Promise.withResolvers<undefined>()
    environment.faults.inject({
      service: 'kubernetes',
      operation: `GET /api/v1/namespaces/${environment.namespace}`,
      gate: lastTargetEnded.promise,
    })
    const run = await checkNamespaces(
      environment,
      { first: environment.namespace, gone: 'nowhere-1', last: 'nowhere-2' },
      {
        onLine: (line) => {
          if (line.startsWith('last (')) lastTargetEnded.resolve(undefined)
        },
      },
    )
    expect(run.exitCode).toBe(1)
    expect(
      readResults(run).map(({ name, outcome, outputs }) => [
        name,
        outcome,
        outputs['failure-code'],
        outputs['drift'],
      ]),
    ).toEqual([
      ['first', 'success', '', 'false'],
      ['gone', 'failure', 'namespace-not-found', 'unknown'],
      ['last', 'failure', 'namespace-not-found', 'unknown'],
    ])

    const logs = splitLog(run.log)
    expect(logs.map(([name]) => name)).toEqual(['gone', 'last', 'first'])
    const namespaces = logs.map(([, text]) => [...new Set(text.match(/nowhere-\d/g))])
    expect(namespaces).toEqual([['nowhere-1'], ['nowhere-2'], []])
    for (const [name, text] of logs)
      // Commands work only at the start of a line. The last error is that of the job.
      expect(text.match(/^::error.*nowhere/gm) ?? []).toHaveLength(name === 'first' ? 0 : 1)
    const summaryNames = [...run.summary.matchAll(/nowhere-\d|No drift/g)].map(([text]) => text)
    expect([...new Set(summaryNames)]).toEqual(['No drift', 'nowhere-1', 'nowhere-2'])

    expect(run.maskCommands.join('')).toContain(tokenCanary)
    for (const text of [run.log, run.summary, JSON.stringify(run.outputs)])
      expect(text).not.toContain(tokenCanary)
    expect(run.remainingFiles).toEqual(['milvus-alb-results.json'])
  },
  { start: 'deployed' },
)

scenario(
  'a job that is cancelled while it runs two checks cancels both, and starts no other',
  async ({ environment }) => {
    const canEnd = Promise.withResolvers<undefined>()
    environment.faults.inject({
      service: 'kubernetes',
      operation: /^GET .*\/namespaces\/nowhere-/,
      gate: canEnd.promise,
    })
    const nextRequestIn = (namespace: string) =>
      environment.requestLog.nextRequest(({ operation }) => operation.endsWith(`/${namespace}`))
    const { onStart } = cancelWhen(
      Promise.all([nextRequestIn('nowhere-1'), nextRequestIn('nowhere-2')]),
    )
    try {
      const run = await checkNamespaces(
        environment,
        { first: 'nowhere-1', second: 'nowhere-2', third: 'nowhere-3' },
        { onStart },
      )
      expect(run.exitCode).toBe(1)
      expect(
        readResults(run).map(({ name, outcome, outputs }) => [
          name,
          outcome,
          outputs['failure-code'],
        ]),
      ).toEqual([
        ['first', 'cancelled', 'cancelled'],
        ['second', 'cancelled', 'cancelled'],
        ['third', 'cancelled', undefined],
      ])
      expect(
        splitLog(run.log)
          .map(([name]) => name)
          .sort(),
      ).toEqual(['first', 'second'])
      expect(run.remainingFiles).toEqual(['milvus-alb-results.json'])
    } finally {
      canEnd.resolve(undefined)
    }
  },
  { start: 'cluster-ip' },
)
