/**
 * Lint, formatting, types and freshness of dist/. A check is skipped if it passed before on exactly
 * the same files.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  computeFingerprint,
  distFreshness,
  readPassedFingerprint,
  recordPass,
  type RecordedCheck,
} from './check-records.ts'

/** A check of the repository that is not a test. */
interface Check extends RecordedCheck {
  readonly execute: () => Promise<boolean>
}

/** The result of a check. */
export interface CheckResult {
  readonly name: string
  readonly passed: boolean
  readonly seconds: number
}

const sources = ['*.ts', '*.mts', '*.mjs', '*.js', 'package-lock.json', 'tsconfig*.json', ':!dist']

const distCheck: Check = { ...distFreshness, execute: isDistFresh }

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
  distCheck,
]

/** Runs all checks in parallel. */
export const runChecks = (): Promise<CheckResult[]> => Promise.all(checks.map(runCheck))

/** Checks that dist/ is what src/ builds to. */
export const checkDist = (): Promise<CheckResult> => runCheck(distCheck)

async function runCheck(check: Check): Promise<CheckResult> {
  const { name } = check
  const start = performance.now()
  const fingerprint = computeFingerprint(check.files)
  const isUnchanged = readPassedFingerprint(check) === fingerprint
  const passed = isUnchanged || (await check.execute())
  if (passed) recordPass(check, fingerprint)
  const seconds = (performance.now() - start) / 1000
  const note = isUnchanged ? 'cached: no file has changed' : `${seconds.toFixed(0)} s`
  console.log(`${passed ? 'passed' : 'FAILED'}: ${name} (${note})`)
  return { name, passed, seconds }
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
