/**
 * `npm test` checks lint, types and the freshness of dist/, and runs unit tests, the tests of the
 * tooling and scenarios. `-- units` runs only the unit tests, `-- tooling` only those of the
 * tooling. `-- FILE [-t NAME]` passes its arguments to jest; scenarios and faults are preceded by
 * the check of dist/. `-- --profile` runs everything and writes docs/testing.md. The last line is
 * the total.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { scenarioRecordPath } from '../testing/scenario-record.ts'
import { checkDist, runChecks, type CheckResult } from './test/checks.ts'
import { Interrupted, runJest } from './test/jest.ts'
import { formatFailures } from './test/jest-report.ts'
import { writeProfile, type TestStage } from './test/profile.ts'

/** Tests also wait, so there are more workers than cores. More of them would not save time. */
const workers = { units: 3, scenarios: 4 }

/** How many scenarios of a file run at a time in `-- FILE`: one worker tests a file. */
const concurrentScenarios = 8

const sourceFolders = readdirSync('src', { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

/** The tests of a folder of src/ are in the folder of the same name. */
const unitTestPattern = `__tests__/(${sourceFolders.join('|')})/`

const distTestPattern = '__tests__/(scenarios|resilience)/'

const stages: TestStage[] = []
let passed = 0
let failed = 0

function recordStage(name: string, result: Omit<TestStage, 'name'>): void {
  stages.push({ name, ...result })
  passed += result.passed
  failed += result.failed
}

async function runCheckStage(
  name: string,
  runStageChecks: () => Promise<readonly CheckResult[]>,
): Promise<void> {
  const start = performance.now()
  const results = await runStageChecks()
  const passedChecks = results.filter((result) => result.passed).length
  recordStage(name, {
    passed: passedChecks,
    failed: results.length - passedChecks,
    seconds: (performance.now() - start) / 1000,
    files: [],
  })
}

async function runUnits(): Promise<void> {
  const args = [`--maxWorkers=${workers.units}`, `--testPathPatterns=${unitTestPattern}`]
  recordStage('unit tests', await runJest(args))
}

/** Tests of what is not part of the action: the simulator, the scripts, workflows, documents. */
async function runToolingTests(): Promise<void> {
  const args = [
    `--maxWorkers=${workers.units}`,
    `--testPathIgnorePatterns=${unitTestPattern}`,
    `--testPathIgnorePatterns=${distTestPattern}`,
  ]
  recordStage('tests of the tooling', await runJest(args))
}

/**
 * Each scenario records where it passed, for docs/scenarios.md. With a profile it also records its
 * times.
 */
async function runScenarios(profilePath: string | undefined): Promise<void> {
  const recordPath = scenarioRecordPath('simulator')
  rmSync(recordPath, { force: true })
  mkdirSync(dirname(recordPath), { recursive: true })
  recordStage(
    'scenarios',
    await runJest(
      [`--maxWorkers=${workers.scenarios}`, '--testPathPatterns=__tests__/scenarios/'],
      {
        environment: {
          SCENARIO_RECORD: recordPath,
          ...(profilePath === undefined ? {} : { PROFILE: profilePath }),
        },
      },
    ),
  )
}

async function runAll(isProfiled: boolean): Promise<void> {
  console.log('Lint, types and dist/: about a minute where something has changed.')
  await runCheckStage('lint, types, dist/', runChecks)
  await runUnits()
  await runToolingTests()
  const scratchDirectory = mkdtempSync(join(tmpdir(), 'milvus-alb-profile-'))
  const profilePath = isProfiled ? join(scratchDirectory, 'profile.jsonl') : undefined
  try {
    await runScenarios(profilePath)
    if (profilePath !== undefined) writeProfile(stages, profilePath)
  } finally {
    rmSync(scratchDirectory, { recursive: true, force: true })
  }
}

/**
 * Runs the tests that the arguments select. Scenarios and faults test nothing if dist/ was not
 * built from this src/.
 */
async function runSelected(selection: readonly string[]): Promise<void> {
  if (selection.some((argument) => /scenarios|resilience/.test(argument)))
    await runCheckStage('dist/', async () => [await checkDist()])
  // With more arguments, such as -t, some scenarios of a file may not be selected.
  const environment =
    selection.length === 1 ? { CONCURRENT_SCENARIOS: String(concurrentScenarios) } : {}
  const args = [`--maxWorkers=${workers.scenarios}`, ...selection]
  recordStage('tests', await runJest(args, { environment }))
}

const selection = process.argv.slice(2)
try {
  if (selection.length === 0 || selection[0] === '--profile') await runAll(selection.length > 0)
  else if (selection[0] === 'units') await runUnits()
  else if (selection[0] === 'tooling') await runToolingTests()
  else await runSelected(selection)
} catch (error) {
  if (!(error instanceof Interrupted)) throw error
  console.error(error.message)
  failed += 1
}

for (const failure of stages.flatMap(formatFailures)) console.log(`FAILED ${failure}`)
console.log('')
for (const { name, seconds } of stages) console.log(`${seconds.toFixed(0).padStart(5)} s  ${name}`)
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)
