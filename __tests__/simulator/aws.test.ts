import { createServer } from 'node:http'
import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { ACMClient, ListCertificatesCommand } from '@aws-sdk/client-acm'
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks'
import {
  CreateTargetGroupCommand,
  DescribeLoadBalancersCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { getErrorText, startTestAccount, session, user } from './aws-account.ts'
import type { TestAccount } from './aws-account.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'

let account: TestAccount
beforeEach(async () => {
  account = await startTestAccount()
})
afterEach(() => account.close())

const invalidTokenMessage = 'The security token included in the request is invalid.'
const mismatchMessage = 'The request signature we calculated does not match'
test.each<{ name: string; credential: () => AwsCredential; acmError: string; elbError: string }>([
  {
    name: 'an unknown access key',
    credential: () => ({ ...user, accessKeyId: 'AKIANOBODY' }),
    acmError: `UnrecognizedClientException: ${invalidTokenMessage}`,
    elbError: `InvalidClientTokenId: ${invalidTokenMessage}`,
  },
  {
    name: 'a wrong secret access key',
    credential: () => ({ ...user, secretAccessKey: 'other' }),
    acmError: `InvalidSignatureException: ${mismatchMessage}`,
    elbError: `SignatureDoesNotMatch: ${mismatchMessage}`,
  },
  {
    name: 'a session key without its session token',
    credential: () => ({
      accessKeyId: session.accessKeyId,
      secretAccessKey: session.secretAccessKey,
      principalArn: '',
    }),
    acmError: 'UnrecognizedClientException',
    elbError: 'InvalidClientTokenId',
  },
  { name: 'a valid session', credential: () => session, acmError: 'none', elbError: 'none' },
])('$name', async ({ credential, acmError, elbError }) => {
  const [list, describe] = [new ListCertificatesCommand({}), new DescribeLoadBalancersCommand({})]
  expect(
    await getErrorText(new ACMClient(account.getClientOptions(credential())).send(list)),
  ).toContain(acmError)
  expect(
    await getErrorText(
      new ElasticLoadBalancingV2Client(account.getClientOptions(credential())).send(describe),
    ),
  ).toContain(elbError)
  expect(
    await getErrorText(
      new EKSClient(account.getClientOptions(credential())).send(
        new DescribeClusterCommand({ name: 'c' }),
      ),
    ),
  ).toContain(acmError === 'none' ? 'No cluster found' : acmError)
})

test('a session expires during use and works again after a renewal', async () => {
  const client = new ACMClient(account.getClientOptions(session))
  expect(await getErrorText(client.send(new ListCertificatesCommand({})))).toBe('none')
  const stored = account.aws.credentials.find(
    ({ accessKeyId }) => accessKeyId === session.accessKeyId,
  )
  if (!stored) throw new Error('unreachable')
  stored.expiresAt = new Date()
  expect(await getErrorText(client.send(new ListCertificatesCommand({})))).toBe(
    'ExpiredTokenException: The security token included in the request is expired',
  )
  expect(
    await getErrorText(
      new ElasticLoadBalancingV2Client(account.getClientOptions(session)).send(
        new DescribeLoadBalancersCommand({}),
      ),
    ),
  ).toMatch(/^ExpiredToken: /)
  stored.expiresAt = new Date(Date.now() + 60_000)
  expect(await getErrorText(client.send(new ListCertificatesCommand({})))).toBe('none')
})

test('rejects a signature when the clock is ten minutes off', async () => {
  account.aws.clockOffset = 10 * 60_000
  expect(await getErrorText(account.acm.send(new ListCertificatesCommand({})))).toMatch(
    /^InvalidSignatureException: Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)$/,
  )
})

