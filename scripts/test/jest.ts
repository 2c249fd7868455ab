/** Runs jest and reads what it reports. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A test, as jest reports it. Times are milliseconds. */
export interface TestReport {
  readonly title: string
  readonly status: string
  readonly duration: number | null
}

/** A test file, as jest reports it. Times are milliseconds since the epoch. */
export interface FileReport {
  readonly name: string
  readonly startTime: number
  readonly endTime: number
  readonly assertionResults: readonly TestReport[]
}

/** How a run of jest ended. */
export interface JestResult {
  readonly passed: number
  /** Tests that failed, and files that could not be run; at least 1 when no test passed. */
  readonly failed: number
  readonly files: readonly FileReport[]
  readonly seconds: number
}

/** The part of jest's report that counts. */
interface JestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly FileReport[]
}

/** Runs jest with these arguments. */
export function runJest(args: readonly string[], environment: Readonly<Record<string, string>> = {}): JestResult {
  const start = performance.now()
  const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-jest-'))
  try {
    const path = join(scratch, 'jest.json')
    const options = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', 'node_modules/.bin/jest', '--json', `--outputFile=${path}`]
    spawnSync(process.execPath, [...options, ...args], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...environment } })
    const seconds = (): number => (performance.now() - start) / 1000
    if (!existsSync(path)) return { passed: 0, failed: 1, files: [], seconds: seconds() }
    const report = JSON.parse(readFileSync(path, 'utf8')) as JestReport
    const failed = report.numFailedTests + report.numRuntimeErrorTestSuites + (report.numPassedTests === 0 ? 1 : 0)
    return { passed: report.numPassedTests, failed, files: report.testResults, seconds: seconds() }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}
