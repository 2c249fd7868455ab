/** What jest reports of a run (`--json --outputFile`), and which tests failed, in a line each. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** A test, as jest reports it. Times are milliseconds. */
export interface TestReport {
  readonly title: string
  readonly status: string
  readonly duration: number | null
  readonly failureMessages: readonly string[]
}

/** A test file, as jest reports it. Times are milliseconds since the epoch. */
export interface FileReport {
  readonly name: string
  readonly startTime: number
  readonly endTime: number
  /** Why it could not be run; empty otherwise. */
  readonly message: string
  readonly assertionResults: readonly TestReport[]
}

/** The part of jest's report that counts. */
interface JestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly FileReport[]
}

/** How a run of jest ended. */
export interface JestResult {
  readonly passed: number
  /** Tests that failed, and files that could not be run; at least 1 when no test passed. */
  readonly failed: number
  readonly files: readonly FileReport[]
}

/** Reads the report; a run without one failed. */
export function readJestReport(path: string): JestResult {
  if (!existsSync(path)) return { passed: 0, failed: 1, files: [] }
  const report = JSON.parse(readFileSync(path, 'utf8')) as JestReport
  const failed =
    report.numFailedTests + report.numRuntimeErrorTestSuites + (report.numPassedTests === 0 ? 1 : 0)
  return { passed: report.numPassedTests, failed, files: report.testResults }
}

/** `file: test: the first lines of its error`, for the end of a long log. */
export function formatFailures({ files }: Pick<JestResult, 'files'>): string[] {
  return files.flatMap(({ name, message, assertionResults }) => {
    const file = basename(name, '.test.ts')
    const tests = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(
        ({ title, failureMessages }) =>
          `${file}: ${title}: ${toSingleLine(failureMessages[0] ?? '')}`,
      )
    return tests.length > 0 || message === '' || assertionResults.length > 0
      ? tests
      : [`${file}: ${toSingleLine(message)}`]
  })
}

/**
 * The longest message that is shown, in characters: enough for what a run of the action says of its
 * failure.
 */
const maxMessageLength = 600

const toSingleLine = (message: string): string =>
  stripVTControlCharacters(message)
    .replace(/^ *at .*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxMessageLength)
