/**
 * Lint, formatting, types and freshness of dist/. A check is skipped if it passed before on exactly
 * the same files.
 */
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cacheDirectory } from '../../testing/cli-tools.ts'

/** A check of the repository that is not a test. */
interface Check {
  readonly name: string
  /** The files on which the check depends, as pathspecs for `git ls-files`. */
  readonly files: readonly string[]
  readonly execute: () => Promise<boolean>
}

/** The result of a check. */
export interface CheckResult {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
}

const sources = ['*.ts', '*.mts', '*.mjs', '*.js', 'package-lock.json', 'tsconfig*.json', ':!dist']

const checks: readonly Check[] = [
  {
    name: 'lint',
    files: sources,
    execute: () => runCommand('node_modules/.bin/eslint', '.', '--max-warnings', '0'),
  },
  {
    name: 'formatting ("npm run format" fixes it)',
    files: ['.', ':!dist'],
    execute: () => runCommand('node_modules/.bin/prettier', '--check', '--log-level', 'warn', '.'),
  },
  { name: 'types', files: sources, execute: () => runCommand('node_modules/.bin/tsc', '--noEmit') },
  {
    name: 'dist/ is what src/ builds to ("npm run build" updates it)',
    files: [
      'src',
      'dist',
      'scripts/build.ts',
      'package-lock.json',
      'package.json',
      'tsconfig*.json',
    ],
    execute: isDistFresh,
  },
]

/** Runs all checks in parallel. */
export function runChecks(): Promise<CheckResult[]> {
  return Promise.all(checks.map(runCheck))
}

async function runCheck({ name, files, execute }: Check): Promise<CheckResult> {
  const start = performance.now()
  const recordPath = join(cacheDirectory, 'checks', name.replace(/\W.*/, ''))
  const fingerprint = computeFingerprint(files)
  const isUnchanged = readIfExists(recordPath) === fingerprint
  const passed = isUnchanged || (await execute())
  if (passed) {
    mkdirSync(dirname(recordPath), { recursive: true })
    writeFileSync(recordPath, fingerprint)
  }
  const seconds = (performance.now() - start) / 1000
  const note = isUnchanged ? 'cached: no file has changed' : `${seconds.toFixed(0)} s`
  console.log(`${passed ? 'passed' : 'FAILED'}: ${name} (${note})`)
  return { name, passed, seconds }
}

/** A digest of the content of the files and the version of Node. */
function computeFingerprint(patterns: readonly string[]): string {
  const names = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', '--', ...patterns],
    { encoding: 'utf8' },
  )
    .split('\n')
    .filter((name) => name !== '')
    .sort()
  const hash = createHash('sha256').update(process.version)
  for (const name of names) hash.update(`\0${name}\0`).update(readIfExists(name) ?? 'deleted')
  return hash.digest('hex')
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Runs a command and prints its output when it has ended, because commands run in parallel. */
function runCommand(command: string, ...args: string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
      })
    child.once('error', reject).once('close', (status) => {
      process.stdout.write(output)
      resolve(status === 0)
    })
  })
}

async function isDistFresh(): Promise<boolean> {
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'milvus-alb-dist-'))
  try {
    return (
      (await runCommand(process.execPath, 'scripts/build.ts', scratchDirectory)) &&
      isSameDirectory('dist', scratchDirectory)
    )
  } finally {
    rmSync(scratchDirectory, { recursive: true, force: true })
  }
}

/** Whether two directories contain the same files with the same bytes. */
function isSameDirectory(firstDirectory: string, secondDirectory: string): boolean {
  const files = listFiles(firstDirectory)
  return (
    files.join() === listFiles(secondDirectory).join() &&
    files.every((file) =>
      readFileSync(join(firstDirectory, file)).equals(readFileSync(join(secondDirectory, file))),
    )
  )
}

function listFiles(directory: string): string[] {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  return entries.map((entry) => join(entry.parentPath, entry.name).slice(directory.length)).sort()
}
