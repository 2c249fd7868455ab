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
  type CertificateDetail,
  type CertificateSummary,
} from '@aws-sdk/client-acm'
import { ActionError } from '../core/errors.ts'
import { messageOf } from '../core/text.ts'
import { awsError, errorName } from './errors.ts'
import { ending } from './pages.ts'

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

  /**
   * Every certificate of the account and region. ACM leaves out EC and large RSA keys unless each key type is asked for.
   * @param hosts the only names that are kept of those that they are for, in lower case; all when absent
   */
  async list(hosts?: readonly string[]): Promise<CertificateListing[]> {
    try {
      const listings: CertificateListing[] = []
      const pages = paginateListCertificates({ client: this.client, pageSize: 1000 }, { Includes: { keyTypes: Object.values(KeyAlgorithm) } })
      for await (const page of ending(pages)) listings.push(...(page.CertificateSummaryList ?? []).map((summary) => listing(summary, hosts)))
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
      if (errorName(thrown) === 'RequestInProgressException') throw notIssued(arn, {}, thrown)
      throw awsError('acm:GetCertificate', thrown)
    }
  }

  /**
   * A certificate that somebody else looks after. It is described too, because GetCertificate gives out revoked ones.
   * @returns its PEM, and why ACM will not renew it (undefined when it will); undefined when ACM has none under this ARN
   * @throws ActionError `certificate-not-issued` for one in a state in which no ALB should serve it
   */
  async issued(arn: string): Promise<{ certificate: string; notRenewed: string | undefined } | undefined> {
    const reading = this.get(arn)
    // What describing it says of its state is more than why it cannot be read.
    reading.catch(() => undefined)
    const detail = await this.describe(arn)
    if (detail?.Status !== undefined && detail.Status in unusable) throw notIssued(arn, detail)
    const pems = await reading
    return pems && { certificate: pems.certificate, notRenewed: notRenewed(detail) }
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

  /** What ACM says of a certificate: nothing when it is gone; undefined when that is not to be known, for lack of permission. */
  async describe(arn: string): Promise<CertificateDetail | undefined> {
    try {
      return (await this.client.send(new DescribeCertificateCommand({ CertificateArn: arn }))).Certificate ?? {}
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return {}
      const error = awsError('acm:DescribeCertificate', thrown)
      if (error.code === 'aws-access-denied') return undefined
      throw error
    }
  }

  /** ARNs of what uses a certificate; undefined when that is not to be known. None when it is gone. */
  async users(arn: string): Promise<readonly string[] | undefined> {
    const detail = await this.describe(arn)
    return detail && (detail.InUseBy ?? [])
  }

  /** Deletes a certificate. @returns why it is still there, when ACM does not let go of it. @throws ActionError `aws-access-denied` and the other AWS ones */
  async remove(arn: string): Promise<string | undefined> {
    try {
      await this.client.send(new DeleteCertificateCommand({ CertificateArn: arn }))
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return undefined
      if (['ResourceInUseException', 'ConflictException'].includes(errorName(thrown))) return messageOf(thrown)
      throw awsError('acm:DeleteCertificate', thrown)
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
    // It cannot learn AWS' clock by a refused attempt, as the other client has by now.
    this.onceClient.config.systemClockOffset = this.client.config.systemClockOffset
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

const giveAnother = 'Give the ARN of another one, or certificate and private-key.'

/** The states in which ACM keeps a certificate that no ALB serves. Source: ACM, DescribeCertificate, Status and FailureReason. */
const unusable: Readonly<Record<string, (detail: CertificateDetail) => { readonly is: string; readonly remedy: string }>> = {
  PENDING_VALIDATION: (detail) => ({ is: 'is not issued yet', remedy: `${validation(detail)}, then run the job again.` }),
  VALIDATION_TIMED_OUT: () => ({ is: 'was never issued: nobody validated it within 72 hours', remedy: `Request it again and validate it. ${giveAnother}` }),
  FAILED: ({ FailureReason = 'for no reason that ACM gives' }) => ({ is: `was not issued, its request failed: ${FailureReason}`, remedy: `Request it again. ${giveAnother}` }),
  REVOKED: ({ RevocationReason }) => ({ is: `is revoked${RevocationReason === undefined ? '' : ` (${RevocationReason})`}, and clients may refuse it`, remedy: giveAnother }),
  INACTIVE: () => ({ is: 'is inactive', remedy: giveAnother }),
}

/** What a certificate waits for, as an instruction. */
function validation({ DomainValidationOptions: domains = [] }: Pick<CertificateDetail, 'DomainValidationOptions'>): string {
  const records = domains.flatMap(({ ResourceRecord: record, ValidationStatus }) => (record && ValidationStatus !== 'SUCCESS' ? [`${record.Name ?? ''} ${record.Type ?? ''} ${record.Value ?? ''}`] : []))
  return records.length > 0 ? `Make the DNS record ${records.join(', and ')}` : 'Validate it by the DNS record or the mail that ACM waits for'
}

function notIssued(arn: string, detail: CertificateDetail, cause?: unknown): ActionError {
  const { is, remedy } = (unusable[detail.Status ?? ''] ?? unusable['PENDING_VALIDATION'])?.(detail) ?? { is: 'is not issued', remedy: giveAnother }
  return new ActionError({ code: 'certificate-not-issued', problem: `Certificate ${arn} ${is}.`, remedy, cause })
}

/** Source: ACM user guide, Managed certificate renewal: what it issued, is in use, and still validated. */
function notRenewed({ Type, RenewalEligibility, RenewalSummary: renewal }: CertificateDetail = {}): string | undefined {
  if (RenewalEligibility !== 'ELIGIBLE') return Type === 'AMAZON_ISSUED' ? 'ACM does not renew it while nothing uses it' : 'ACM does not renew imported certificates'
  if (renewal?.RenewalStatus !== 'FAILED' && renewal?.RenewalStatus !== 'PENDING_VALIDATION') return undefined
  return `ACM cannot renew it (${renewal.RenewalStatusReason ?? renewal.RenewalStatus}): ${validation(renewal)}`
}

function listing(summary: CertificateSummary, hosts?: readonly string[]): CertificateListing {
  const names = [...new Set([summary.DomainName ?? '', ...(summary.SubjectAlternativeNameSummaries ?? [])])]
  return {
    arn: summary.CertificateArn ?? '',
    names: hosts ? names.filter((name) => hosts.includes(name.toLowerCase())) : names,
    more: summary.HasAdditionalSubjectAlternativeNames ?? false,
    imported: summary.Type === 'IMPORTED',
  }
}

function encode(material: ImportMaterial) {
  const bytes = (pem: string) => new TextEncoder().encode(pem)
  return { Certificate: bytes(material.certificate), PrivateKey: bytes(material.privateKey), ...(material.chain && { CertificateChain: bytes(material.chain) }) }
}

/** A 4xx that is not throttling is an answer; a 5xx, throttling, a success that is cut off or a broken connection may heal, and may have done the work. */
function mayHaveArrived(thrown: unknown): boolean {
  const status = (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (errorName(thrown) === 'CredentialsProviderError') return false
  return status === undefined || status < 400 || status >= 500 || /Throttl|TooManyRequests|RequestInProgress/.test(errorName(thrown))
}

/** ACM's refusals of an import by its name for them, and by its text where one name means several things. */
const importRefusals: readonly { readonly names: RegExp; readonly text?: RegExp; readonly code: 'certificate-quota-exceeded' | 'certificate-refused'; readonly problem: string; readonly remedy: string }[] = [
  {
    // "Error: you have reached your limit of 20 certificates in the last year." (aws/aws-cdk #5889). Whether a re-import counts, AWS does not say.
    names: /^LimitExceededException$/, text: /last year|year|365/i, code: 'certificate-quota-exceeded',
    problem: 'ACM imports no further certificate: the imports of the last 365 days are used up, and deleting gives none back',
    remedy: 'Give certificate-arn of a certificate that is there, with replace-certificate: true to put this one under it; and ask for more: "aws service-quotas list-service-quotas --service-code acm" names the quota (imported in the last 365 days), "aws service-quotas request-service-quota-increase" raises it.',
  },
  {
    names: /^LimitExceededException$/, code: 'certificate-quota-exceeded',
    problem: 'ACM keeps no further certificate in this account and region',
    remedy: 'Delete certificates that nothing uses ("aws acm list-certificates", "aws acm delete-certificate"; ACM refuses while one is used), or ask for a higher quota of ACM certificates with "aws service-quotas request-service-quota-increase".',
  },
  {
    names: /^(TagPolicyException|InvalidTagException|TooManyTagsException)$/, code: 'certificate-refused',
    problem: 'ACM refused the tags of the certificate',
    remedy: 'Set input tags to the keys and values that the tag policy of the organization demands; the action adds four of its own (milvus-alb-action/...), and AWS takes 50 in all.',
  },
  {
    names: /^(ValidationException|InvalidParameterException)$/, code: 'certificate-refused',
    problem: 'ACM refused the certificate',
    remedy: 'Give a certificate as ACM takes it: one leaf, its chain in order, an unencrypted RSA or EC key; the sentence above says which part it did not like.',
  },
]

function importError(thrown: unknown): ActionError {
  const message = thrown instanceof Error ? thrown.message : ''
  const refusal = importRefusals.find(({ names, text }) => names.test(errorName(thrown)) && (text?.test(message) ?? true))
  if (!refusal) return awsError('acm:ImportCertificate', thrown)
  return new ActionError({ code: refusal.code, problem: `${refusal.problem}: ${message}`, remedy: refusal.remedy, cause: thrown })
}
