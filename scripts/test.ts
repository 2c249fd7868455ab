/**
 * `npm test`: lint, types, freshness of dist/, unit tests and scenarios. `-- units` only the unit tests;
 * `-- FILE [-t NAME]` what jest takes, after a look at dist/; `-- --profile` everything, and writes docs/testing.md. The last line
 * counts all.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { scenarioRecord } from '../sandbox/scenario-record.ts'
import { runChecks } from './test/checks.ts'
import { runJest } from './test/jest.ts'
import { failuresOf } from './test/jest-report.ts'
import { writeProfile, type Stage } from './test/profile.ts'

/** Scenarios wait as often as they work: twice as many workers as cores. Unit tests only work. */
const workers = { units: 2, scenarios: 4 }

const onDist = '__tests__/(scenarios|faults)/'

const stages: Stage[] = []
let passed = 0
let failed = 0

function count(name: string, result: Omit<Stage, 'name'>): void {
  stages.push({ name, ...result })
  passed += result.passed
  failed += result.failed
}

async function check(): Promise<void> {
  console.log('Lint, types and dist/: about a minute where something has changed.')
  const start = performance.now()
  const results = await runChecks()
  const good = results.filter((result) => result.passed).length
  count('lint, types, dist/', { passed: good, failed: results.length - good, seconds: (performance.now() - start) / 1000, files: [] })
}

function units(): void {
  count('unit tests', runJest([`--maxWorkers=${workers.units}`, `--testPathIgnorePatterns=${onDist}`]))
}

/** Each scenario says where it passed, for docs/scenarios.md; with a profile also where its time went. */
function scenarios(profile: string | undefined): void {
  const record = scenarioRecord('sandbox')
  rmSync(record, { force: true })
  mkdirSync(dirname(record), { recursive: true })
  count('scenarios', runJest([`--maxWorkers=${workers.scenarios}`, '--testPathPatterns=__tests__/scenarios/'], { SCENARIO_RECORD: record, ...(profile === undefined ? {} : { PROFILE: profile }) }))
}

async function everything(withProfile: boolean): Promise<void> {
  await check()
  units()
  const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-profile-'))
  const profile = withProfile ? join(scratch, 'profile.jsonl') : undefined
  try {
    scenarios(profile)
    if (profile !== undefined) writeProfile(stages, profile)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** What the arguments select. A scenario proves nothing on a dist/ that is not this src/. */
async function selected(selection: readonly string[]): Promise<void> {
  if (selection.some((argument) => /scenarios|faults/.test(argument))) await check()
  count('tests', runJest([`--maxWorkers=${workers.scenarios}`, ...selection]))
}

const selection = process.argv.slice(2)
if (selection.length === 0 || selection[0] === '--profile') await everything(selection.length > 0)
else if (selection[0] === 'units') units()
else await selected(selection)

for (const failure of stages.flatMap(failuresOf)) console.log(`FAILED ${failure}`)
console.log(`\n${stages.map(({ name, seconds }) => `${seconds.toFixed(0).padStart(5)} s  ${name}`).join('\n')}`)
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)
