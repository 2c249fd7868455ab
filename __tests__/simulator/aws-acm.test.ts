import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  ACMClient,
  AddTagsToCertificateCommand,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  GetCertificateCommand,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
  RemoveTagsFromCertificateCommand,
} from '@aws-sdk/client-acm'
import type { ListCertificatesCommandInput } from '@aws-sdk/client-acm'
import {
  ecAuthority,
  getErrorText,
  host,
  startTestAccount,
  rsaAuthority,
  user,
} from './aws-account.ts'
import type { TestAccount } from './aws-account.ts'

let account: TestAccount
beforeEach(async () => {
  account = await startTestAccount()
})
afterEach(() => account.close())

test('ACM describes an imported certificate', async () => {
  const issued = await (
    await rsaAuthority
  ).issue({ hosts: [host, 'b.example.com'], serialNumber: '0a1bff' })
  const arn = await account.importCertificate(issued, { Tags: [{ Key: 'a', Value: 'b' }] })
  expect(arn).toMatch(/^arn:aws:acm:us-east-2:111122223333:certificate\/[0-9a-f-]{36}$/)
  const { Certificate } = await account.acm.send(
    new DescribeCertificateCommand({ CertificateArn: arn }),
  )
  expect(Certificate).toMatchObject({
    DomainName: host,
    SubjectAlternativeNames: [host, 'b.example.com'],
    Serial: '0a:1b:ff',
    Status: 'ISSUED',
    Type: 'IMPORTED',
    KeyAlgorithm: 'RSA-2048',
    SignatureAlgorithm: 'SHA256WITHRSA',
    InUseBy: [],
    Issuer: expect.stringContaining('Intermediate'),
    KeyUsages: [{ Name: 'DIGITAL_SIGNATURE' }, { Name: 'KEY_ENCIPHERMENT' }],
    ExtendedKeyUsages: [{ Name: 'TLS_WEB_SERVER_AUTHENTICATION', OID: '1.3.6.1.5.5.7.3.1' }],
  })
  expect(Certificate?.NotAfter?.getTime()).toBeGreaterThan(Date.now())
  expect(await account.acm.send(new GetCertificateCommand({ CertificateArn: arn }))).toMatchObject({
    Certificate: issued.certificate,
    CertificateChain: issued.chain,
  })
  await account.acm.send(
    new AddTagsToCertificateCommand({ CertificateArn: arn, Tags: [{ Key: 'c', Value: 'd' }] }),
  )
  await account.acm.send(
    new RemoveTagsFromCertificateCommand({
      CertificateArn: arn,
      Tags: [{ Key: 'a', Value: 'other' }],
    }),
  )
  const { Tags } = await account.acm.send(
    new ListTagsForCertificateCommand({ CertificateArn: arn }),
  )
  expect(Tags).toEqual([
    { Key: 'a', Value: 'b' },
    { Key: 'c', Value: 'd' },
  ])
})

test('importing the same certificate twice creates two certificates', async () => {
  const issued = await (await rsaAuthority).issue({ hosts: [host] })
  expect(await account.importCertificate(issued)).not.toBe(await account.importCertificate(issued))
  expect(account.aws.state.certificates.size).toBe(2)
})

test('the yearly quota counts imports of deleted certificates too, but not re-imports', async () => {
  account.aws.state.remainingImports = 1
  const arn = await account.importCertificate()
  await account.importCertificate(undefined, { CertificateArn: arn })
  await account.acm.send(new DeleteCertificateCommand({ CertificateArn: arn }))
  expect(await getErrorText(account.importCertificate())).toMatch(/^LimitExceededException: /)
})

test('ListCertificates returns other key types only on request, in pages', async () => {
  const rsa = await account.importCertificate()
  const rsa3072 = await account.importCertificate(
    await (await rsaAuthority).issue({ hosts: [host], keyAlgorithm: 'RSA_3072' }),
  )
  const ec = await account.importCertificate(
    await (await ecAuthority).issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
  )
  const listArns = async (input: ListCertificatesCommandInput) =>
    (await account.acm.send(new ListCertificatesCommand(input))).CertificateSummaryList?.map(
      ({ CertificateArn }) => CertificateArn,
    )
  expect(await listArns({})).toEqual([rsa])
  expect(
    await listArns({ Includes: { keyTypes: ['RSA_2048', 'RSA_3072', 'EC_prime256v1'] } }),
  ).toEqual([rsa, rsa3072, ec])
  expect(await listArns({ Includes: { keyTypes: ['EC_prime256v1'] } })).toEqual([ec])
  expect(await listArns({ CertificateStatuses: ['EXPIRED'] })).toEqual([])
  const allKeyTypes = {
    Includes: { keyTypes: ['RSA_2048' as const, 'RSA_3072' as const, 'EC_prime256v1' as const] },
    MaxItems: 2,
  }
  const first = await account.acm.send(new ListCertificatesCommand(allKeyTypes))
  expect(first.CertificateSummaryList).toHaveLength(2)
  expect(first.CertificateSummaryList?.[0]).toMatchObject({
    DomainName: host,
    SubjectAlternativeNameSummaries: [host],
    InUse: false,
    Status: 'ISSUED',
    Type: 'IMPORTED',
  })
  const second = await account.acm.send(
    new ListCertificatesCommand({ ...allKeyTypes, NextToken: first.NextToken }),
  )
  expect(second.CertificateSummaryList?.map(({ CertificateArn }) => CertificateArn)).toEqual([ec])
  expect(second.NextToken).toBeUndefined()
})

test('certificates of another region are not visible', async () => {
  const arn = await account.importCertificate()
  const otherRegionClient = new ACMClient(account.getClientOptions(user, 'eu-west-1'))
  expect(
    await getErrorText(
      otherRegionClient.send(new DescribeCertificateCommand({ CertificateArn: arn })),
    ),
  ).toBe(`ResourceNotFoundException: Could not find certificate ${arn}.`)
  expect(
    (await otherRegionClient.send(new ListCertificatesCommand({}))).CertificateSummaryList,
  ).toEqual([])
})
