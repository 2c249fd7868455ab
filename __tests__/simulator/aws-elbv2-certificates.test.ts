import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  ListCertificatesCommand,
} from '@aws-sdk/client-acm'
import {
  AddListenerCertificatesCommand,
  DeleteListenerCommand,
  DescribeListenerCertificatesCommand,
  ModifyListenerCommand,
  RemoveListenerCertificatesCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { CreateListenerCommandInput } from '@aws-sdk/client-elastic-load-balancing-v2'
import { getErrorText } from './aws-account.ts'
import { issueSelfSigned } from '../../testing/certificates.ts'
import {
  account,
  createLoadBalancer,
  createTargetGroup,
  createListener,
  missingCertificateArn,
  startAccount,
  stopAccount,
} from './elbv2-fixture.ts'

beforeEach(startAccount)
afterEach(stopAccount)

test('ACM does not delete a certificate in use', async () => {
  const arn = await account.importCertificate()
  const loadBalancerArn = await createLoadBalancer()
  const listenerArn = await createListener(
    { Certificates: [{ CertificateArn: arn }] },
    loadBalancerArn,
  )
  expect(
    (await account.acm.send(new DescribeCertificateCommand({ CertificateArn: arn }))).Certificate
      ?.InUseBy,
  ).toEqual([loadBalancerArn])
  expect(
    (await account.acm.send(new ListCertificatesCommand({}))).CertificateSummaryList?.[0]?.InUse,
  ).toBe(true)
  expect(
    await getErrorText(account.acm.send(new DeleteCertificateCommand({ CertificateArn: arn }))),
  ).toBe(`ResourceInUseException: Certificate ${arn} in account 111122223333 is in use.`)
  await account.elb.send(new DeleteListenerCommand({ ListenerArn: listenerArn }))
  await account.acm.send(new DeleteCertificateCommand({ CertificateArn: arn }))
  expect(account.aws.state.certificates.size).toBe(0)
})
test.each<{
  name: string
  change: () => Promise<Partial<CreateListenerCommandInput>>
  message: string
}>([
  {
    name: 'a certificate that ACM lacks',
    change: () => Promise.resolve({ Certificates: [{ CertificateArn: missingCertificateArn }] }),
    message: `CertificateNotFoundException: Certificate '${missingCertificateArn}' not found`,
  },
  {
    name: 'a certificate of another region',
    change: () =>
      Promise.resolve({
        Certificates: [{ CertificateArn: missingCertificateArn.replace('us-east-2', 'us-east-1') }],
      }),
    message: 'ValidationError: Certificate ARN',
  },
  {
    name: 'a name without a dot',
    change: async () => ({
      Certificates: [
        {
          CertificateArn: await account.importCertificate(
            await issueSelfSigned({ hosts: ['milvus'] }),
          ),
        },
      ],
    }),
    message: 'UnsupportedCertificate: The certificate',
  },
  {
    name: 'no certificate',
    change: () => Promise.resolve({}),
    message: 'ValidationError: A certificate must be specified for HTTPS listeners',
  },
  {
    name: 'an unknown policy',
    change: async () => ({
      Certificates: [{ CertificateArn: await account.importCertificate() }],
      SslPolicy: 'x',
    }),
    message: "SSLPolicyNotFoundException: SSL policy 'x' not found",
  },
  {
    name: 'a GRPC target group behind an HTTP listener',
    change: async () => ({
      Protocol: 'HTTP' as const,
      Port: 80,
      DefaultActions: [{ Type: 'forward' as const, TargetGroupArn: await createTargetGroup() }],
    }),
    message:
      "InvalidLoadBalancerActionException: Listener protocol 'HTTP' is not supported with a target group with the protocol-version 'GRPC'",
  },
  {
    name: 'another protocol',
    change: () => Promise.resolve({ Protocol: 'TCP' as const }),
    message: "ValidationError: Listener protocol 'TCP' must be one of 'HTTP, HTTPS'",
  },
])('CreateListener rejects $name', async ({ change, message }) => {
  expect(await getErrorText(createListener(await change()))).toContain(message)
})

test('a new certificate is not found before its propagation', async () => {
  account.aws.state.certificatePropagationTime = 60_000
  const Certificates = [{ CertificateArn: await account.importCertificate() }]
  expect(await getErrorText(createListener({ Certificates }))).toMatch(
    /^CertificateNotFoundException: /,
  )
  account.aws.clockOffset = 61_000
  const loadBalancerArn = [...account.aws.state.loadBalancers.keys()][0]
  expect(await getErrorText(createListener({ Certificates }, loadBalancerArn))).toBe('none')
})

test('a listener has one default certificate and additional certificates', async () => {
  const [first, second, third] = [
    await account.importCertificate(),
    await account.importCertificate(),
    await account.importCertificate(),
  ]
  const arn = await createListener({ Certificates: [{ CertificateArn: first }] })
  const listCertificates = async () =>
    (await account.elb.send(new DescribeListenerCertificatesCommand({ ListenerArn: arn })))
      .Certificates
  await account.elb.send(
    new AddListenerCertificatesCommand({
      ListenerArn: arn,
      Certificates: [{ CertificateArn: first }, { CertificateArn: second }],
    }),
  )
  expect(await listCertificates()).toEqual([
    { CertificateArn: first, IsDefault: true },
    { CertificateArn: second, IsDefault: false },
  ])
  const { Listeners } = await account.elb.send(
    new ModifyListenerCommand({
      ListenerArn: arn,
      Certificates: [{ CertificateArn: third }],
      SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    }),
  )
  expect(Listeners?.[0]).toMatchObject({
    Certificates: [{ CertificateArn: third }],
    SslPolicy: 'ELBSecurityPolicy-TLS13-1-2-2021-06',
    Port: 443,
  })
  expect(await listCertificates()).toEqual([
    { CertificateArn: third, IsDefault: true },
    { CertificateArn: second, IsDefault: false },
  ])
  expect(
    await getErrorText(
      account.elb.send(
        new RemoveListenerCertificatesCommand({
          ListenerArn: arn,
          Certificates: [{ CertificateArn: third }],
        }),
      ),
    ),
  ).toMatch(/^OperationNotPermittedException/)
  await account.elb.send(
    new RemoveListenerCertificatesCommand({
      ListenerArn: arn,
      Certificates: [{ CertificateArn: second }],
    }),
  )
  expect(await listCertificates()).toHaveLength(1)
  expect(
    await getErrorText(
      account.elb.send(
        new ModifyListenerCommand({
          ListenerArn: arn,
          Certificates: [{ CertificateArn: missingCertificateArn }],
        }),
      ),
    ),
  ).toMatch(/^CertificateNotFoundException/)
})
