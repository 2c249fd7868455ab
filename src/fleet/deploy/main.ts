/**
 * The action `fleet`: the main action for each target of a job, one after the other; one that fails
 * does not keep the others from their turn.
 */
import { rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { getInput, setFailed, setOutput } from '@actions/core'
import { getErrorMessage } from '../../util/text.ts'
import { readJobTargets, runTarget, sharedInputs, type TargetResult } from './run-target.ts'

/** The folder of all entries. The bundler would put its own idea in place of import.meta.url. */
const dist = join(dirname(process.argv[1] ?? ''), '../..')

async function run(): Promise<void> {
  const cancellation = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => cancellation.abort())
  const results: TargetResult[] = []
  try {
    const sharedValues = Object.fromEntries(sharedInputs.map((name) => [name, getInput(name)]))
    for (const { name, inputs } of readJobTargets(getInput('targets', { required: true }))) {
      if (cancellation.signal.aborted)
        results.push({ name, host: inputs['host'] ?? '', outcome: 'cancelled', outputs: {} })
      else
        results.push(
          await runTarget(
            { name, inputs: { ...inputs, ...sharedValues } },
            dist,
            cancellation.signal,
          ),
        )
    }
  } catch (thrown) {
    setFailed(getErrorMessage(thrown))
  }
  // Whatever happened: what is done is said.
  const file = join(process.env['RUNNER_TEMP'] ?? '.', 'milvus-alb-results.json')
  // Its name is known beforehand: whatever is there, a link to another file too, gives way to a
  // file of our own.
  rmSync(file, { force: true })
  writeFileSync(file, JSON.stringify(results), { flag: 'wx' })
  setOutput('results', JSON.stringify(results))
  setOutput('results-file', file)
  const unsuccessful = results.filter(({ outcome }) => outcome !== 'success')
  if (unsuccessful.length > 0)
    setFailed(
      `${unsuccessful.length} of ${results.length} targets did not succeed: ${unsuccessful.map(({ name, outcome, outputs }) => `${name} (${outputs['failure-code'] ?? outcome})`).join(', ')}`,
    )
}

await run()
