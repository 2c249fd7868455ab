/** Runs the actions of a fleet as the reusable workflows do. */
import { join } from 'node:path'
import { repositoryRoot, type TestEnvironment } from '../../testing/environment.ts'
import { executeAction, type RunOptions, type RunResult } from '../../testing/runner.ts'

export const runFleetAction = (
  environment: TestEnvironment,
  action: 'plan' | 'deploy',
  inputs: Record<string, string>,
  options: Partial<RunOptions> = {},
): Promise<RunResult> =>
  executeAction({
    actionDirectory: join(repositoryRoot, 'fleet', action),
    directory: environment.directory,
    ...options,
    env: { ...environment.runnerEnv(), ...options.env },
    inputs,
  })

/** Inputs of fleet/deploy for all targets that fleet/plan planned, as of one job. */
export function readJobInputs({ outputs }: RunResult): Record<string, string> {
  const { include } = JSON.parse(outputs['matrix'] ?? '') as { include: { targets: string }[] }
  return {
    targets: JSON.stringify(include.flatMap(({ targets }) => JSON.parse(targets) as object[])),
    'common-inputs': outputs['common-inputs'] ?? '',
  }
}
