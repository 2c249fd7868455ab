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
import { parseJson } from '../../util/json.ts'
import { isStringRecord, type TargetResult } from './job-results.ts'
import { parseOutputs } from './outputs.ts'
import { TargetLog } from './target-log.ts'

/** The inputs that the job sets for all of its targets: what it does, and its secrets. */
export const sharedInputs = inputsOfFleetScope('job')

/** A target of a job, as fleet/plan writes it. */
export interface JobTarget {
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
 * The inputs of a target. One with a secret of its own does not get the certificate of the job,
 * which is for its other targets.
 */
export function chooseCertificate(inputs: JobTarget['inputs']): JobTarget['inputs'] {
  if (!inputs['certificate-secret']) return inputs
  return { ...inputs, certificate: '', 'private-key': '', 'certificate-chain': '' }
}

/** What a run of a target leaves. */
export interface TargetRun {
  readonly result: TargetResult
  /** Its job summary, Markdown. */
  readonly summary: string
}

/** How a target is run. */
export interface TargetRunOptions {
  /** The folder with index.js and post/. */
  readonly dist: string
  readonly signal: AbortSignal
  /**
   * Whether other targets run at the same time: the log then appears as a whole when the run ends,
   * and otherwise as it is written.
   */
  readonly isConcurrent: boolean
}

/**
 * Runs main and post of the main action for a target. Its log and its annotations become those of
 * the current step; everything else is its own.
 */
export async function runTarget(
  { name, inputs }: JobTarget,
  { dist, signal, isConcurrent }: TargetRunOptions,
): Promise<TargetRun> {
  const host = inputs['host'] ?? ''
  const runnerTemp = process.env['RUNNER_TEMP'] ?? tmpdir()
  const directory = await mkdtemp(join(runnerTemp, fleetDirectoryPrefix))
  const pathTo = (file: string): string => join(directory, file)
  const log = new TargetLog(isConcurrent)
  try {
    await Promise.all(['output', 'state', 'summary'].map((file) => writeFile(pathTo(file), '')))
    const env = {
      ...withoutInputs(process.env),
      ...createInputVariables(inputs),
      // Its post step removes what is left there, and nothing of another target.
      RUNNER_TEMP: directory,
      GITHUB_OUTPUT: pathTo('output'),
      GITHUB_STATE: pathTo('state'),
      GITHUB_STEP_SUMMARY: pathTo('summary'),
    }
    // A target that hangs would otherwise not appear at all.
    if (isConcurrent) console.log(`Started ${name}`)
    log.write(`\n${name} (${host})\n`)
    const exitCode = await runScript(join(dist, 'index.js'), { env, log, signal })
    await runScript(join(dist, 'post/index.js'), { env, log })
    const outputs = parseOutputs(await readFile(pathTo('output'), 'utf8'))
    return {
      result: { name, host, outcome: getOutcome(exitCode, signal), outputs },
      summary: await readFile(pathTo('summary'), 'utf8'),
    }
  } finally {
    log.end()
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
 * Runs a script. A cancellation sends it the signal that the runner sends a step, and waits until
 * it has written its outputs and summary.
 */
function runScript(
  script: string,
  options: { env: NodeJS.ProcessEnv; log: TargetLog; signal?: AbortSignal },
): Promise<number | null> {
  const { env, log, signal } = options
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { env, stdio: ['ignore', ...log.stdio] })
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => log.write(chunk))
    const cancel = (): void => void child.kill('SIGINT')
    signal?.addEventListener('abort', cancel, { once: true })
    if (signal?.aborted) cancel()
    child.once('error', reject).once('close', (exitCode) => {
      signal?.removeEventListener('abort', cancel)
      resolve(exitCode)
    })
  })
}
