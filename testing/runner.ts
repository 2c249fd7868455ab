/**
 * Runs the built action as a GitHub runner does: passes inputs and files in environment variables
 * and runs main, then post.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'
import { parseOutputs } from '../src/fleet/deploy/outputs.ts'

/** The results of a run, for users and for the next step. */
export interface RunResult {
  readonly exitCode: number | null
  readonly outputs: Readonly<Record<string, string>>
  /** The raw contents of GITHUB_OUTPUT; `state` contains those of GITHUB_STATE. */
  readonly outputText: string
  readonly state: string
  /** The printed output without the mask commands. The runner's masks are not applied. */
  readonly log: string
  /** The commands that tell the runner what to mask. */
  readonly maskCommands: readonly string[]
  readonly summary: string
  /** Files left in RUNNER_TEMP and HOME after main and post. */
  readonly remainingFiles: readonly string[]
  /** The contents of these files and of those in the system's temporary directory, by path. */
  readonly files: Readonly<Record<string, string>>
  /** The duration of main. */
  readonly durationMs: number
}

/** Options of executeAction. */
export interface RunOptions {
  /** The directory that contains action.yml and dist/. */
  readonly actionDirectory: string
  readonly env: Readonly<Record<string, string>>
  readonly inputs: Readonly<Record<string, string>>
  /** The directory for the runner's files. */
  readonly directory: string
  /**
   * The working directory of the job, which relative paths refer to; that of this process when
   * absent.
   */
  readonly workspace?: string
  /**
   * The disk of the runner, which is kept for the next run; a new one that is deleted
   * afterwards when absent.
   */
  readonly runnerDirectory?: string
  /** Whether the runner dies with main, so that post never runs. */
  readonly skipPost?: boolean
  /**
   * Milliseconds after which main is killed, so that the log of a hanging run is shown; two minutes
   * when absent.
   */
  readonly timeoutMs?: number
  /** Called with the process when it has started. `onLine` is called with each printed line. */
  readonly onStart?: (child: ChildProcess) => void
  readonly onLine?: (line: string) => void
}

interface ActionMetadata {
  readonly inputs: Readonly<Record<string, { default?: string } | null>>
  readonly runs: { readonly main: string; readonly post?: string }
}

/** Parses action.yml. */
export const readActionMetadata = (directory: string): ActionMetadata =>
  load(readFileSync(join(directory, 'action.yml'), 'utf8')) as ActionMetadata

const maskCommandPattern = /^::add-mask::.*\n/gm

/** Runs main and post. Source: GitHub, Metadata syntax and Workflow commands. */
export async function executeAction(options: RunOptions): Promise<RunResult> {
  const metadata = readActionMetadata(options.actionDirectory)
  const { files, environment: env } = await prepareRun(options)
  const start = performance.now()
  const main = await runScript(join(options.actionDirectory, metadata.runs.main), env, options)
  const durationMs = performance.now() - start
  const post =
    metadata.runs.post === undefined || options.skipPost
      ? { output: '' }
      : await runScript(join(options.actionDirectory, metadata.runs.post), env, {})
  const output = main.output + post.output
  const [outputText, state, summary] = (await Promise.all(
    [files.output, files.state, files.summary].map((file) => readFile(file, 'utf8')),
  )) as [string, string, string]
  const run = {
    exitCode: main.exitCode,
    outputs: parseOutputs(outputText),
    outputText,
    state,
    log: output.replace(maskCommandPattern, ''),
    maskCommands: output.match(maskCommandPattern) ?? [],
    summary,
    remainingFiles: [...(await listFiles(files.temp)), ...(await listFiles(files.home))],
    files: Object.assign(
      {},
      ...(await Promise.all([files.temp, files.home, files.systemTemp].map(readFilesUnder))),
    ) as Record<string, string>,
    durationMs,
  }
  if (options.runnerDirectory === undefined)
    await rm(files.directory, { recursive: true, force: true })
  return run
}

/**
 * Creates the runner's files and the environment variables of main and post. The caller removes
 * `files.directory`.
 */
export async function prepareRun(
  options: Pick<RunOptions, 'actionDirectory' | 'directory' | 'runnerDirectory' | 'env' | 'inputs'>,
) {
  const files = await createRunFiles(options)
  // A runner only warns of inputs that action.yml does not declare, and passes them too.
  const declared = Object.entries(readActionMetadata(options.actionDirectory).inputs).map(
    ([name, input]) => [name, input?.default ?? ''],
  )
  const texts = { ...Object.fromEntries(declared), ...options.inputs } as Record<string, string>
  const inputs = Object.entries(texts).map(([name, text]) => [
    `INPUT_${name.replaceAll(' ', '_').toUpperCase()}`,
    text,
  ])
  const runnerVariables = {
    HOME: files.home,
    RUNNER_TEMP: files.temp,
    TMPDIR: files.systemTemp,
    GITHUB_OUTPUT: files.output,
    GITHUB_STEP_SUMMARY: files.summary,
    GITHUB_STATE: files.state,
    GITHUB_ACTIONS: 'true',
  }
  return {
    files,
    environment: {
      ...runnerVariables,
      ...options.env,
      ...(Object.fromEntries(inputs) as Record<string, string>),
    },
  }
}

async function createRunFiles(options: Pick<RunOptions, 'directory' | 'runnerDirectory'>) {
  const directory = options.runnerDirectory ?? (await mkdtemp(join(options.directory, 'run-')))
  const pathTo = (name: string) => join(directory, name)
  const files = {
    directory,
    home: pathTo('home'),
    temp: pathTo('temp'),
    systemTemp: pathTo('tmp'),
    output: pathTo('output'),
    summary: pathTo('summary'),
    state: pathTo('state'),
  }
  await Promise.all(
    [files.home, files.temp, files.systemTemp].map((path) => mkdir(path, { recursive: true })),
  )
  await Promise.all([files.output, files.summary, files.state].map((file) => writeFile(file, '')))
  return files
}

function runScript(
  script: string,
  env: Record<string, string>,
  { onStart, onLine, workspace, timeoutMs = 120_000 }: Partial<RunOptions>,
): Promise<{ exitCode: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], {
      env,
      cwd: workspace,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onStart?.(child)
    const killTimer = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
    let output = ''
    let partialLine = ''
    const handleChunk = (chunk: string) => {
      output += chunk
      const lines = (partialLine + chunk).split('\n')
      partialLine = lines.pop() ?? ''
      lines.forEach((line) => onLine?.(line))
    }
    child.stdout.setEncoding('utf8').on('data', handleChunk)
    child.stderr.setEncoding('utf8').on('data', handleChunk)
    child.on('error', reject)
    child.on('close', (exitCode) => {
      clearTimeout(killTimer)
      resolve({
        exitCode,
        output:
          child.signalCode === 'SIGKILL' ? `${output}\nkilled after ${timeoutMs} ms\n` : output,
      })
    })
  })
}

/**
 * Reads all files under a directory.
 * @returns the text by path; empty if the directory does not exist
 */
export async function readFilesUnder(directory: string): Promise<Record<string, string>> {
  const names = await listFiles(directory).catch(() => [])
  const texts = await Promise.all(
    names.map(
      async (name) =>
        [
          join(directory, name),
          await readFile(join(directory, name), 'utf8').catch(() => ''),
        ] as const,
    ),
  )
  return Object.fromEntries(texts)
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}
