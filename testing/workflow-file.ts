/** The parts of a workflow that the player uses. Source: GitHub, workflow syntax. */

/** A step of a job. */
export interface Step {
  readonly id?: string
  readonly if?: string
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly run?: string
  readonly env?: Readonly<Record<string, string>>
}

/** A job. One of a caller has `uses` instead of steps. */
export interface WorkflowJob {
  readonly name?: string
  readonly if?: string
  readonly needs?: string | readonly string[]
  readonly 'runs-on'?: unknown
  readonly environment?: unknown
  readonly strategy?: { readonly matrix: unknown }
  readonly outputs?: Readonly<Record<string, string>>
  readonly steps?: readonly Step[]
  readonly uses?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, string>>
}

/** A workflow. */
export interface Workflow {
  readonly name: string
  readonly env?: Readonly<Record<string, string>>
  readonly on: {
    readonly workflow_call?: {
      readonly inputs: Readonly<Record<string, { readonly default?: unknown }>>
      readonly outputs?: Readonly<Record<string, { readonly value: string }>>
    }
  }
  readonly jobs: Readonly<Record<string, WorkflowJob>>
}

/** Jobs after those that they need. */
export function inOrder(jobs: Workflow['jobs']): [id: string, job: WorkflowJob][] {
  const ordered: [string, WorkflowJob][] = []
  const isReady = ([, job]: [string, WorkflowJob]): boolean =>
    listNeeds(job).every((need) => ordered.some(([id]) => id === need))
  while (ordered.length < Object.keys(jobs).length) {
    const rest = Object.entries(jobs).filter(([id]) => !ordered.some(([other]) => other === id))
    const ready = rest.filter(isReady)
    if (ready.length === 0) throw new Error('The jobs need each other')
    ordered.push(...ready)
  }
  return ordered
}

/** The jobs that a job needs. */
export const listNeeds = ({ needs = [] }: WorkflowJob): readonly string[] => [needs].flat()
