/** Writes the tables of docs/testing.md from a complete `npm test -- --profile`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { parseProfile, sumByPhase, type ProfileEntry } from '../../testing/profile.ts'
import { replaceTable, type TableRow } from '../tables.ts'
import type { JestRun } from './jest.ts'

/** One stage of `npm test`. */
export interface TestStage extends JestRun {
  readonly name: string
}

const pagePath = 'docs/testing.md'

/**
 * Writes both tables.
 * @param profile path of the file with the measurements of the scenarios
 */
export function writeProfile(stages: readonly TestStage[], profile: string): void {
  const lines = parseProfile(readFileSync(profile, 'utf8'))
  const text = replaceTable(readFileSync(pagePath, 'utf8'), 'stages', stages.map(formatStageRow))
  writeFileSync(pagePath, replaceTable(text, 'profile', buildProfileRows(stages, lines)))
}

function formatStageRow({ name, passed, failed, seconds }: TestStage): TableRow {
  return { 'stage of npm test': name, passed, failed, 'time, s': Math.round(seconds) }
}

/** One row per scenario file, the slowest first, and their total. */
function buildProfileRows(
  stages: readonly TestStage[],
  lines: readonly ProfileEntry[],
): TableRow[] {
  const files = stages
    .flatMap((stage) => stage.files)
    .filter(({ name }) => name.includes('__tests__/scenarios/'))
  const filesBySubject = Map.groupBy(files, ({ name }) => basename(name, '.test.ts'))
  const rows = [...filesBySubject].map(([subject, subjectFiles]) => {
    const tests = subjectFiles
      .flatMap((file) => file.assertionResults)
      .filter(({ status }) => status === 'passed').length
    const seconds = subjectFiles.reduce(
      (sum, { startTime, endTime }) => sum + (endTime - startTime) / 1000,
      0,
    )
    return buildProfileRow(
      subject,
      tests,
      seconds,
      lines.filter((line) => line.subject === subject),
    )
  })
  rows.sort((one, other) => other.seconds - one.seconds)
  const total = buildProfileRow(
    'all',
    rows.reduce((sum, { tests }) => sum + tests, 0),
    rows.reduce((sum, { seconds }) => sum + seconds, 0),
    lines,
  )
  return [...rows, total].map(({ cells }) => cells)
}

function buildProfileRow(
  subject: string,
  tests: number,
  seconds: number,
  lines: readonly ProfileEntry[],
): { tests: number; seconds: number; cells: TableRow } {
  const { startup, fixture, close, action, helm, waiting } = sumByPhase(lines)
  const environment = startup + fixture + close
  const remainder = Math.max(0, seconds - environment - action - helm - waiting)
  const columns = {
    'time, s': seconds,
    environment,
    action,
    Helm: helm,
    waiting,
    'assertions and other': remainder,
  }
  const rounded = Object.fromEntries(
    Object.entries(columns).map(([name, value]) => [name, Math.round(value)]),
  )
  return { tests, seconds, cells: { file: subject, tests, ...rounded } }
}
