/** The action fleet/deploy: runs the main action for each target of a job, one after the other. */
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { getInput, setFailed, setOutput } from '@actions/core'
import { getErrorMessage } from '../../util/text.ts'
import type { JobResults, TargetResult } from './job-results.ts'
import { readCommonInputs, readJobTargets, runTarget, sharedInputs } from './run-target.ts'

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
  const unsuccessful = results.filter(({ outcome }) => outcome !== 'success')
  if (unsuccessful.length === 0) return
  const reasons = unsuccessful.map(describeResult).join(', ')
  setFailed(`${unsuccessful.length} of ${results.length} targets did not succeed: ${reasons}`)
}

/**
 * Adds the result of each target to `results`, and writes them: the runner may kill this process
 * before it ends. A failed target does not stop the others.
 */
async function runTargets(results: TargetResult[], signal: AbortSignal): Promise<void> {
  writeResults(results)
  setOutput('results-file', resultsFile)
  const sharedValues = Object.fromEntries(sharedInputs.map((name) => [name, getInput(name)]))
  const commonInputs = readCommonInputs(getInput('common-inputs') || '{}')
  for (const { name, inputs: ownInputs } of readJobTargets(
    getInput('targets', { required: true }),
  )) {
    const inputs = { ...commonInputs, ...ownInputs, ...sharedValues }
    const target = { name, inputs }
    results.push(
      signal.aborted
        ? { name, host: inputs['host'] ?? '', outcome: 'cancelled', outputs: {} }
        : await runTarget(target, dist, signal),
    )
    writeResults(results)
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
    dryRun: getInput('dry-run') === 'true',
    targets: results,
  }
  writeFileSync(newFile, JSON.stringify(jobResults), { flag: 'wx' })
  renameSync(newFile, resultsFile)
}

const describeResult = ({ name, outcome, outputs }: TargetResult): string =>
  `${name} (${outputs['failure-code'] || outcome})`

await run()
