import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { describeCluster } from '../../../src/clients/aws/eks.ts'
import { captureActionError } from '../../capture-error.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

let account: TestAccount
beforeEach(async () => {
  account = await startTestAccount()
})
afterEach(() => account.close())

describe('describeCluster', () => {
  const cluster = {
    name: 'production',
    endpoint: 'https://eks.example.com',
    certificateAuthority: '-----BEGIN CERTIFICATE-----\n',
    status: 'ACTIVE' as const,
  }

  test('returns the endpoint, its CA and its network', async () => {
    account.aws.state.clusters.set('production', cluster)
    expect(await describeCluster(account.eks, 'production', 'us-east-2')).toEqual({
      server: cluster.endpoint,
      certificateAuthority: cluster.certificateAuthority,
      accountId: '111122223333',
      tokenAudience: 'production',
      vpcId: 'vpc-0123456789abcdef0',
      accessRestriction: undefined,
    })
  })

  test.each<{ name: string; network: object; expected: RegExp | undefined }>([
    {
      name: 'private',
      network: { endpointPublicAccess: false, endpointPrivateAccess: true },
      expected: /^is private: /,
    },
    {
      name: 'restricted to CIDR blocks',
      network: { publicAccessCidrs: ['203.0.113.0/24', '198.51.100.7/32'] },
      expected: /only from 203\.0\.113\.0\/24, 198\.51\.100\.7\/32,/,
    },
    {
      name: 'open to every address',
      network: { publicAccessCidrs: ['203.0.113.0/24', '0.0.0.0/0'] },
      expected: undefined,
    },
  ])('describes who can reach an endpoint that is $name', async ({ network, expected }) => {
    account.aws.state.clusters.set('production', { ...cluster, network })
    const { accessRestriction } = await describeCluster(account.eks, 'production', 'us-east-2')
    expect(accessRestriction).toEqual(
      expected === undefined ? undefined : expect.stringMatching(expected),
    )
  })

  test.each<{ name: string; arrange: () => void; code: string; message: RegExp }>([
    {
      name: 'does not exist',
      arrange: () => undefined,
      code: 'cluster-not-found',
      message:
        /^EKS cluster production does not exist in region us-east-2 of the account of these credentials\.$/,
    },
    {
      name: 'is being created',
      arrange: () =>
        account.aws.state.clusters.set('production', { ...cluster, status: 'CREATING' }),
      code: 'cluster-not-found',
      message: /status is CREATING/,
    },
    {
      name: 'EKS Connector only registered',
      arrange: () =>
        account.aws.state.clusters.set('production', { ...cluster, isRegistered: true }),
      code: 'cluster-not-found',
      message: /is only registered there \(EKS Connector\), so EKS has no endpoint/,
    },
    {
      name: 'is being deleted',
      arrange: () =>
        account.aws.state.clusters.set('production', { ...cluster, status: 'DELETING' }),
      code: 'cluster-not-found',
      message: /status is DELETING/,
    },
    {
      name: 'has failed',
      arrange: () => account.aws.state.clusters.set('production', { ...cluster, status: 'FAILED' }),
      code: 'cluster-not-found',
      message: /status is FAILED/,
    },
    {
      name: 'the role is not allowed to describe',
      arrange: () => {
        account.aws.authorize = () => false
      },
      code: 'aws-access-denied',
      message: /^AWS denied eks:DescribeCluster: /,
    },
  ])('rejects a cluster that $name', async ({ arrange, code, message }) => {
    arrange()
    const error = await captureActionError(() =>
      describeCluster(account.eks, 'production', 'us-east-2'),
    )
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)])
  })
})
