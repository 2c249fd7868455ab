import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  ACMClient,
  AddTagsToCertificateCommand,
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
  RemoveTagsFromCertificateCommand,
} from '@aws-sdk/client-acm'
import type {
  ImportCertificateCommandInput,
  ListCertificatesCommandInput,
} from '@aws-sdk/client-acm'
import {
  toBytes,
  ecAuthority,
  getErrorText,
  host,
  startTestAccount,
  rsaAuthority,
  user,
} from './aws-account.ts'
import type { TestAccount } from './aws-account.ts'
import {
  createCertificateAuthority,
  encryptPrivateKey,
  issueSelfSigned,
} from '../../testing/certificates.ts'
import type { IssuedCertificate } from '../../testing/certificates.ts'

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

const now = Date.now()
const day = 86_400_000
test.each<{
  name: string
  change: () => Promise<Partial<ImportCertificateCommandInput>>
  message: string
}>([
  {
    name: 'a certificate that is too large',
    change: () => Promise.resolve({ Certificate: Buffer.alloc(32_769, 'a') }),
    message: 'length less than or equal to 32768',
  },
  {
    name: 'a key that is too large',
    change: () => Promise.resolve({ PrivateKey: Buffer.alloc(5_121, 'a') }),
    message: 'length less than or equal to 5120',
  },
  {
    name: 'an empty chain',
    change: () => Promise.resolve({ CertificateChain: Buffer.alloc(0) }),
    message: 'length greater than or equal to 1',
  },
  {
    name: 'fullchain.pem as the certificate',
    change: async () => ({
      Certificate: toBytes((await (await rsaAuthority).issue({ hosts: [host] })).fullchain),
    }),
    message:
      'The certificate field contains more than one certificate. You can specify only one certificate in this field.',
  },
  {
    name: 'text that is not PEM',
    change: () => Promise.resolve({ Certificate: toBytes('hello') }),
    message: 'Unable to parse certificate.',
  },
  {
    name: 'an encrypted key',
    change: async () => ({
      PrivateKey: toBytes(
        encryptPrivateKey((await issueSelfSigned({ hosts: [host] })).privateKey, 'x'),
      ),
    }),
    message: 'Your private key should not be encrypted.',
  },
  {
    name: 'a malformed key',
    change: () =>
      Promise.resolve({
        PrivateKey: toBytes('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n'),
      }),
    message: 'The private key is not supported.',
  },
  {
    name: 'the key of another certificate',
    change: async () => ({
      PrivateKey: toBytes(
        (await issueSelfSigned({ hosts: [host], keyAlgorithm: 'RSA_3072' })).privateKey,
      ),
    }),
    message: 'The private key does not match the certificate.',
  },
  {
    name: 'no chain',
    change: () => Promise.resolve({ CertificateChain: undefined }),
    message: 'Provided certificate is not a valid self signed.',
  },
  {
    name: 'the leaf in the chain',
    change: async () => {
      const issued = await (await rsaAuthority).issue({ hosts: [host] })
      return {
        Certificate: toBytes(issued.certificate),
        PrivateKey: toBytes(issued.privateKey),
        CertificateChain: toBytes(issued.fullchain),
      }
    },
    message: 'Could not validate the certificate with the certificate chain.',
  },
  {
    name: 'the chain in the wrong order',
    change: async () => ({
      CertificateChain: toBytes((await rsaAuthority).root + (await rsaAuthority).intermediate),
    }),
    message: 'Could not validate the certificate with the certificate chain.',
  },
  {
    name: 'the chain of another authority',
    change: async () => ({
      CertificateChain: toBytes((await createCertificateAuthority()).intermediate),
    }),
    message: 'Could not validate the certificate with the certificate chain.',
  },
  {
    name: 'an expired certificate',
    change: async () =>
      toImportInput(
        await (
          await rsaAuthority
        ).issue({
          hosts: [host],
          notBefore: new Date(now - 2 * day),
          notAfter: new Date(now - day),
        }),
      ),
    message: 'The certificate has expired, is not valid.',
  },
  {
    name: 'a certificate that is not yet valid',
    change: async () =>
      toImportInput(
        await (await rsaAuthority).issue({ hosts: [host], notBefore: new Date(now + day) }),
      ),
    message: 'The certificate is not in effect yet, is not valid.',
  },
  {
    name: 'an EC leaf of an RSA authority',
    change: async () =>
      toImportInput(
        await (await rsaAuthority).issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
      ),
    message: 'must match the algorithm of the signing CA',
  },
])('ACM refuses $name', async ({ change, message }) => {
  const validInput = toImportInput(await (await rsaAuthority).issue({ hosts: [host] }))
  const { CertificateChain, ...input } = { ...validInput, ...(await change()) }
  const errorText = await getErrorText(
    account.acm.send(
      new ImportCertificateCommand({ ...input, ...(CertificateChain ? { CertificateChain } : {}) }),
    ),
  )
  expect(errorText).toMatch(/^ValidationException: /)
  expect(errorText).toContain(message)
  expect(account.aws.state.certificates.size).toBe(0)
})

