/** The tables of docs/testing.md, from a whole `npm test -- --profile`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { readProfile, sumsOf, type ProfileLine } from '../../sandbox/profile.ts'
import { withTable, type Row } from '../tables.ts'
import type { JestRun } from './jest.ts'

/** One part of `npm test`. */
export interface Stage extends JestRun {
  readonly name: string
}

const page = 'docs/testing.md'

/** Writes them. @param profile the file of the lines that the scenarios noted */
export function writeProfile(stages: readonly Stage[], profile: string): void {
  const lines = readProfile(readFileSync(profile, 'utf8'))
  const text = withTable(readFileSync(page, 'utf8'), 'stages', stages.map(stageRow))
  writeFileSync(page, withTable(text, 'profile', profileRows(stages, lines)))
}

function stageRow({ name, passed, failed, seconds }: Stage): Row {
  return { 'part of npm test': name, passed, failed, 'time, s': Math.round(seconds) }
}

/** A row for each file of scenarios, the longest first, and their sum. */
function profileRows(stages: readonly Stage[], lines: readonly ProfileLine[]): Row[] {
  const files = stages.flatMap((stage) => stage.files).filter(({ name }) => name.includes('__tests__/scenarios/'))
  const bySubject = Map.groupBy(files, ({ name }) => basename(name, '.test.ts'))
  const rows = [...bySubject].map(([subject, own]) => {
    const tests = own.flatMap((file) => file.assertionResults).filter(({ status }) => status === 'passed').length
    const seconds = own.reduce((sum, { startTime, endTime }) => sum + (endTime - startTime) / 1000, 0)
    return rowOf(subject, tests, seconds, lines.filter((line) => line.subject === subject))
  })
  rows.sort((one, other) => other.seconds - one.seconds)
  const total = rowOf('all', rows.reduce((sum, { tests }) => sum + tests, 0), rows.reduce((sum, { seconds }) => sum + seconds, 0), lines)
  return [...rows, total].map(({ cells }) => cells)
}

function rowOf(subject: string, tests: number, seconds: number, lines: readonly ProfileLine[]): { tests: number; seconds: number; cells: Row } {
  const { world, start, close, action, helm, waiting } = sumsOf(lines)
  const environment = world + start + close
  const rest = Math.max(0, seconds - environment - action - helm - waiting)
  const whole = { 'time, s': seconds, environment, action, helm, waiting, 'assertions and the rest': rest }
  const rounded = Object.fromEntries(Object.entries(whole).map(([name, value]) => [name, Math.round(value)]))
  return { tests, seconds, cells: { file: subject, tests, ...rounded } }
}
