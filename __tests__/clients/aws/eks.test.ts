import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { EksTokenSource, describeCluster } from '../../../src/clients/aws/eks.ts'
import { captureActionError } from '../../capture-error.ts'
import { FakeClock } from '../../util/clock.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

const minute = 60_000
let account: TestAccount
beforeEach(async () => {
  account = await startTestAccount()
})
afterEach(() => account.close())

interface Identity {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

/**
 * Tokens for cluster `production`, made with an identity at a time; `protectedTokens` is what was
 * kept secret.
 */
function createTokenSource(
  options: { identity?: Identity; region?: string; clock?: FakeClock; audience?: string } = {},
): {
  tokenSource: EksTokenSource
  clock: FakeClock
  maskedTokens: string[]
  credentialRequestCount: () => number
} {
  const clock = options.clock ?? new FakeClock(Date.now())
  const identity = options.identity ?? account.aws.credentials[0]
  const maskedTokens: string[] = []
  let credentialRequestCount = 0
  const credentials = (): Promise<Identity> => {
    credentialRequestCount += 1
    return identity ? Promise.resolve(identity) : Promise.reject(new Error('no key'))
  }
  const tokenSource = new EksTokenSource({
    clients: { credentials, region: options.region ?? 'us-east-2' },
    eks: account.eks,
    cluster: 'production',
    audience: options.audience ?? 'production',
    clock,
    maskSecret: (secret) => maskedTokens.push(secret),
  })
  return { tokenSource, clock, maskedTokens, credentialRequestCount: () => credentialRequestCount }
}

const decodeTokenUrl = (token: string): URL =>
  new URL(Buffer.from(token.slice('k8s-aws-v1.'.length), 'base64url').toString())

describe('a token', () => {
  test.each([
    ['a long-lived key', undefined],
    ['a session whose token needs escaping', 'FwoGZXIvYXdzEAAa+token/with==signs&and spaces'],
  ])('of %s is accepted by the authenticator of the cluster', async (_, sessionToken) => {
    const identity = {
      accessKeyId: 'ASIASESSION',
      secretAccessKey: 'secret+/',
      ...(sessionToken !== undefined && { sessionToken }),
    }
    account.aws.credentials.push({
      ...identity,
      principalArn: 'arn:aws:sts::111122223333:assumed-role/deployer/run-1',
    })
    const token = await createTokenSource({ identity }).tokenSource.token()
    expect(await account.aws.authenticateEksToken(token, 'production')).toMatchObject({
      username: 'arn:aws:sts::111122223333:assumed-role/deployer/run-1',
    })
    expect(await account.aws.authenticateEksToken(token, 'staging')).toBeUndefined()
    expect(account.aws.tokenRejections).toHaveLength(1)
  })

  test('is masked before it is returned', async () => {
    const { tokenSource, maskedTokens } = createTokenSource()
    expect(maskedTokens).toEqual([])
    expect([await tokenSource.token()]).toEqual(maskedTokens)
  })

  test('is reused for ten minutes, while the API accepts it', async () => {
    const { tokenSource, clock } = createTokenSource()
    const firstToken = await tokenSource.token()
    clock.time += 10 * minute - 1
    expect(await tokenSource.token()).toBe(firstToken)
    clock.time += 1
    account.aws.clockOffset = clock.time - Date.now()
    const secondToken = await tokenSource.token()
    expect(secondToken).not.toBe(firstToken)
    expect(await account.aws.authenticateEksToken(secondToken, 'production')).toBeDefined()
    // The previous token is still accepted from whoever just received it.
    expect(await account.aws.authenticateEksToken(firstToken, 'production')).toBeDefined()
  })

  test('is created once for concurrent callers', async () => {
    const { tokenSource, credentialRequestCount } = createTokenSource()
    expect(
      new Set(await Promise.all([tokenSource.token(), tokenSource.token(), tokenSource.token()]))
        .size,
    ).toBe(1)
    expect(credentialRequestCount()).toBe(1)
  })

  test('is recreated after a rejection', async () => {
    const { tokenSource, clock } = createTokenSource()
    const firstToken = await tokenSource.token()
    clock.time += 1_000
    tokenSource.invalidate()
    expect(await tokenSource.token()).not.toBe(firstToken)
  })

  test('is dated by the AWS clock once EKS has responded, because the clock of the runner may be wrong', async () => {
    account.aws.state.clusters.set('production', {
      name: 'production',
      endpoint: 'https://eks.example.com',
      certificateAuthority: '-----BEGIN CERTIFICATE-----\n',
      status: 'ACTIVE',
    })
    account.aws.clockOffset = 20 * minute
    expect(
      await account.aws.authenticateEksToken(
        await createTokenSource().tokenSource.token(),
        'production',
      ),
    ).toBeUndefined()
    await describeCluster(account.eks, 'production', 'us-east-2')
    expect(
      await account.aws.authenticateEksToken(
        await createTokenSource().tokenSource.token(),
        'production',
      ),
    ).toBeDefined()
  })

  test('can be created after an earlier failure', async () => {
    let isFailing = true
    const identity = account.aws.credentials[0]
    const credentials = (): Promise<Identity> =>
      isFailing || !identity
        ? Promise.reject(
            Object.assign(new Error('Could not load credentials from any providers'), {
              name: 'CredentialsProviderError',
            }),
          )
        : Promise.resolve(identity)
    const tokenSource = new EksTokenSource({
      clients: { credentials, region: 'us-east-2' },
      eks: account.eks,
      cluster: 'production',
      audience: 'production',
      clock: new FakeClock(Date.now()),
      maskSecret: () => undefined,
    })
    expect((await captureActionError(() => tokenSource.token())).code).toBe(
      'aws-credentials-missing',
    )
    isFailing = false
    expect(
      await account.aws.authenticateEksToken(await tokenSource.token(), 'production'),
    ).toBeDefined()
  })

  test('is rejected without being shown when it is too long', async () => {
    const sessionToken = 'x'.repeat(2_800)
    const error = await captureActionError(() =>
      createTokenSource({
        identity: { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken },
      }).tokenSource.token(),
    )
    expect([error.code, error.remedy]).toEqual([
      'cluster-unauthorized',
      expect.stringContaining('role-skip-session-tagging'),
    ])
    expect(error.message).not.toContain('xxx')
    expect(
      (
        await createTokenSource({
          identity: { accessKeyId: 'ASIA', secretAccessKey: 's', sessionToken: 'x'.repeat(2_400) },
        }).tokenSource.token()
      ).length,
    ).toBeLessThanOrEqual(4096)
  })
})

describe('the signed host is the STS endpoint of the region', () => {
  // Source: the SDK's own table of partitions.
  test.each([
    ['us-east-2', 'sts.us-east-2.amazonaws.com'],
    ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
    ['us-iso-east-1', 'sts.us-iso-east-1.c2s.ic.gov'],
    ['us-isob-east-1', 'sts.us-isob-east-1.sc2s.sgov.gov'],
    ['eu-isoe-west-1', 'sts.eu-isoe-west-1.cloud.adc-e.uk'],
    ['us-isof-south-1', 'sts.us-isof-south-1.csp.hci.ic.gov'],
    ['eusc-de-east-1', 'sts.eusc-de-east-1.amazonaws.eu'],
  ])('%s', async (region, host) => {
    const url = decodeTokenUrl(await createTokenSource({ region }).tokenSource.token())
    expect([url.host, url.searchParams.get('X-Amz-Credential')]).toEqual([
      host,
      expect.stringContaining(`/${region}/sts/aws4_request`),
    ])
  })
})

test('a local cluster on an Outpost accepts only tokens for its id', async () => {
  const id = '1a2b3c4d-5678-90ab-cdef-1234567890ab'
  account.aws.state.clusters.set('production', {
    name: 'production',
    endpoint: 'https://eks.example.com',
    certificateAuthority: '-----BEGIN CERTIFICATE-----\n',
    status: 'ACTIVE',
    id,
  })
  const { tokenAudience } = await describeCluster(account.eks, 'production', 'us-east-2')
  const token = await createTokenSource({ audience: tokenAudience }).tokenSource.token()
  expect(await account.aws.authenticateEksToken(token, id)).toBeDefined()
  expect(await account.aws.authenticateEksToken(token, 'production')).toBeUndefined()
})
