/** An ACM client, its account, and certificates to import. */
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type IssuedCertificate,
} from '../../../testing/certificates.ts'
import { Acm } from '../../../src/clients/aws/acm.ts'
import type { ImportMaterial } from '../../../src/clients/aws/acm-import.ts'
import { FakeClock } from '../../util/clock.ts'
import { startTestAccount, type TestAccount } from './test-account.ts'

export const host = 'milvus.example.com'
export const missingArn =
  'arn:aws:acm:us-east-2:111122223333:certificate/00000000-0000-4000-8000-000000000000'
export let authority: CertificateAuthority
export let rsaAuthority: CertificateAuthority
export let issued: IssuedCertificate
export let account: TestAccount
export let acm: Acm

export async function issueCertificates(): Promise<void> {
  authority = await createCertificateAuthority({ keyAlgorithm: 'EC_prime256v1' })
  rsaAuthority = await createCertificateAuthority()
  issued = await authority.issue({
    hosts: [host, '*.milvus.example.com'],
    keyAlgorithm: 'EC_prime256v1',
  })
}

export async function startAccount(): Promise<void> {
  account = await startTestAccount()
  acm = new Acm(account.clients, { clock: new FakeClock(), signal: new AbortController().signal })
}

export const stopAccount = (): Promise<void> => account.close()

export const createImportMaterial = (source: IssuedCertificate = issued): ImportMaterial => ({
  certificate: source.certificate,
  chain: source.chain,
  privateKey: source.privateKey,
})

/** Imports a certificate, which must succeed. */
export async function importCertificate(
  tags: Readonly<Record<string, string>> = {},
): Promise<string> {
  const result = await acm.importWithoutRetry(createImportMaterial(), tags)
  if (!('arn' in result)) throw new Error(result.uncertainReason)
  return result.arn
}

export const requestBodies = (operation: string): string[] =>
  account.requestLog.requests
    .filter((request) => request.operation === operation)
    .map(({ body }) => body)
