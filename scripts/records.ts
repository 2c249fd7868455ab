/**
 * What `npm test` and `npm run lab` recorded of their last whole runs: which scenario is defined,
 * where it passed, which failures it saw.
 */
import { readFileSync } from 'node:fs'
import { scenarioRecordPath } from '../testing/scenario-record.ts'

/** A line of a record: a scenario was defined, it saw a run fail with a code, or it passed. */
interface RecordLine {
  readonly world: EnvironmentKind
  readonly controller: 'stand-in' | 'real'
  readonly file: string
  readonly name: string
  readonly only?: EnvironmentKind
  readonly why?: string
  readonly steersController?: boolean
  readonly code?: string
  readonly passed?: true
}

export type EnvironmentKind = 'simulator' | 'lab'
export const environmentKinds: readonly EnvironmentKind[] = ['simulator', 'lab']

/** A scenario, from the records of both worlds. */
export interface RecordedScenario {
  readonly name: string
  /** The test file that defines it. */
  readonly file: string
  /** Where it passed. */
  readonly passedIn: ReadonlySet<EnvironmentKind>
  /** The only world that it is for, and why. */
  readonly restrictedTo: { readonly kind: EnvironmentKind; readonly why: string } | undefined
  readonly steersController: boolean
  /** The failure codes that its runs ended with in the simulator, as it expected. */
  readonly codes: readonly string[]
}

/** Whether a scenario is for a world. */
export const isApplicableTo = (
  { restrictedTo: only }: RecordedScenario,
  world: EnvironmentKind,
): boolean => only === undefined || only.kind === world

/** What was recorded. */
export interface Records {
  /** By name, in the order of files and then of their definition. */
  readonly scenarios: ReadonlyMap<string, RecordedScenario>
  /** Whether the lab's controller was a real one. */
  readonly hasRealController: boolean
}

/** @throws Error when one of these worlds has no record of a whole run */
export function readRecords(kinds: readonly EnvironmentKind[]): Records {
  const lines = kinds.flatMap(readEnvironmentRecord)
  const linesByName = Map.groupBy(lines, ({ name }) => name)
  // Test files run side by side, and write in any order.
  const sorted = [...linesByName]
    .map(([name, scenarioLines]) => buildScenario(name, scenarioLines))
    .sort((a, b) => a.file.localeCompare(b.file))
  const scenarios = new Map(sorted.map((scenario) => [scenario.name, scenario]))
  return { scenarios, hasRealController: lines.some(({ controller }) => controller === 'real') }
}

function readEnvironmentRecord(kind: EnvironmentKind): RecordLine[] {
  try {
    return readFileSync(scenarioRecordPath(kind), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as RecordLine)
  } catch (error) {
    throw new Error(
      `There is no record of a whole run in the ${kind}: run ${kind === 'lab' ? 'npm run lab' : 'npm test'} first.`,
      { cause: error },
    )
  }
}

function buildScenario(name: string, lines: readonly RecordLine[]): RecordedScenario {
  const {
    file = '',
    only,
    why = '',
    steersController = false,
  } = lines.find(({ passed, code }) => passed === undefined && code === undefined) ?? {}
  return {
    name,
    file,
    passedIn: new Set(lines.filter(({ passed }) => passed).map(({ world }) => world)),
    restrictedTo: only && { kind: only, why },
    steersController,
    codes: [
      ...new Set(
        lines.filter(({ world }) => world === 'simulator').flatMap(({ code }) => code ?? []),
      ),
    ].sort(),
  }
}
