import { createHash, createHmac } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { SignatureV4 } from '@smithy/signature-v4'
import { startTestAccount, session, user } from './aws-account.ts'
import type { TestAccount } from './aws-account.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'

let account: TestAccount
beforeEach(async () => {
  account = await startTestAccount()
})
afterEach(() => account.close())

class Sha256 {
  private readonly hash
  constructor(secret?: unknown) {
    this.hash =
      secret === undefined
        ? createHash('sha256')
        : createHmac(
            'sha256',
            typeof secret === 'string' ? secret : new Uint8Array(secret as Uint8Array),
          )
  }

  update(data: unknown): void {
    this.hash.update(typeof data === 'string' ? data : new Uint8Array(data as Uint8Array))
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest())
  }

  reset(): void {
    /* not needed */
  }
}

/** The parts of a token that a test can change. */
interface TokenOptions {
  readonly credential?: AwsCredential
  readonly cluster?: string
  readonly stsHost?: string
  readonly region?: string
  readonly headers?: Record<string, string>
  readonly query?: Record<string, string>
  readonly date?: Date
  readonly expiresIn?: number
  readonly edit?: (url: string) => string
}

async function createEksToken({
  credential = user,
  cluster = 'milvus',
  stsHost = 'sts.us-east-2.amazonaws.com',
  region = 'us-east-2',
  ...rest
}: TokenOptions = {}): Promise<string> {
  const {
    headers = { 'x-k8s-aws-id': cluster },
    query = {},
    date = new Date(),
    expiresIn = 60,
    edit = (url: string) => url,
  } = rest
  const { accessKeyId, secretAccessKey, sessionToken } = credential
  const signer = new SignatureV4({
    credentials: {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    },
    region,
    service: 'sts',
    sha256: Sha256,
  })
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname: stsHost,
      path: '/',
      headers: { host: stsHost, ...headers },
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15', ...query },
    },
    { expiresIn, signingDate: date },
  )
  const url = edit(
    `https://${stsHost}/?${new URLSearchParams(signed.query as Record<string, string>).toString()}`,
  )
  return `k8s-aws-v1.${Buffer.from(url).toString('base64url')}`
}

test.each<{ name: string; token: TokenOptions; username: string }>([
  { name: 'a user', token: {}, username: user.principalArn },
  { name: 'a session', token: { credential: session }, username: session.principalArn },
  {
    name: 'the global endpoint',
    token: { stsHost: 'sts.amazonaws.com', region: 'us-east-1' },
    username: user.principalArn,
  },
  {
    name: 'an elapsed X-Amz-Expires',
    token: { date: new Date(Date.now() - 14 * 60_000) },
    username: user.principalArn,
  },
])('accepts an EKS token of $name', async ({ token, username }) => {
  expect(await account.aws.authenticateEksToken(await createEksToken(token), 'milvus')).toEqual({
    username,
    groups: ['system:masters'],
  })
  expect(account.aws.tokenRejections).toEqual([])
})

test.each<{ name: string; token: TokenOptions; reason: RegExp }>([
  {
    name: 'older than 15 minutes',
    token: { date: new Date(Date.now() - 15.1 * 60_000) },
    reason: /expired-signature/,
  },
  { name: 'for another cluster', token: { cluster: 'other' }, reason: /mismatch/ },
  {
    name: 'without the cluster',
    token: { headers: {} },
    reason: /did not sign the x-k8s-aws-id header/,
  },
  {
    name: 'of an unknown access key',
    token: { credential: { ...user, accessKeyId: 'AKIANOBODY' } },
    reason: /unknown-key/,
  },
  {
    name: 'with a wrong secret access key',
    token: { credential: { ...user, secretAccessKey: 'x' } },
    reason: /mismatch/,
  },
  {
    name: 'over plain HTTP',
    token: { edit: (url) => url.replace('https:', 'http:') },
    reason: /scheme/,
  },
  { name: 'for another host', token: { stsHost: 'sts.example.com' }, reason: /hostname/ },
  {
    name: 'with another path',
    token: { edit: (url) => url.replace('.com/', '.com/x') },
    reason: /path/,
  },
  {
    name: 'with an unsupported parameter',
    token: { query: { 'x-id': 'GetCallerIdentity' } },
    reason: /non-whitelisted/,
  },
  {
    name: 'with a duplicate parameter',
    token: { edit: (url) => `${url}&Action=GetCallerIdentity` },
    reason: /multiple values/,
  },
  { name: 'for another action', token: { query: { Action: 'AssumeRole' } }, reason: /action/ },
  { name: 'with X-Amz-Expires over 900', token: { expiresIn: 901 }, reason: /X-Amz-Expires/ },
  {
    name: 'of more than 4096 bytes',
    token: { credential: { ...session, sessionToken: 'x'.repeat(2_700) } },
    reason: /too large/,
  },
])('rejects an EKS token $name', async ({ token, reason }) => {
  expect(
    await account.aws.authenticateEksToken(await createEksToken(token), 'milvus'),
  ).toBeUndefined()
  expect(account.aws.tokenRejections.join()).toMatch(reason)
})

test('an EKS token requires an unexpired lifetime, an active session and an access entry', async () => {
  account.aws.tokenLifetime = 1_000
  expect(
    await account.aws.authenticateEksToken(
      await createEksToken({ date: new Date(Date.now() - 3_000) }),
      'milvus',
    ),
  ).toBeUndefined()
  const token = await createEksToken({ credential: session })
  expect(await account.aws.authenticateEksToken('not a token', 'milvus')).toBeUndefined()
  account.aws.accessEntries = new Map([
    ['arn:aws:iam::111122223333:role/deployer', { groups: ['deployers'] }],
  ])
  expect(await account.aws.authenticateEksToken(token, 'milvus')).toEqual({
    username: session.principalArn,
    groups: ['deployers'],
  })
  expect(await account.aws.authenticateEksToken(await createEksToken(), 'milvus')).toBeUndefined()
  expect(account.aws.tokenRejections.at(-1)).toBe(`ARN is not mapped: ${user.principalArn}`)
  for (const stored of account.aws.credentials) stored.expiresAt = new Date()
  expect(await account.aws.authenticateEksToken(token, 'milvus')).toBeUndefined()
})

test.each(['POST', 'GET'] as const)(
  'GetCallerIdentity returns the session over %s',
  async (method) => {
    const signer = new SignatureV4({
      credentials: {
        accessKeyId: session.accessKeyId,
        secretAccessKey: session.secretAccessKey,
        sessionToken: session.sessionToken ?? '',
      },
      region: 'us-east-1',
      service: 'sts',
      sha256: Sha256,
    })
    const { host: address } = new URL(account.aws.endpoint)
    const form = { Action: 'GetCallerIdentity', Version: '2011-06-15' }
    const body = new URLSearchParams(form).toString()
    const signed = await signer.sign({
      method,
      protocol: 'http:',
      hostname: address,
      path: '/',
      headers: { host: address, 'content-type': 'application/x-www-form-urlencoded' },
      ...(method === 'POST' ? { body, query: {} } : { query: form }),
    })
    const listed = await fetch(`${account.aws.endpoint}/${method === 'GET' ? `?${body}` : ''}`, {
      method,
      headers: signed.headers,
      ...(method === 'POST' ? { body } : {}),
    })
    expect(await listed.text()).toContain(
      `<GetCallerIdentityResult><Arn>${session.principalArn}</Arn><UserId>AROA`,
    )
    expect(account.requestLog.requests.at(-1)).toMatchObject({
      service: 'sts',
      operation: 'GetCallerIdentity',
      isMutating: false,
    })
  },
)
