/** What `npm test` and `npm run lab` recorded of their last whole runs: which scenario is defined, where it passed, which failures it saw. */
import { readFileSync } from 'node:fs'
import { scenarioRecord } from '../sandbox/scenario-record.ts'

/** A line of a record: a scenario was defined, it saw a run fail with a code, or it passed. */
interface Line {
  readonly world: World
  readonly controller: 'stand-in' | 'real'
  readonly file: string
  readonly name: string
  readonly only?: World
  readonly why?: string
  readonly steersController?: boolean
  readonly code?: string
  readonly passed?: true
}

export type World = 'sandbox' | 'lab'
export const worlds: readonly World[] = ['sandbox', 'lab']

/** A scenario, from the records of both worlds. */
export interface RecordedScenario {
  readonly name: string
  /** The test file that defines it. */
  readonly file: string
  /** Where it passed. */
  readonly passed: ReadonlySet<World>
  /** The only world that it is for, and why. */
  readonly only: { readonly world: World; readonly why: string } | undefined
  readonly steersController: boolean
  /** The failure codes that its runs ended with in the sandbox, as it expected. */
  readonly codes: readonly string[]
}

/** Whether a scenario is for a world. */
export const isFor = ({ only }: RecordedScenario, world: World): boolean => only === undefined || only.world === world

/** What was recorded. */
export interface Records {
  /** By name, in the order of files and then of their definition. */
  readonly scenarios: ReadonlyMap<string, RecordedScenario>
  /** Whether the lab's controller was a real one. */
  readonly realController: boolean
}

/** @throws Error when one of these worlds has no record of a whole run */
export function readRecords(of: readonly World[]): Records {
  const lines = of.flatMap(readWorld)
  const named = Map.groupBy(lines, ({ name }) => name)
  // Test files run side by side, and write in any order.
  const sorted = [...named].map(([name, own]) => toScenario(name, own)).sort((a, b) => a.file.localeCompare(b.file))
  const scenarios = new Map(sorted.map((scenario) => [scenario.name, scenario]))
  return { scenarios, realController: lines.some(({ controller }) => controller === 'real') }
}

function readWorld(world: World): Line[] {
  try {
    return readFileSync(scenarioRecord(world), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line)
  } catch (error) {
    throw new Error(`There is no record of a whole run in the ${world}: run ${world === 'lab' ? 'npm run lab' : 'npm test'} first.`, { cause: error })
  }
}

function toScenario(name: string, lines: readonly Line[]): RecordedScenario {
  const { file = '', only, why = '', steersController = false } = lines.find(({ passed, code }) => passed === undefined && code === undefined) ?? {}
  return {
    name,
    file,
    passed: new Set(lines.filter(({ passed }) => passed).map(({ world }) => world)),
    only: only && { world: only, why },
    steersController,
    codes: [...new Set(lines.filter(({ world }) => world === 'sandbox').flatMap(({ code }) => code ?? []))].sort(),
  }
}
