/** Inputs under names that do not exist, which a runner passes with only a warning. */
import { expectFailureWithoutWrites, expectToContainAll } from './expectations.ts'
import { setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

simulatorScenario(
  'unknown inputs are rejected with the name that may be meant, and do not deploy',
  'the action checks inputs before it calls any service',
  async (scenario) => {
    const text = await expectFailureWithoutWrites(
      scenario,
      { dry_run: 'true', 'probe timeout': '1s', 'private-keys': 'x', 'on-failure': 'undo' },
      'input-invalid',
    )
    expectToContainAll(text, [
      'Input dry_run does not exist.',
      'Did you mean dry-run?',
      'Input probe_timeout does not exist.',
      'Did you mean private-key?',
      'Input on-failure is "undo"',
    ])
  },
)
