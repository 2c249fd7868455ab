/** Manual operations in ACM, with AWS' own client as the administrator. */
import { X509Certificate } from 'node:crypto'
import {
  ACMClient,
  DeleteCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  KeyAlgorithm,
  ListCertificatesCommand,
  ListTagsForCertificateCommand,
  RemoveTagsFromCertificateCommand,
} from '@aws-sdk/client-acm'
import type { IssuedCertificate } from '../../testing/certificates.ts'
import type { TestEnvironment } from '../../testing/environment.ts'
import { getAwsClientConfig } from './aws-clients.ts'

const createClient = (environment: TestEnvironment): ACMClient =>
  new ACMClient(getAwsClientConfig(environment))

export async function deleteCertificate(
  environment: TestEnvironment,
  CertificateArn: string,
): Promise<void> {
  await createClient(environment).send(new DeleteCertificateCommand({ CertificateArn }))
}

/** A certificate in ACM. */
export interface AcmCertificate {
  readonly arn: string
  readonly x509: X509Certificate
  readonly tags: Readonly<Record<string, string>>
}

/** All certificates in ACM. */
export async function listCertificates(environment: TestEnvironment): Promise<AcmCertificate[]> {
  const acm = createClient(environment)
  const { CertificateSummaryList: list = [] } = await acm.send(
    new ListCertificatesCommand({ Includes: { keyTypes: Object.values(KeyAlgorithm) } }),
  )
  return Promise.all(
    list.map(async ({ CertificateArn = '' }) => {
      const [{ Certificate = '' }, { Tags = [] }] = await Promise.all([
        acm.send(new GetCertificateCommand({ CertificateArn })),
        acm.send(new ListTagsForCertificateCommand({ CertificateArn })),
      ])
      return {
        arn: CertificateArn,
        x509: new X509Certificate(Certificate),
        tags: Object.fromEntries(Tags.map(({ Key = '', Value = '' }) => [Key, Value])),
      }
    }),
  )
}

/** The ARNs of all certificates in ACM. */
export const listCertificateArns = async (environment: TestEnvironment): Promise<string[]> =>
  (await listCertificates(environment)).map(({ arn }) => arn)

/** The certificate in ACM with an ARN. */
export async function findCertificate(
  environment: TestEnvironment,
  arn: string | undefined,
): Promise<AcmCertificate | undefined> {
  return (await listCertificates(environment)).find((certificate) => certificate.arn === arn)
}

/** Removes all tags from a certificate, as if a user had imported it. */
export async function removeTags(environment: TestEnvironment, arn: string): Promise<void> {
  const tags = (await findCertificate(environment, arn))?.tags ?? {}
  await createClient(environment).send(
    new RemoveTagsFromCertificateCommand({
      CertificateArn: arn,
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    }),
  )
}

/**
 * Imports a certificate as the guide does with the AWS CLI; by default the environment's own.
 * @returns its ARN
 */
export async function importCertificate(
  environment: TestEnvironment,
  { certificate, chain, privateKey }: IssuedCertificate = environment.certificate,
): Promise<string> {
  const bytes = (pem: string): Uint8Array => new TextEncoder().encode(pem)
  const { CertificateArn = '' } = await createClient(environment).send(
    new ImportCertificateCommand({
      Certificate: bytes(certificate),
      CertificateChain: bytes(chain),
      PrivateKey: bytes(privateKey),
    }),
  )
  return CertificateArn
}

/** Imports a certificate for another host. */
export const importOtherCertificate = async (environment: TestEnvironment): Promise<string> =>
  importCertificate(
    environment,
    await environment.certificateAuthority.issue({ hosts: ['other.example.com'] }),
  )