function toImportInput({ certificate, privateKey, chain }: IssuedCertificate): {
  Certificate: Buffer
  PrivateKey: Buffer
  CertificateChain: Buffer | undefined
} {
  return {
    Certificate: toBytes(certificate),
    PrivateKey: toBytes(privateKey),
    CertificateChain: toBytes(chain),
  }
}

test('ACM accepts a self-signed certificate without a chain, and a chain that ends with the root', async () => {
  const selfSignedCertificate = await issueSelfSigned({
    hosts: [host],
    keyAlgorithm: 'EC_prime256v1',
  })
  const arn = await account.importCertificate(selfSignedCertificate)
  // Without a chain, ACM returns the certificate itself as the chain.
  expect(await account.acm.send(new GetCertificateCommand({ CertificateArn: arn }))).toMatchObject({
    CertificateChain: selfSignedCertificate.certificate,
  })
  const authority = await rsaAuthority
  await account.importCertificate(await authority.issue({ hosts: [host] }), {
    CertificateChain: toBytes(authority.intermediate + authority.root),
  })
  expect(account.aws.state.certificates.size).toBe(2)
})

const clientAuth = '1.3.6.1.5.5.7.3.2'
const serverAuth = '1.3.6.1.5.5.7.3.1'
type IssueOptions = Parameters<Awaited<typeof rsaAuthority>['issue']>[0]
test.each<{
  name: string
  before: Partial<IssueOptions>
  after: Partial<IssueOptions>
  message: string
}>([
  { name: 'a new key of the same type', before: {}, after: {}, message: 'none' },
  {
    name: 'an additional name',
    before: {},
    after: { hosts: [host, 'new.example.com'] },
    message: 'none',
  },
  {
    name: 'no name in common',
    before: {},
    after: { hosts: ['new.example.com'] },
    message: 'domain names',
  },
  {
    name: 'another key size',
    before: {},
    after: { keyAlgorithm: 'RSA_3072' },
    message: 'key type and size',
  },
  {
    name: 'removed clientAuth',
    before: { extendedKeyUsage: [serverAuth, clientAuth] },
    after: {},
    message: 'none',
  },
  {
    name: 'removed serverAuth',
    before: {},
    after: { extendedKeyUsage: [clientAuth] },
    message: 'Extended key usage',
  },
  {
    name: 'added extended key usage',
    before: { extendedKeyUsage: null },
    after: {},
    message: 'Extended key usage',
  },
  {
    name: 'a removed key usage flag',
    before: {},
    after: { keyUsage: ['digitalSignature'] },
    message: 'Key usage',
  },
  { name: 'added key usage', before: { keyUsage: null }, after: {}, message: 'Key usage' },
  {
    name: 'additional key usage flags',
    before: { keyUsage: ['digitalSignature'] },
    after: {},
    message: 'none',
  },
])('re-import with $name', async ({ before, after, message }) => {
  const authority = await rsaAuthority
  const arn = await account.importCertificate(await authority.issue({ hosts: [host], ...before }), {
    Tags: [{ Key: 'a', Value: 'b' }],
  })
  const renewed = await authority.issue({ hosts: [host], ...after })
  expect(await getErrorText(account.importCertificate(renewed, { CertificateArn: arn }))).toMatch(
    message,
  )
  const stored = account.aws.state.certificates.get(arn)
  expect(stored?.certificate === renewed.certificate).toBe(message === 'none')
  expect(stored?.tags.get('a')).toBe('b')
})

test('re-import rejects tags and ARNs that do not exist in the account and region, and accepts an EC key without keyEncipherment', async () => {
  const authority = await ecAuthority
  const issued = await authority.issue({
    hosts: [host],
    keyAlgorithm: 'EC_prime256v1',
    keyUsage: ['digitalSignature', 'keyEncipherment'],
  })
  const arn = await account.importCertificate(issued)
  expect(
    await getErrorText(
      account.importCertificate(issued, { CertificateArn: arn, Tags: [{ Key: 'a', Value: 'b' }] }),
    ),
  ).toBe('ValidationException: Tagging is not permitted on re-import.')
  expect(
    await account.importCertificate(
      await authority.issue({ hosts: [host], keyAlgorithm: 'EC_prime256v1' }),
      { CertificateArn: arn },
    ),
  ).toBe(arn)
  const [missingArn, otherRegionArn, otherAccountArn] = [
    arn.replace(/.$/, 'x'),
    arn.replace('us-east-2', 'us-west-2'),
    arn.replace('111122223333', '444455556666'),
  ]
  expect(
    await getErrorText(account.importCertificate(issued, { CertificateArn: missingArn })),
  ).toBe(`ResourceNotFoundException: Could not find certificate ${missingArn}.`)
  expect(
    await getErrorText(account.importCertificate(issued, { CertificateArn: otherRegionArn })),
  ).toBe(`ResourceNotFoundException: Could not find certificate ${otherRegionArn}.`)
  expect(
    await getErrorText(account.importCertificate(issued, { CertificateArn: otherAccountArn })),
  ).toBe(
    `AccessDeniedException: User: ${user.principalArn} is not authorized to perform: acm:ImportCertificate on resource: ${otherAccountArn}`,
  )
  expect(
    await getErrorText(account.importCertificate(issued, { CertificateArn: 'no arn' })),
  ).toMatch(/^ValidationException: .*regular expression/)
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