test('rejects a body that was modified in transit', async () => {
  const proxy = createServer((request, response) => {
    request.resume()
    const headers = Object.fromEntries(
      Object.entries(request.headers).filter(
        ([name]) => name !== 'content-length' && name !== 'connection',
      ),
    )
    void fetch(`${account.aws.endpoint}/`, {
      method: 'POST',
      headers: headers as Record<string, string>,
      body: '{"MaxItems":1}',
    }).then(async (answer) =>
      response
        .writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
        .end(await answer.text()),
    )
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', () => resolve()))
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('unreachable')
  const client = new ACMClient({
    ...account.getClientOptions(),
    endpoint: `http://127.0.0.1:${address.port}`,
  })
  try {
    expect(await getErrorText(client.send(new ListCertificatesCommand({ MaxItems: 2 })))).toContain(
      mismatchMessage,
    )
  } finally {
    client.destroy()
    proxy.closeAllConnections()
    proxy.close()
  }
})

test('access denied errors have the text of each AWS service', async () => {
  account.aws.authorize = (_, action) =>
    ![
      'acm:ImportCertificate',
      'acm:ListCertificates',
      'elasticloadbalancing:DescribeLoadBalancers',
      'elasticloadbalancing:AddTags',
      'eks:DescribeCluster',
    ].includes(action)
  const deniedPrefix = `User: ${user.principalArn} is not authorized to perform:`
  expect(await getErrorText(account.importCertificate())).toBe(
    `AccessDeniedException: ${deniedPrefix} acm:ImportCertificate on resource: arn:aws:acm:us-east-2:111122223333:certificate/* because no identity-based policy allows the acm:ImportCertificate action`,
  )
  expect(await getErrorText(account.acm.send(new ListCertificatesCommand({})))).toBe(
    `AccessDeniedException: ${deniedPrefix} acm:ListCertificates because no identity-based policy allows the acm:ListCertificates action`,
  )
  expect(await getErrorText(account.elb.send(new DescribeLoadBalancersCommand({})))).toContain(
    `AccessDenied: ${deniedPrefix} elasticloadbalancing:DescribeLoadBalancers`,
  )
  expect(
    await getErrorText(
      account.elb.send(
        new CreateTargetGroupCommand({ Name: 'g', Tags: [{ Key: 'a', Value: 'b' }] }),
      ),
    ),
  ).toContain(
    `${deniedPrefix} elasticloadbalancing:AddTags on resource: arn:aws:elasticloadbalancing:us-east-2:111122223333:targetgroup/g/*`,
  )
  expect(
    await getErrorText(
      new EKSClient(account.getClientOptions()).send(new DescribeClusterCommand({ name: 'c' })),
    ),
  ).toContain(
    `${deniedPrefix} eks:DescribeCluster on resource: arn:aws:eks:us-east-2:111122223333:cluster/c`,
  )
})

test('injected faults fail requests, and the request log records them', async () => {
  account.faults.inject({
    service: 'acm',
    operation: 'ListCertificates',
    times: 1,
    error: { status: 400, code: 'ThrottlingException', message: 'Rate exceeded' },
  })
  account.faults.inject({
    service: 'elbv2',
    operation: /^Describe/,
    times: 1,
    error: { status: 400, code: 'Throttling', message: 'Rate exceeded' },
  })
  expect(await getErrorText(account.acm.send(new ListCertificatesCommand({})))).toBe(
    'ThrottlingException: Rate exceeded',
  )
  expect(await getErrorText(account.elb.send(new DescribeLoadBalancersCommand({})))).toBe(
    'Throttling: Rate exceeded',
  )
  account.faults.inject({
    service: 'elbv2',
    operation: 'DescribeLoadBalancers',
    times: 1,
    reset: 'before',
  })
  expect(await getErrorText(account.elb.send(new DescribeLoadBalancersCommand({})))).toMatch(
    /ECONNRESET|socket hang up/,
  )
  await account.importCertificate()
  expect(
    account.requestLog.requests.map(({ service, operation, isMutating }) => [
      service,
      operation,
      isMutating,
    ]),
  ).toEqual([
    ['acm', 'ListCertificates', false],
    ['elbv2', 'DescribeLoadBalancers', false],
    ['elbv2', 'DescribeLoadBalancers', false],
    ['acm', 'ImportCertificate', true],
  ])
  expect(account.requestLog.requests[3]?.userAgent).toMatch(/^aws-sdk-js\//)
  expect(account.requestLog.requests[3]?.body).toContain('"Certificate":')
})

test('every response has a request ID', async () => {
  const listed = await account.acm.send(new ListCertificatesCommand({}))
  const other = await account.elb.send(new DescribeLoadBalancersCommand({}))
  expect(listed.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/)
  expect(other.$metadata.requestId).toMatch(/^[0-9a-f-]{36}$/)
})

test('EKS describes a cluster', async () => {
  account.aws.state.clusters.set('milvus', {
    name: 'milvus',
    endpoint: 'https://127.0.0.1:1',
    certificateAuthority: 'PEM',
    status: 'ACTIVE',
  })
  const eks = new EKSClient(account.getClientOptions())
  const { cluster } = await eks.send(new DescribeClusterCommand({ name: 'milvus' }))
  expect(cluster).toMatchObject({
    name: 'milvus',
    endpoint: 'https://127.0.0.1:1',
    status: 'ACTIVE',
    certificateAuthority: { data: Buffer.from('PEM').toString('base64') },
  })
  expect(await getErrorText(eks.send(new DescribeClusterCommand({ name: 'a b' })))).toBe(
    'ResourceNotFoundException: No cluster found for name: a b.',
  )
})

test('the environment configures the SDK for the endpoint', () => {
  expect(account.aws.environment()).toMatchObject({
    AWS_ENDPOINT_URL: account.aws.endpoint,
    AWS_REGION: 'us-east-2',
    AWS_ACCESS_KEY_ID: user.accessKeyId,
  })
  expect(account.aws.environment(session)).toMatchObject({
    AWS_SESSION_TOKEN: session.sessionToken,
  })
})
