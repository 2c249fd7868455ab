import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readJestReport, type JestResult } from './jest-report.ts'

/** The result and the duration of a run of jest. */
export interface JestRun extends JestResult {
  readonly seconds: number
}

/** Runs jest with the given arguments. */
export function runJest(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): JestRun {
  const start = performance.now()
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'milvus-alb-jest-'))
  try {
    const reportPath = join(scratchDirectory, 'jest.json')
    const options = [
      '--disable-warning=ExperimentalWarning',
      '--experimental-vm-modules',
      'node_modules/.bin/jest',
      '--json',
      `--outputFile=${reportPath}`,
    ]
    spawnSync(process.execPath, [...options, ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    })
    return { ...readJestReport(reportPath), seconds: (performance.now() - start) / 1000 }
  } finally {
    rmSync(scratchDirectory, { recursive: true, force: true })
  }
}
