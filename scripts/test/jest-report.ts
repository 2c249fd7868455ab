/** Reads jest's report (`--json --outputFile`) and formats failed tests as one line each. */
import { existsSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** A test in jest's report. Times are in milliseconds. */
export interface TestReport {
  readonly title: string
  readonly status: string
  readonly duration: number | null
  readonly failureMessages: readonly string[]
}

/** A test file in jest's report. Times are in milliseconds since its worker started. */
export interface FileReport {
  readonly name: string
  readonly startTime: number
  readonly endTime: number
  /** The reason why the file could not be run; empty otherwise. */
  readonly message: string
  readonly assertionResults: readonly TestReport[]
}

/** The fields of jest's report that are used. */
interface JestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numRuntimeErrorTestSuites: number
  readonly testResults: readonly FileReport[]
}

/** The result of a run of jest. */
export interface JestResult {
  readonly passed: number
  /**
   * The number of failed tests and of files that could not be run; at least 1 when no test passed.
   */
  readonly failed: number
  readonly files: readonly FileReport[]
}

/** Reads the report. A run without a report counts as one failure. */
export function readJestReport(path: string): JestResult {
  if (!existsSync(path)) return { passed: 0, failed: 1, files: [missingReport] }
  const report = JSON.parse(readFileSync(path, 'utf8')) as JestReport
  const failed =
    report.numFailedTests + report.numRuntimeErrorTestSuites + (report.numPassedTests === 0 ? 1 : 0)
  return { passed: report.numPassedTests, failed, files: report.testResults }
}

const missingReport: FileReport = {
  name: 'jest',
  startTime: 0,
  endTime: 0,
  message: 'Jest ended without a report. Its last output, above, says why.',
  assertionResults: [],
}

/** Formats failures as `file: test: first lines of the error`, for the end of a long log. */
export function formatFailures({ files }: Pick<JestResult, 'files'>): string[] {
  return files.flatMap(({ name, message, assertionResults }) => {
    const file = basename(name, '.test.ts')
    const tests = assertionResults
      .filter(({ status }) => status === 'failed')
      .map(
        ({ title, failureMessages }) =>
          `${file}: ${title}: ${toSingleLine(omitName(failureMessages[0] ?? ''))}`,
      )
    return tests.length > 0 || message === '' || assertionResults.length > 0
      ? tests
      : [`${file}: ${toSingleLine(message)}`]
  })
}

/** The message without its first line, which names the test again. */
const omitName = (failureMessage: string): string => failureMessage.replace(/^.*\n/, '')

/**
 * The maximum length of a message, in characters: enough for how a run of the action reports its
 * failure.
 */
const maxMessageLength = 600

const toSingleLine = (message: string): string =>
  stripVTControlCharacters(message)
    .replace(/^ *at .*$/gm, '')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, maxMessageLength)
