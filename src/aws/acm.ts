/** ACM: finding, reading and importing certificates. Knows nothing of which certificate is wanted. */
import {
  DeleteCertificateCommand,
  DescribeCertificateCommand,
  GetCertificateCommand,
  ImportCertificateCommand,
  ListTagsForCertificateCommand,
  KeyAlgorithm,
  paginateListCertificates,
  type ACMClient,
  type CertificateSummary,
} from '@aws-sdk/client-acm'
import { ActionError } from '../core/errors.ts'
import { messageOf } from '../core/text.ts'
import { awsError, errorName } from './errors.ts'

/** What ListCertificates says of a certificate. */
export interface CertificateListing {
  readonly arn: string
  /** Names it is for; incomplete when `more`, as ACM lists only the first. */
  readonly names: readonly string[]
  readonly more: boolean
  /** Whether it was imported: others cannot be imported again. */
  readonly imported: boolean
}

/** PEM texts for an import. `chain` may be empty. */
export interface ImportMaterial {
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
}

/** The calls that the certificate step makes. Every one throws ActionError. */
export class Acm {
  private readonly client: ACMClient
  private readonly onceClient: ACMClient

  constructor(clients: { acm: ACMClient; acmOnce: ACMClient }) {
    this.client = clients.acm
    this.onceClient = clients.acmOnce
  }

  /** Every certificate of the account and region. ACM leaves out EC and large RSA keys unless each key type is asked for. */
  async list(): Promise<CertificateListing[]> {
    try {
      const listings: CertificateListing[] = []
      const pages = paginateListCertificates({ client: this.client, pageSize: 1000 }, { Includes: { keyTypes: Object.values(KeyAlgorithm) } })
      for await (const page of pages) listings.push(...(page.CertificateSummaryList ?? []).map(listing))
      return listings
    } catch (thrown) {
      throw awsError('acm:ListCertificates', thrown)
    }
  }

  /** The certificate and its chain as PEM; undefined when ACM has none under this ARN. */
  async get(arn: string): Promise<{ certificate: string; chain: string } | undefined> {
    try {
      const answer = await this.client.send(new GetCertificateCommand({ CertificateArn: arn }))
      return { certificate: answer.Certificate ?? '', chain: answer.CertificateChain ?? '' }
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return undefined
      if (errorName(thrown) === 'RequestInProgressException') throw notIssued(arn, thrown)
      throw awsError('acm:GetCertificate', thrown)
    }
  }

  /** The tags of a certificate; none when it is gone by now. */
  async tags(arn: string): Promise<Map<string, string>> {
    try {
      const answer = await this.client.send(new ListTagsForCertificateCommand({ CertificateArn: arn }))
      return new Map((answer.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']))
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return new Map()
      throw awsError('acm:ListTagsForCertificate', thrown)
    }
  }

  /** ARNs of what uses a certificate; undefined when that is not to be known, for lack of permission. None when it is gone. */
  async users(arn: string): Promise<readonly string[] | undefined> {
    try {
      return (await this.client.send(new DescribeCertificateCommand({ CertificateArn: arn }))).Certificate?.InUseBy ?? []
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return []
      const error = awsError('acm:DescribeCertificate', thrown)
      if (error.code === 'aws-access-denied') return undefined
      throw error
    }
  }

  /** Deletes a certificate. @returns why it is still there, when ACM or IAM does not let go of it */
  async remove(arn: string): Promise<string | undefined> {
    try {
      await this.client.send(new DeleteCertificateCommand({ CertificateArn: arn }))
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return undefined
      if (['ResourceInUseException', 'ConflictException'].includes(errorName(thrown))) return messageOf(thrown)
      const error = awsError('acm:DeleteCertificate', thrown)
      if (error.code === 'aws-access-denied') return error.message
      throw error
    }
    return undefined
  }

  /**
   * Imports under an ARN that exists. Safe to repeat: the same material again changes nothing. ACM allows no tags here.
   * @returns the refusal, when ACM does not take this material under this ARN
   */
  async reimport(arn: string, material: ImportMaterial): Promise<ActionError | undefined> {
    try {
      await this.client.send(new ImportCertificateCommand({ CertificateArn: arn, ...encode(material) }))
      return undefined
    } catch (thrown) {
      const error = importError(thrown)
      if (error.code === 'certificate-refused') return error
      throw error
    }
  }

  /**
   * Imports a new certificate, in one attempt: a repeated request would make a second certificate.
   * @returns the new ARN, or why it is not known whether the request arrived: look before trying again
   */
  async importOnce(material: ImportMaterial, tags: Readonly<Record<string, string>>): Promise<{ arn: string } | { unknown: string }> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    try {
      const answer = await this.onceClient.send(new ImportCertificateCommand({ ...encode(material), Tags }))
      return answer.CertificateArn ? { arn: answer.CertificateArn } : { unknown: 'its answer has no ARN' }
    } catch (thrown) {
      if (mayHaveArrived(thrown)) return { unknown: messageOf(thrown) }
      throw importError(thrown)
    }
  }
}

function notIssued(arn: string, cause: unknown): ActionError {
  return new ActionError({ code: 'certificate-not-issued', problem: `Certificate ${arn} is not issued yet.`, remedy: 'Validate it (ACM shows the DNS record or mail that it waits for), then run the job again.', cause })
}

function listing(summary: CertificateSummary): CertificateListing {
  return {
    arn: summary.CertificateArn ?? '',
    names: [...new Set([summary.DomainName ?? '', ...(summary.SubjectAlternativeNameSummaries ?? [])])],
    more: summary.HasAdditionalSubjectAlternativeNames ?? false,
    imported: summary.Type === 'IMPORTED',
  }
}

function encode(material: ImportMaterial) {
  const bytes = (pem: string) => new TextEncoder().encode(pem)
  return { Certificate: bytes(material.certificate), PrivateKey: bytes(material.privateKey), ...(material.chain && { CertificateChain: bytes(material.chain) }) }
}

/** A 4xx that is not throttling is an answer; a 5xx, throttling or a broken connection may heal, and may have done the work. */
function mayHaveArrived(thrown: unknown): boolean {
  const status = (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (errorName(thrown) === 'CredentialsProviderError') return false
  return status === undefined || status >= 500 || /Throttl|TooManyRequests|RequestInProgress/.test(errorName(thrown))
}

function importError(thrown: unknown): ActionError {
  const message = thrown instanceof Error ? thrown.message : ''
  switch (errorName(thrown)) {
    case 'LimitExceededException':
      return new ActionError({
        code: 'certificate-quota-exceeded',
        problem: `ACM imports no further certificate into this account and region: ${message}`,
        remedy: 'Delete certificates that nothing uses, or ask AWS for a higher quota of imported certificates (Service Quotas, ACM).',
        cause: thrown,
      })
    case 'ValidationException':
    case 'InvalidParameterException':
    case 'InvalidTagException':
    case 'TagPolicyException':
    case 'TooManyTagsException':
      return new ActionError({
        code: 'certificate-refused',
        problem: `ACM refused the certificate: ${message}`,
        remedy: 'Give a certificate as ACM takes it: one leaf, its chain in order, an unencrypted RSA or EC key; the sentence above says which part it did not like.',
        cause: thrown,
      })
    default:
      return awsError('acm:ImportCertificate', thrown)
  }
}
