import { afterEach, beforeEach, expect, test } from '@jest/globals'
import {
  ACMClient, AddTagsToCertificateCommand, DeleteCertificateCommand, DescribeCertificateCommand, GetCertificateCommand, ImportCertificateCommand,
  ListCertificatesCommand, ListTagsForCertificateCommand, RemoveTagsFromCertificateCommand,
} from '@aws-sdk/client-acm'
import type { ImportCertificateCommandInput, ListCertificatesCommandInput } from '@aws-sdk/client-acm'
import { bytes, ecAuthority, failure, host, openAccount, rsaAuthority, user } from './aws-account.ts'
import type { Account } from './aws-account.ts'
import { createAuthority, encryptPrivateKey, selfSigned } from '../../sandbox/certificates.ts'
import type { IssuedCertificate } from '../../sandbox/certificates.ts'

let account: Account
beforeEach(async () => {
  account = await openAccount()
})
afterEach(() => account.close())

test('ACM describes an imported certificate', async () => {
  const issued = await (await rsaAuthority).issue({ hosts: [host, 'b.example.com'], serialNumber: '0a1bff' })
  const arn = await account.imported(issued, { Tags: [{ Key: 'a', Value: 'b' }] })
  expect(arn).toMatch(/^arn:aws:acm:us-east-2:111122223333:certificate\/[0-9a-f-]{36}$/)
  const { Certificate } = await account.acm.send(new DescribeCertificateCommand({ CertificateArn: arn }))
  expect(Certificate).toMatchObject({
    DomainName: host, SubjectAlternativeNames: [host, 'b.example.com'], Serial: '0a:1b:ff', Status: 'ISSUED', Type: 'IMPORTED', KeyAlgorithm: 'RSA-2048',
    SignatureAlgorithm: 'SHA256WITHRSA', InUseBy: [], Issuer: expect.stringContaining('Intermediate'),
    KeyUsages: [{ Name: 'DIGITAL_SIGNATURE' }, { Name: 'KEY_ENCIPHERMENT' }], ExtendedKeyUsages: [{ Name: 'TLS_WEB_SERVER_AUTHENTICATION', OID: '1.3.6.1.5.5.7.3.1' }],
  })
  expect(Certificate?.NotAfter?.getTime()).toBeGreaterThan(Date.now())
  expect(await account.acm.send(new GetCertificateCommand({ CertificateArn: arn }))).toMatchObject({ Certificate: issued.certificate, CertificateChain: issued.chain })
  await account.acm.send(new AddTagsToCertificateCommand({ CertificateArn: arn, Tags: [{ Key: 'c', Value: 'd' }] }))
  await account.acm.send(new RemoveTagsFromCertificateCommand({ CertificateArn: arn, Tags: [{ Key: 'a', Value: 'other' }] }))
  const { Tags } = await account.acm.send(new ListTagsForCertificateCommand({ CertificateArn: arn }))
  expect(Tags).toEqual([{ Key: 'a', Value: 'b' }, { Key: 'c', Value: 'd' }])
})

test('the same import twice makes two certificates', async () => {
  const issued = await (await rsaAuthority).issue({ hosts: [host] })
  expect(await account.imported(issued)).not.toBe(await account.imported(issued))
  expect(account.aws.state.certificates.size).toBe(2)
})

