/** AWS credentials, and the account that they belong to. */
import { expect } from '@jest/globals'
import { certificateArnInputs } from './certificate-inputs.ts'
import {
  expectFailureWithoutWrites,
  expectSuccess,
  expectToContainAll,
  expectUnchanged,
} from './expectations.ts'
import { scenario, setDefaultStart, simulatorScenario } from './harness.ts'

setDefaultStart('cluster-ip')

scenario('no AWS credentials', async (scenario) => {
  await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-missing', {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    AWS_EC2_METADATA_DISABLED: 'true',
  })
})

simulatorScenario('expired AWS credentials', "moto's sessions do not expire", async (scenario) => {
  for (const awsCredential of scenario.environment.aws.credentials)
    awsCredential.expiresAt = new Date(Date.now() - 1000)
  await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-expired')
})

scenario('access keys that AWS does not recognize', async (scenario) => {
  scenario.environment.faults.inject({
    service: 'eks',
    operation: 'DescribeCluster',
    error: {
      status: 403,
      code: 'UnrecognizedClientException',
      message: 'The security token included in the request is invalid.',
    },
  })
  await expectFailureWithoutWrites(scenario, {}, 'aws-credentials-refused')
})

scenario('a certificate ARN of another account', async (scenario) => {
  const arn = `arn:aws:acm:${scenario.environment.region}:999988887777:certificate/00000000-0000-4000-8000-000000000000`
  const text = await expectFailureWithoutWrites(
    scenario,
    certificateArnInputs(arn),
    'inputs-conflict',
  )
  expect(text).toContain(
    `belongs to account 999988887777, but the cluster is in account ${scenario.environment.account}`,
  )
})

scenario(
  'allowed-account-ids stops a run in another account before any request, in every mode and list form',
  async (scenario) => {
    const { environment, run } = scenario
    const [ownAccount, otherAccount] = [environment.account, '999988887777']
    const requestOffset = environment.requestLog.requests.length
    const kubeconfigInputs = {
      cluster: '',
      kubeconfig: environment.kubeconfig,
      context: `admin@${environment.name}`,
    }
    const runs = [
      { mode: 'deploy' },
      { mode: 'destroy' },
      { mode: 'deploy', ...kubeconfigInputs },
      { mode: 'check', ...kubeconfigInputs },
    ]
    for (const inputs of runs) {
      const text = await expectFailureWithoutWrites(
        scenario,
        { ...inputs, 'allowed-account-ids': otherAccount },
        'aws-account-not-allowed',
      )
      expectToContainAll(text, [
        `The AWS credentials belong to account ${ownAccount} (arn:`,
        `but input allowed-account-ids lists only ${otherAccount}.`,
      ])
    }
    expect(
      environment.requestLog.requests
        .slice(requestOffset)
        .map(({ service, operation }) => `${service} ${operation}`),
    ).toEqual(runs.map(() => 'sts GetCallerIdentity'))

    expectSuccess(await run({ 'allowed-account-ids': ownAccount }))
    for (const accountIds of [
      `${otherAccount},${ownAccount}`,
      `${otherAccount}\n${ownAccount}\n`,
      `- "${otherAccount}"\n- ${ownAccount}`,
      `[${ownAccount}]`,
      ownAccount.replace(/(\d{4})(\d{4})/, '$1-$2-'),
    ])
      expectUnchanged(await run({ 'allowed-account-ids': accountIds }))
    environment.faults.inject({
      service: 'sts',
      operation: 'GetCallerIdentity',
      error: {
        status: 403,
        code: 'ExpiredToken',
        message: 'The security token included in the request is expired',
      },
    })
    await expectFailureWithoutWrites(
      scenario,
      { 'allowed-account-ids': ownAccount },
      'aws-credentials-expired',
    )
  },
)
