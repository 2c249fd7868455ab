/** Writes the records of the scenarios. `npm run scenarios` renders pages from them. */
import { appendFileSync } from 'node:fs'
import { basename } from 'node:path'
import { expect } from '@jest/globals'

export const environmentName = process.env['TEST_ENVIRONMENT'] === 'lab' ? 'lab' : 'simulator'
export const usesRealController =
  environmentName === 'lab' && (process.env['LAB_CONTROLLER'] ?? '') !== ''

const getFileName = (): string => basename(expect.getState().testPath ?? '')

/** The name of the scenario's file without its extension, under which times are recorded. */
export const getFileSubject = (): string => getFileName().replace('.test.ts', '')

/** Adds a line to the record of this environment, if a complete run is recorded. */
export function appendRecord(entry: object): void {
  const path = process.env['SCENARIO_RECORD'] ?? ''
  if (path === '') return
  const line = {
    environment: environmentName,
    controller: usesRealController ? 'real' : 'simulated',
    file: getFileName(),
    ...entry,
  }
  appendFileSync(path, `${JSON.stringify(line)}\n`)
}

/** Records that the current scenario saw a run fail with a code. */
export function recordFailureCode(code: string): void {
  appendRecord({ name: expect.getState().currentTestName, code })
}