const now = Date.now()
const day = 86_400_000
test.each<[string, () => Promise<Partial<ImportCertificateCommandInput>>, string]>([
  ['a certificate that is too large', () => Promise.resolve({ Certificate: Buffer.alloc(32_769, 'a') }), 'length less than or equal to 32768'],
  ['a key that is too large', () => Promise.resolve({ PrivateKey: Buffer.alloc(5_121, 'a') }), 'length less than or equal to 5120'],
  ['an empty chain', () => Promise.resolve({ CertificateChain: Buffer.alloc(0) }), 'length greater than or equal to 1'],
  ['fullchain.pem as the certificate', async () => ({ Certificate: bytes((await (await rsaAuthority).issue({ hosts: [host] })).fullchain) }), 'The certificate field contains more than one certificate. You can specify only one certificate in this field.'],
  ['something that is no PEM', () => Promise.resolve({ Certificate: bytes('hello') }), 'Unable to parse certificate.'],
  ['an encrypted key', async () => ({ PrivateKey: bytes(encryptPrivateKey((await selfSigned({ hosts: [host] })).privateKey, 'x')) }), 'Your private key should not be encrypted.'],
  ['a key that is none', () => Promise.resolve({ PrivateKey: bytes('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n') }), 'The private key is not supported.'],
  ['another certificate\'s key', async () => ({ PrivateKey: bytes((await selfSigned({ hosts: [host], key: 'RSA_3072' })).privateKey) }), 'The private key does not match the certificate.'],
  ['no chain', () => Promise.resolve({ CertificateChain: undefined }), 'Provided certificate is not a valid self signed.'],
  ['the leaf in the chain', async () => {
    const issued = await (await rsaAuthority).issue({ hosts: [host] })
    return { Certificate: bytes(issued.certificate), PrivateKey: bytes(issued.privateKey), CertificateChain: bytes(issued.fullchain) }
  }, 'Could not validate the certificate with the certificate chain.'],
  ['the chain in the wrong order', async () => ({ CertificateChain: bytes((await rsaAuthority).root + (await rsaAuthority).intermediate) }), 'Could not validate the certificate with the certificate chain.'],
  ['another authority\'s chain', async () => ({ CertificateChain: bytes((await createAuthority()).intermediate) }), 'Could not validate the certificate with the certificate chain.'],
  ['an expired certificate', async () => parts(await (await rsaAuthority).issue({ hosts: [host], notBefore: new Date(now - 2 * day), notAfter: new Date(now - day) })), 'The certificate has expired, is not valid.'],
  ['a certificate of tomorrow', async () => parts(await (await rsaAuthority).issue({ hosts: [host], notBefore: new Date(now + day) })), 'The certificate is not in effect yet, is not valid.'],
  ['an EC leaf of an RSA authority', async () => parts(await (await rsaAuthority).issue({ hosts: [host], key: 'EC_prime256v1' })), 'must match the algorithm of the signing CA'],
])('ACM refuses %s', async (_, change, message) => {
  const good = parts(await (await rsaAuthority).issue({ hosts: [host] }))
  const { CertificateChain, ...input } = { ...good, ...await change() }
  const said = await failure(account.acm.send(new ImportCertificateCommand({ ...input, ...(CertificateChain ? { CertificateChain } : {}) })))
  expect(said).toMatch(/^ValidationException: /)
  expect(said).toContain(message)
  expect(account.aws.state.certificates.size).toBe(0)
})

function parts({ certificate, privateKey, chain }: IssuedCertificate): { Certificate: Buffer; PrivateKey: Buffer; CertificateChain: Buffer | undefined } {
  return { Certificate: bytes(certificate), PrivateKey: bytes(privateKey), CertificateChain: bytes(chain) }
}

test('ACM takes a self-signed certificate without a chain, and the root at the end of a chain', async () => {
  const own = await selfSigned({ hosts: [host], key: 'EC_prime256v1' })
  const arn = await account.imported(own)
  // Without a chain, ACM gives the certificate itself as its chain.
  expect(await account.acm.send(new GetCertificateCommand({ CertificateArn: arn }))).toMatchObject({ CertificateChain: own.certificate })
  const authority = await rsaAuthority
  await account.imported(await authority.issue({ hosts: [host] }), { CertificateChain: bytes(authority.intermediate + authority.root) })
  expect(account.aws.state.certificates.size).toBe(2)
})

const clientAuth = '1.3.6.1.5.5.7.3.2'
const serverAuth = '1.3.6.1.5.5.7.3.1'
type Issue = Parameters<Awaited<typeof rsaAuthority>['issue']>[0]
test.each<[string, Partial<Issue>, Partial<Issue>, string]>([
  ['a new key of the same type', {}, {}, 'none'],
  ['more names', {}, { hosts: [host, 'new.example.com'] }, 'none'],
  ['all names gone', {}, { hosts: ['new.example.com'] }, 'domain names'],
  ['another key size', {}, { key: 'RSA_3072' }, 'key type and size'],
  ['clientAuth gone', { extendedKeyUsage: [serverAuth, clientAuth] }, {}, 'none'],
  ['serverAuth gone', {}, { extendedKeyUsage: [clientAuth] }, 'Extended key usage'],
  ['extended key usage added', { extendedKeyUsage: null }, {}, 'Extended key usage'],
  ['key usage gone', {}, { keyUsage: ['digitalSignature'] }, 'Key usage'],
  ['key usage added', { keyUsage: null }, {}, 'Key usage'],
  ['key usage grown', { keyUsage: ['digitalSignature'] }, {}, 'none'],
])('re-import: %s', async (_, before, after, message) => {
  const authority = await rsaAuthority
  const arn = await account.imported(await authority.issue({ hosts: [host], ...before }), { Tags: [{ Key: 'a', Value: 'b' }] })
  const renewed = await authority.issue({ hosts: [host], ...after })
  expect(await failure(account.imported(renewed, { CertificateArn: arn }))).toMatch(message)
  const held = account.aws.state.certificates.get(arn)
  expect(held?.certificate === renewed.certificate).toBe(message === 'none')
  expect(held?.tags.get('a')).toBe('b')
})

