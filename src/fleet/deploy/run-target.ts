/** One target of a job: the main action as a process of its own, with the inputs of the target. */
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inputNames, inputsOfFleetScope } from '../../inputs/inputs.ts'

/** What became of a target. */
export interface TargetResult {
  readonly name: string
  readonly host: string
  /** `missing`: its job left no result. */
  readonly outcome: 'success' | 'failure' | 'cancelled' | 'missing'
  /** The action's outputs. */
  readonly outputs: Readonly<Record<string, string>>
}

/** The inputs that the job sets for all of its targets: what it does, and its secrets. */
export const sharedInputs = inputsOfFleetScope('job')

/** The environment variable of an input. Source: GitHub, Metadata syntax. */
const inputVariableName = (input: string): string =>
  `INPUT_${input.replace(/ /g, '_').toUpperCase()}`

interface JobTarget {
  readonly name: string
  readonly inputs: Readonly<Record<string, string>>
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isStringRecord = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((entry) => typeof entry === 'string')

/** A list in JSON whose entries are what they should be; undefined when it is something else. */
function parseJsonList<T>(text: string, isEntry: (entry: unknown) => entry is T): T[] | undefined {
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every(isEntry) ? list : undefined
  } catch {
    return undefined
  }
}

const isTarget = (entry: unknown): entry is JobTarget =>
  isObject(entry) && typeof entry['name'] === 'string' && isStringRecord(entry['inputs'])

const isResult = (entry: unknown): entry is TargetResult =>
  isObject(entry) &&
  ['name', 'host', 'outcome'].every((name) => typeof entry[name] === 'string') &&
  isStringRecord(entry['outputs'])

/**
 * Reads a job's `targets`.
 * @throws Error when it is not what the action `targets` made
 */
export function readJobTargets(text: string): JobTarget[] {
  const targets = parseJsonList(text, isTarget)
  if (!targets)
    throw new Error(
      'Input targets is not what the action targets gives: pass matrix.targets as it is.',
    )
  return targets
}

/**
 * Reads what a job left in an artifact.
 * @throws Error when this action did not write it
 */
export function readResults(text: string, artifact: number): TargetResult[] {
  const results = parseJsonList(text, isResult)
  if (!results)
    throw new Error(
      `Artifact ${artifact} of this run has the name of results, and something else in it: let no other step upload artifacts whose names begin so.`,
    )
  return results
}

/**
 * Runs main and post of the action for a target; its log, annotations and summary are those of this
 * step.
 * @param dist the folder with index.js and post/
 */
export async function runTarget(
  { name, inputs }: JobTarget,
  dist: string,
  signal: AbortSignal,
): Promise<TargetResult> {
  const host = inputs['host'] ?? ''
  const directory = await mkdtemp(join(process.env['RUNNER_TEMP'] ?? tmpdir(), 'milvus-alb-fleet-'))
  const [output, state] = [join(directory, 'output'), join(directory, 'state')]
  try {
    await Promise.all([output, state].map((file) => writeFile(file, '')))
    const inputVariables = Object.fromEntries(
      inputNames.map((input) => [inputVariableName(input), inputs[input] ?? '']),
    )
    const env = { ...process.env, ...inputVariables, GITHUB_OUTPUT: output, GITHUB_STATE: state }
    console.log(`\n${name} (${host})`)
    const exitCode = await runScript(join(dist, 'index.js'), env, signal)
    await runScript(join(dist, 'post/index.js'), env, new AbortController().signal)
    return {
      name,
      host,
      outcome: exitCode === 0 ? 'success' : signal.aborted ? 'cancelled' : 'failure',
      outputs: parseOutputs(await readFile(output, 'utf8')),
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/**
 * A cancelled child gets the signal that the runner gives a step, and time to say where it stands.
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

/**
 * `name<<delimiter`, as @actions/core writes outputs. Source: GitHub, Workflow commands, Multiline
 * strings.
 */
export function parseOutputs(text: string): Record<string, string> {
  return Object.fromEntries(
    [...text.matchAll(/^([^=<\n]+)<<(.+)\n([\s\S]*?)\n?^\2$/gm)].map(
      ([, name = '', , value = '']) => [name, value],
    ),
  )
}
