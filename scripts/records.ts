/**
 * Reads the records of the last complete `npm test` and `npm run lab`: the defined scenarios, where
 * each passed, and the failure codes that it expected.
 */
import { readFileSync } from 'node:fs'
import { scenarioRecordPath } from '../testing/scenario-record.ts'

/** A line of a record: a scenario was defined, saw a run fail with a code, or passed. */
interface RecordLine {
  readonly environment: EnvironmentKind
  readonly controller: 'simulated' | 'real'
  readonly file: string
  readonly name: string
  readonly only?: EnvironmentKind
  readonly why?: string
  readonly requiresSimulatedController?: boolean
  readonly code?: string
  readonly passed?: true
}

export type EnvironmentKind = 'simulator' | 'lab'
export const environmentKinds: readonly EnvironmentKind[] = ['simulator', 'lab']

/** A scenario, from the records of both environments. */
export interface RecordedScenario {
  readonly name: string
  /** The test file that defines it. */
  readonly file: string
  /** Where it passed. */
  readonly passedIn: ReadonlySet<EnvironmentKind>
  /** The only environment that it applies to, and why. */
  readonly restrictedTo: { readonly kind: EnvironmentKind; readonly why: string } | undefined
  readonly requiresSimulatedController: boolean
  /** The failure codes with which its runs ended in the simulator, as expected. */
  readonly codes: readonly string[]
}

/** Whether a scenario applies to an environment. */
export const isApplicableTo = (
  { restrictedTo: only }: RecordedScenario,
  kind: EnvironmentKind,
): boolean => only === undefined || only.kind === kind

/** Everything that was recorded. */
export interface Records {
  /** By name, sorted by file and then in the order of definition. */
  readonly scenarios: ReadonlyMap<string, RecordedScenario>
  /** Whether the lab ran a real controller. */
  readonly hasRealController: boolean
}

/** @throws Error if one of these environments has no record of a complete run */
export function readRecords(kinds: readonly EnvironmentKind[]): Records {
  const lines = kinds.flatMap(readEnvironmentRecord)
  const linesByName = Map.groupBy(lines, ({ name }) => name)
  // Test files run in parallel and write their records in any order.
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
    const command = kind === 'lab' ? 'npm run lab' : 'npm test'
    throw new Error(`No complete run in the ${kind} has been recorded. Run ${command} first.`, {
      cause: error,
    })
  }
}

function buildScenario(name: string, lines: readonly RecordLine[]): RecordedScenario {
  const {
    file = '',
    only,
    why = '',
    requiresSimulatedController = false,
  } = lines.find(({ passed, code }) => passed === undefined && code === undefined) ?? {}
  return {
    name,
    file,
    passedIn: new Set(lines.filter(({ passed }) => passed).map(({ environment }) => environment)),
    restrictedTo: only && { kind: only, why },
    requiresSimulatedController,
    codes: [
      ...new Set(
        lines
          .filter(({ environment }) => environment === 'simulator')
          .flatMap(({ code }) => code ?? []),
      ),
    ].sort(),
  }
}
