import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { GetCertificateCommand, ImportCertificateCommand } from '@aws-sdk/client-acm'
import type { ImportCertificateCommandInput } from '@aws-sdk/client-acm'
import { toBytes, getErrorText, host, startTestAccount, rsaAuthority } from './aws-account.ts'
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
])('ACM rejects $name', async ({ change, message }) => {
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
