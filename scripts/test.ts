/** `npm test`: lint, types, freshness of dist/, then every unit table and scenario. The last line counts them all. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { scenarioRecord } from '../sandbox/scenario-record.ts'

const scratch = mkdtempSync(join(tmpdir(), 'milvus-alb-test-'))
let passed = 0
let failed = 0

const run = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'inherit' }).status === 0

function check(name: string, ok: boolean): void {
  console.log(`${ok ? 'passed' : 'FAILED'}: ${name}`)
  if (ok) passed += 1
  else failed += 1
}

/** Whether two directories have the same files with the same bytes. */
function same(a: string, b: string): boolean {
  const files = (directory: string) => readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(directory.length)).sort()
  return files(a).join() === files(b).join() && files(a).every((file) => readFileSync(join(a, file)).equals(readFileSync(join(b, file))))
}

try {
  check('lint', run('node_modules/.bin/eslint', '.', '--max-warnings', '0'))
  check('types', run('node_modules/.bin/tsc', '--noEmit'))
  const fresh = join(scratch, 'dist')
  check('dist/ is what src/ builds to ("npm run build" mends it)', run('node', 'scripts/build.ts', fresh) && same('dist', fresh))

  const report = join(scratch, 'jest.json')
  const [record, selection] = [scenarioRecord('sandbox'), process.argv.slice(2)]
  rmSync(record, { force: true })
  mkdirSync(dirname(record), { recursive: true })
  if (selection.length === 0) process.env['SCENARIO_RECORD'] = record
  run('node', '--disable-warning=ExperimentalWarning', '--experimental-vm-modules', 'node_modules/.bin/jest', '--maxWorkers=2', '--json', `--outputFile=${report}`, ...selection)
  const result = JSON.parse(readFileSync(report, 'utf8')) as { numPassedTests: number; numFailedTests: number; numPendingTests: number; numRuntimeErrorTestSuites: number }
  passed += result.numPassedTests
  failed += result.numFailedTests + result.numRuntimeErrorTestSuites
  if (result.numPassedTests === 0) failed += 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
process.exitCode = failed > 0 ? 1 : 0
console.log(`${passed} passed, ${failed} failed`)
