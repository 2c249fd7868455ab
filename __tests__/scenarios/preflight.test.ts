/** Preflight reports all problems at once, before anything is written. */
import { expect } from '@jest/globals'
import { issueExpiredCertificate } from './certificate-inputs.ts'
import { expectFailureWithoutWrites, expectSuccess, expectToContainAll } from './expectations.ts'
import { scenario, setDefaultStart } from './harness.ts'

setDefaultStart('cluster-ip')

scenario(
  'all problems are reported at once, with the highest-ranked one as the failure code',
  async (scenario) => {
    const expired = await issueExpiredCertificate(scenario.environment, 'other.example.com')
    const text = await expectFailureWithoutWrites(
      scenario,
      { certificate: expired.fullchain, release: 'absent', 'ingress-class': 'nginx' },
      'private-key-mismatch',
    )
    expectToContainAll(text, [
      'private-key does not match',
      'expired on',
      'does not cover',
      'Helm release absent does not exist',
      'IngressClass nginx does not exist',
    ])
  },
)

scenario('subnets that do not exist in the VPC', async (scenario) => {
  const { environment, run } = scenario
  const inputs = { subnets: `${environment.subnets[0] ?? ''}, subnet-00000000` }
  const expectedText =
    "Input subnets contains subnet-00000000, which is not the id of a subnet in the cluster's VPC"
  expect(await expectFailureWithoutWrites(scenario, inputs, 'subnets-unsuitable')).toContain(
    expectedText,
  )
  // Those of an ALB that exists already, too.
  expectSuccess(await run())
  expect(await expectFailureWithoutWrites(scenario, inputs, 'subnets-unsuitable')).toContain(
    expectedText,
  )
})

scenario('a runner with Windows is rejected before anything else', async (scenario) => {
  const { NODE_OPTIONS: nodeOptions = '' } = scenario.environment.runnerEnv()
  const preload = new URL('../../testing/windows.mjs', import.meta.url).href
  const env = { NODE_OPTIONS: `${nodeOptions} --import=${preload}` }
  const requestCount = scenario.environment.requestLog.requests.length
  const text = await expectFailureWithoutWrites(scenario, { host: 'x' }, 'runner-unsupported', env)
  expectToContainAll(text, [
    'The runner runs Windows, which this action does not support.',
    'What to do: Set runs-on to a runner with Linux, for example ubuntu-latest.',
  ])
  expect(text).not.toContain('host')
  expect(scenario.environment.requestLog.requests).toHaveLength(requestCount)
})
