/** Runs the built action as a GitHub runner does: inputs and files by environment variables, main and then post. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { load } from 'js-yaml'

/** What a run left behind, for a person and for the next step. */
export interface ActionRun {
  readonly exitCode: number | null
  readonly outputs: Readonly<Record<string, string>>
  /** GITHUB_OUTPUT and GITHUB_STATE as they were written. */
  readonly outputText: string
  readonly state: string
  /** What was printed, without the commands that tell the runner what to mask; the runner's masks are not applied. */
  readonly log: string
  /** What the runner was told to mask. */
  readonly masks: readonly string[]
  readonly summary: string
  /** Files under RUNNER_TEMP and HOME when main and post were over. */
  readonly leftovers: readonly string[]
  /** Their text, and that of files in the system's temporary directory, by path. */
  readonly files: Readonly<Record<string, string>>
  /** Milliseconds of main. */
  readonly took: number
}

/** How to run. */
export interface RunOptions {
  /** The directory of action.yml and dist/. */
  readonly action: string
  readonly environment: Readonly<Record<string, string>>
  readonly inputs: Readonly<Record<string, string>>
  /** A directory for the runner's files. */
  readonly directory: string
  /** The working directory of the job, where relative paths start; this process' own when absent. */
  readonly workspace?: string
  /** The runner's own disk, which stays for its next run; a new one that goes when absent. */
  readonly disk?: string
  /** Whether the runner dies with main, and post never runs. */
  readonly runnerDies?: boolean
  /** Milliseconds after which main is killed, so that a run that hangs shows its log; two minutes when absent. */
  readonly timeout?: number
  /** Told of the process when it has started, and of each line that it prints. */
  readonly onStart?: (child: ChildProcess) => void
  readonly onLine?: (line: string) => void
}

interface ActionMetadata {
  readonly inputs: Readonly<Record<string, { default?: string } | null>>
  readonly runs: { readonly main: string; readonly post?: string }
}

/** action.yml, parsed. */
export const readAction = (directory: string): ActionMetadata => load(readFileSync(join(directory, 'action.yml'), 'utf8')) as ActionMetadata

const maskCommand = /^::add-mask::.*\n/gm

/** Runs main and post. Source: GitHub, Metadata syntax and Workflow commands. */
export async function runAction(options: RunOptions): Promise<ActionRun> {
  const metadata = readAction(options.action)
  const { files, environment } = await prepareRun(options)
  const start = performance.now()
  const main = await execute(join(options.action, metadata.runs.main), environment, options)
  const took = performance.now() - start
  const post = metadata.runs.post === undefined || options.runnerDies ? { printed: '' } : await execute(join(options.action, metadata.runs.post), environment, {})
  const printed = main.printed + post.printed
  const [outputText, state, summary] = await Promise.all([files.output, files.state, files.summary].map((file) => readFile(file, 'utf8'))) as [string, string, string]
  const run = {
    exitCode: main.exitCode,
    outputs: parseOutputs(outputText),
    outputText,
    state,
    log: printed.replace(maskCommand, ''),
    masks: printed.match(maskCommand) ?? [],
    summary,
    leftovers: [...await tree(files.temp), ...await tree(files.home)],
    files: Object.assign({}, ...await Promise.all([files.temp, files.home, files.system].map(filesUnder))) as Record<string, string>,
    took,
  }
  if (options.disk === undefined) await rm(files.directory, { recursive: true, force: true })
  return run
}

/** The runner's files, and the environment in which it runs main and post. The caller removes `files.directory`. */
export async function prepareRun(options: Pick<RunOptions, 'action' | 'directory' | 'disk' | 'environment' | 'inputs'>) {
  const files = await makeFiles(options)
  const inputs = Object.entries(readAction(options.action).inputs).map(([name, input]) => [`INPUT_${name.toUpperCase()}`, options.inputs[name] ?? input?.default ?? ''])
  const own = { HOME: files.home, RUNNER_TEMP: files.temp, TMPDIR: files.system, GITHUB_OUTPUT: files.output, GITHUB_STEP_SUMMARY: files.summary, GITHUB_STATE: files.state, GITHUB_ACTIONS: 'true' }
  return { files, environment: { ...own, ...options.environment, ...Object.fromEntries(inputs) as Record<string, string> } }
}

async function makeFiles(options: Pick<RunOptions, 'directory' | 'disk'>) {
  const directory = options.disk ?? await mkdtemp(join(options.directory, 'run-'))
  const at = (name: string) => join(directory, name)
  const files = { directory, home: at('home'), temp: at('temp'), system: at('tmp'), output: at('output'), summary: at('summary'), state: at('state') }
  await Promise.all([files.home, files.temp, files.system].map((path) => mkdir(path, { recursive: true })))
  await Promise.all([files.output, files.summary, files.state].map((file) => writeFile(file, '')))
  return files
}

function execute(script: string, env: Record<string, string>, { onStart, onLine, workspace, timeout = 120_000 }: Partial<RunOptions>): Promise<{ exitCode: number | null; printed: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script], { env, cwd: workspace, stdio: ['ignore', 'pipe', 'pipe'] })
    onStart?.(child)
    const killer = setTimeout(() => child.kill('SIGKILL'), timeout)
    let printed = ''
    let rest = ''
    const take = (chunk: string) => {
      printed += chunk
      const lines = (rest + chunk).split('\n')
      rest = lines.pop() ?? ''
      lines.forEach((line) => onLine?.(line))
    }
    child.stdout.setEncoding('utf8').on('data', take)
    child.stderr.setEncoding('utf8').on('data', take)
    child.on('error', reject)
    child.on('close', (exitCode) => {
      clearTimeout(killer)
      resolve({ exitCode, printed: child.signalCode === 'SIGKILL' ? `${printed}\nkilled after ${timeout} ms\n` : printed })
    })
  })
}

/** Both forms of GITHUB_OUTPUT: `name=value`, and `name<<delimiter`. The last value of a name wins. */
export function parseOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {}
  const lines = text.split('\n')
  for (let at = 0; at < lines.length; at += 1) {
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(lines[at] ?? '') ?? []
    if (name === undefined) {
      const [, key, value] = /^([^=]+)=(.*)$/.exec(lines[at] ?? '') ?? []
      if (key !== undefined) outputs[key] = value ?? ''
      continue
    }
    const end = lines.indexOf(delimiter ?? '', at + 1)
    outputs[name] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return outputs
}

/** The text of each file under a directory, by its path; none when it is not there. */
export async function filesUnder(directory: string): Promise<Record<string, string>> {
  const names = await tree(directory).catch(() => [])
  const texts = await Promise.all(names.map(async (name) => [join(directory, name), await readFile(join(directory, name), 'utf8').catch(() => '')] as const))
  return Object.fromEntries(texts)
}

async function tree(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
}
