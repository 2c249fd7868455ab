/** The action fleet/deploy: runs the main action for each target of a job. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { error, getInput, setFailed, setOutput } from '@actions/core'
import { runConcurrently } from '../../util/concurrency.ts'
import { getErrorMessage } from '../../util/text.ts'
import { isDryRun, readCount } from '../job-inputs.ts'
import type { JobResults, TargetResult } from './job-results.ts'
import {
  chooseCertificate,
  readCommonInputs,
  readJobTargets,
  runTarget,
  sharedInputs,
  type JobTarget,
  type TargetRun,
  type TargetRunOptions,
} from './run-target.ts'
import { StepSummary } from './step-summary.ts'

/** The folder of all bundles. The bundler would replace import.meta.url. */
const dist = join(dirname(process.argv[1] ?? ''), '../..')

async function run(): Promise<void> {
  const results: TargetResult[] = []
  try {
    await runTargets(results, createCancellationSignal())
  } catch (thrown) {
    setFailed(getErrorMessage(thrown))
  }
  setOutput('results', JSON.stringify(results))
  setOutput('endpoint', getOnlyEndpoint(results))
  const unsuccessful = results.filter(({ outcome }) => outcome !== 'success')
  if (unsuccessful.length === 0) return
  const reasons = unsuccessful.map(describeResult).join(', ')
  setFailed(`${unsuccessful.length} of ${results.length} targets did not succeed: ${reasons}`)
}

/** GitHub shows one link per deployment. Empty with several targets. */
const getOnlyEndpoint = ([result, ...otherResults]: readonly TargetResult[]): string =>
  otherResults.length === 0 ? (result?.outputs['endpoint'] ?? '') : ''

/**
 * Adds the result of each target to `results`, and its summary to that of the step, in the order of
 * the targets. A failed target does not stop the others.
 */
async function runTargets(results: TargetResult[], signal: AbortSignal): Promise<void> {
  const endedTargets: TargetResult[] = []
  writeResults(endedTargets)
  setOutput('results-file', resultsFile)
  const targets = readTargets()
  const parallel = readCount('parallel') ?? 1
  const options = { dist, signal, isConcurrent: parallel > 1 && targets.length > 1 }
  const summary = new StepSummary(process.env['GITHUB_STEP_SUMMARY'])
  const runs = runConcurrently(targets, parallel, async (target) => {
    const run = await tryTarget(target, options)
    // At once: the runner may kill this process before it ends.
    endedTargets.push(run.result)
    writeResults(endedTargets)
    return run
  })
  for (const run of runs) {
    const { result, summary: text } = await run
    results.push(result)
    await summary.add(text)
  }
  await summary.end()
}

/** The targets, each with all of its inputs. */
function readTargets(): JobTarget[] {
  const sharedValues = Object.fromEntries(sharedInputs.map((name) => [name, getInput(name)]))
  const commonInputs = readCommonInputs(getInput('common-inputs') || '{}')
  return readJobTargets(getInput('targets', { required: true })).map(({ name, inputs }) => ({
    name,
    inputs: chooseCertificate({ ...commonInputs, ...inputs, ...sharedValues }),
  }))
}

/** Never rejects. */
async function tryTarget(target: JobTarget, options: TargetRunOptions): Promise<TargetRun> {
  const { name, inputs } = target
  const result = { name, host: inputs['host'] ?? '', outputs: {} }
  if (options.signal.aborted) return { result: { ...result, outcome: 'cancelled' }, summary: '' }
  try {
    return await runTarget(target, options)
  } catch (thrown) {
    error(`${name}: ${getErrorMessage(thrown)}`)
    return { result: { ...result, outcome: 'failure' }, summary: '' }
  }
}

function createCancellationSignal(): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => controller.abort())
  return controller.signal
}

const resultsFile = join(process.env['RUNNER_TEMP'] ?? '.', 'milvus-alb-results.json')

/** The file is complete at any time. */
function writeResults(results: readonly TargetResult[]): void {
  const newFile = `${resultsFile}.new`
  // The name is predictable, so whatever exists there, such as a link to another file, is replaced.
  rmSync(newFile, { force: true })
  const jobResults: JobResults = {
    attempt: Number(process.env['GITHUB_RUN_ATTEMPT'] ?? '1'),
    mode: getInput('mode'),
    dryRun: isDryRun(),
    targets: results,
  }
  writeFileSync(newFile, JSON.stringify(jobResults), { flag: 'wx' })
  renameSync(newFile, resultsFile)
}

const describeResult = ({ name, outcome, outputs }: TargetResult): string =>
  `${name} (${outputs['failure-code'] || outcome})`

await run()
