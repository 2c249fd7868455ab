/**
 * Secrets that reach the action in an unusual way. The harness searches each run for all of them.
 */
import { readFile } from 'node:fs/promises'
import { expect } from '@jest/globals'
import { recordChildEnvironments } from './child-environments.ts'
import { expectFailureWithoutWrites, expectSuccess } from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'
import { findLeaks, tokenCanary, valuesCanary } from './leaks.ts'

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

scenario(
  'no program that the action starts inherits an input: helm, its plugins, those of a kubeconfig and of an AWS profile',
  async ({ environment, run }) => {
    const recorder = await recordChildEnvironments(environment)
    const inputs = { cluster: '', kubeconfig: recorder.kubeconfig }
    expectSuccess(await run(inputs, { env: { ...recorder.env, INPUT_UNKNOWN: '' } }))
    const environments = await recorder.read()
    expect(Object.keys(environments)).toEqual(['credential-plugin', 'credential-process', 'helm'])
    const secrets = [
      { name: 'private key', text: environment.certificate.privateKey.split('\n')[2] ?? '' },
      { name: 'milvus-token', text: tokenCanary },
      { name: 'values', text: valuesCanary },
      { name: 'an input', text: '\nINPUT_' },
    ]
    expect(findLeaks(environments, secrets)).toEqual([])
  },
  { start: 'installed' },
)
