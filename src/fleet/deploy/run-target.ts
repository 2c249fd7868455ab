/** Runs the main action for one target, as a separate process. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commonInputsInvalid, jobTargetsInvalid } from '../../failures/fleet.ts'
import { inputVariableName, withoutInputs } from '../../inputs/environment.ts'
import { inputNames, inputsOfFleetScope } from '../../inputs/inputs.ts'
import { isPlainObject } from '../../util/objects.ts'
import { fleetDirectoryPrefix } from '../../util/work-directory.ts'
import { isStringRecord, parseJson, type TargetResult } from './job-results.ts'
import { parseOutputs } from './outputs.ts'

/** The inputs that the job sets for all of its targets: what it does, and its secrets. */
export const sharedInputs = inputsOfFleetScope('job')

interface JobTarget {
  readonly name: string
  readonly inputs: Readonly<Record<string, string>>
}

const isTarget = (entry: unknown): entry is JobTarget =>
  isPlainObject(entry) && typeof entry['name'] === 'string' && isStringRecord(entry['inputs'])

const isTargetList = (value: unknown): value is JobTarget[] =>
  Array.isArray(value) && value.every(isTarget)

/**
 * Parses `targets` of a matrix job.
 * @throws Error when it does not come from fleet/plan
 */
export function readJobTargets(text: string): JobTarget[] {
  const targets = parseJson(text)
  if (!isTargetList(targets)) throw jobTargetsInvalid()
  return targets
}

/**
 * Parses `common-inputs` of a matrix job.
 * @throws Error when it does not come from fleet/plan
 */
export function readCommonInputs(text: string): JobTarget['inputs'] {
  const inputs = parseJson(text)
  if (!isStringRecord(inputs)) throw commonInputsInvalid()
  return inputs
}

/**
 * Runs main and post of the main action for a target. Log, annotations and summary become those of
 * the current step.
 * @param dist the folder with index.js and post/
 */
export async function runTarget(
  { name, inputs }: JobTarget,
  dist: string,
  signal: AbortSignal,
): Promise<TargetResult> {
  const host = inputs['host'] ?? ''
  const runnerTemp = process.env['RUNNER_TEMP'] ?? tmpdir()
  const directory = await mkdtemp(join(runnerTemp, fleetDirectoryPrefix))
  const outputFile = join(directory, 'output')
  const stateFile = join(directory, 'state')
  try {
    await Promise.all([writeFile(outputFile, ''), writeFile(stateFile, '')])
    const env = {
      ...withoutInputs(process.env),
      ...createInputVariables(inputs),
      GITHUB_OUTPUT: outputFile,
      GITHUB_STATE: stateFile,
      // Its post step removes what is left there, and nothing of another target.
      RUNNER_TEMP: directory,
    }
    console.log(`\n${name} (${host})`)
    const exitCode = await runScript(join(dist, 'index.js'), env, signal)
    await runScript(join(dist, 'post/index.js'), env, new AbortController().signal)
    return {
      name,
      host,
      outcome: getOutcome(exitCode, signal),
      outputs: parseOutputs(await readFile(outputFile, 'utf8')),
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The environment variables of all inputs, so that none is inherited from the current step. */
const createInputVariables = (inputs: JobTarget['inputs']): Record<string, string> =>
  Object.fromEntries(inputNames.map((input) => [inputVariableName(input), inputs[input] ?? '']))

function getOutcome(exitCode: number | null, signal: AbortSignal): TargetResult['outcome'] {
  if (exitCode === 0) return 'success'
  return signal.aborted ? 'cancelled' : 'failure'
}

/**
 * A cancellation sends the child the signal that the runner sends a step, and waits until the child
 * has written its outputs and summary.
 */
function runScript(
  script: string,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], {
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const cancel = (): void => void child.kill('SIGINT')
    signal.addEventListener('abort', cancel, { once: true })
    child.once('error', reject).once('close', (exitCode) => {
      signal.removeEventListener('abort', cancel)
      resolve(exitCode)
    })
  })
}