test('re-import takes no tags, needs an ARN of ours, and leaves keyEncipherment of an EC key', async () => {
  const authority = await ecAuthority
  const issued = await authority.issue({ hosts: [host], key: 'EC_prime256v1', keyUsage: ['digitalSignature', 'keyEncipherment'] })
  const arn = await account.imported(issued)
  expect(await failure(account.imported(issued, { CertificateArn: arn, Tags: [{ Key: 'a', Value: 'b' }] }))).toBe('ValidationException: Tagging is not permitted on re-import.')
  expect(await account.imported(await authority.issue({ hosts: [host], key: 'EC_prime256v1' }), { CertificateArn: arn })).toBe(arn)
  const [gone, abroad, foreign] = [arn.replace(/.$/, 'x'), arn.replace('us-east-2', 'us-west-2'), arn.replace('111122223333', '444455556666')]
  expect(await failure(account.imported(issued, { CertificateArn: gone }))).toBe(`ResourceNotFoundException: Could not find certificate ${gone}.`)
  expect(await failure(account.imported(issued, { CertificateArn: abroad }))).toBe(`ResourceNotFoundException: Could not find certificate ${abroad}.`)
  expect(await failure(account.imported(issued, { CertificateArn: foreign }))).toBe(`AccessDeniedException: User: ${user.principalArn} is not authorized to perform: acm:ImportCertificate on resource: ${foreign}`)
  expect(await failure(account.imported(issued, { CertificateArn: 'no arn' }))).toMatch(/^ValidationException: .*regular expression/)
})

test('the yearly quota counts imports, not certificates, and no re-imports', async () => {
  account.aws.state.importsLeft = 1
  const arn = await account.imported()
  await account.imported(undefined, { CertificateArn: arn })
  await account.acm.send(new DeleteCertificateCommand({ CertificateArn: arn }))
  expect(await failure(account.imported())).toMatch(/^LimitExceededException: /)
})

test('ListCertificates shows other key types only when asked, in pages', async () => {
  const rsa = await account.imported()
  const big = await account.imported(await (await rsaAuthority).issue({ hosts: [host], key: 'RSA_3072' }))
  const ec = await account.imported(await (await ecAuthority).issue({ hosts: [host], key: 'EC_prime256v1' }))
  const arns = async (input: ListCertificatesCommandInput) => (await account.acm.send(new ListCertificatesCommand(input))).CertificateSummaryList?.map(({ CertificateArn }) => CertificateArn)
  expect(await arns({})).toEqual([rsa])
  expect(await arns({ Includes: { keyTypes: ['RSA_2048', 'RSA_3072', 'EC_prime256v1'] } })).toEqual([rsa, big, ec])
  expect(await arns({ Includes: { keyTypes: ['EC_prime256v1'] } })).toEqual([ec])
  expect(await arns({ CertificateStatuses: ['EXPIRED'] })).toEqual([])
  const everything = { Includes: { keyTypes: ['RSA_2048' as const, 'RSA_3072' as const, 'EC_prime256v1' as const] }, MaxItems: 2 }
  const first = await account.acm.send(new ListCertificatesCommand(everything))
  expect(first.CertificateSummaryList).toHaveLength(2)
  expect(first.CertificateSummaryList?.[0]).toMatchObject({ DomainName: host, SubjectAlternativeNameSummaries: [host], InUse: false, Status: 'ISSUED', Type: 'IMPORTED' })
  const second = await account.acm.send(new ListCertificatesCommand({ ...everything, NextToken: first.NextToken }))
  expect(second.CertificateSummaryList?.map(({ CertificateArn }) => CertificateArn)).toEqual([ec])
  expect(second.NextToken).toBeUndefined()
})

test('another region is another account state', async () => {
  const arn = await account.imported()
  const elsewhere = new ACMClient(account.options(user, 'eu-west-1'))
  expect(await failure(elsewhere.send(new DescribeCertificateCommand({ CertificateArn: arn })))).toBe(`ResourceNotFoundException: Could not find certificate ${arn}.`)
  expect((await elsewhere.send(new ListCertificatesCommand({}))).CertificateSummaryList).toEqual([])
})
