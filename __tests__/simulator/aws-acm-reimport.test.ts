import { afterEach, beforeEach, expect, test } from '@jest/globals'
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
