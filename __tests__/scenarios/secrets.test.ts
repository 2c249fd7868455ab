/**
 * Secrets that reach the action in an unusual way. The harness searches each run for all of them.
 */
import { readFile } from 'node:fs/promises'
import { expect } from '@jest/globals'
import { expectFailureWithoutWrites } from './expectations.ts'
import { setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

simulatorScenario(
  'the action checks inputs before it calls any service',
  'the content of a kubeconfig instead of its path is rejected and not shown',
  async (scenario) => {
    const content = await readFile(scenario.environment.kubeconfig, 'utf8')
    const inputs = { cluster: '', summary: 'true' }
    for (const kubeconfig of [
      content,
      JSON.stringify(JSON.parse(content), null, 2),
      Buffer.from(content).toString('base64'),
    ])
      expect(
        await expectFailureWithoutWrites(scenario, { ...inputs, kubeconfig }, 'input-invalid'),
      ).toContain('Input kubeconfig contains the content of a file, where its path is expected.')
    expect(
      await expectFailureWithoutWrites(scenario, inputs, 'input-invalid', { KUBECONFIG: content }),
    ).toContain('The environment variable KUBECONFIG contains the content of a file')
  },
)
