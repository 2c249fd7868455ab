/**
 * ACM: finding, reading and importing certificates. Knows nothing of which certificate is wanted.
 */
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
import { ActionError } from '../../failures/action-error.ts'
import { getErrorMessage } from '../../util/text.ts'
import { translateAwsError, errorName } from './errors.ts'
import { limitPages } from './pagination.ts'

/** What ListCertificates says of a certificate. */
export interface CertificateListing {
  readonly arn: string
  /** Names it is for; incomplete when `more`, as ACM lists only the first. */
  readonly domainNames: readonly string[]
  readonly hasMoreNames: boolean
  /** Whether it was imported: others cannot be imported again. */
  readonly isImported: boolean
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
  private readonly clientWithoutRetry: ACMClient

  constructor(clients: { acm: ACMClient; acmWithoutRetry: ACMClient }) {
    this.client = clients.acm
    this.clientWithoutRetry = clients.acmWithoutRetry
  }

  /**
   * Every certificate of the account and region. ACM leaves out EC and large RSA keys unless each
   * key type is asked for.
   * @param wantedNames the only names that are kept of those that they are for, in lower case;
   *   all when absent
   */
  async list(wantedNames?: readonly string[]): Promise<CertificateListing[]> {
    try {
      const listings: CertificateListing[] = []
      const pages = paginateListCertificates(
        { client: this.client, pageSize: 1000 },
        { Includes: { keyTypes: Object.values(KeyAlgorithm) } },
      )
      for await (const page of limitPages(pages))
        listings.push(
          ...(page.CertificateSummaryList ?? []).map((summary) => toListing(summary, wantedNames)),
        )
      return listings
    } catch (thrown) {
      throw translateAwsError('acm:ListCertificates', thrown)
    }
  }

  /** The certificate and its chain as PEM; undefined when ACM has none under this ARN. */
  async get(arn: string): Promise<{ certificate: string; chain: string } | undefined> {
    try {
      const response = await this.client.send(new GetCertificateCommand({ CertificateArn: arn }))
      return { certificate: response.Certificate ?? '', chain: response.CertificateChain ?? '' }
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return undefined
      if (errorName(thrown) === 'RequestInProgressException') throw notIssuedError(arn, {}, thrown)
      throw translateAwsError('acm:GetCertificate', thrown)
    }
  }

  /**
   * A certificate that somebody else looks after. It is described too, because GetCertificate gives
   * out revoked ones.
   * @returns its PEM, and why ACM will not renew it (undefined when it will); undefined when ACM
   *   has none under this ARN
   * @throws ActionError `certificate-not-issued` for one in a state in which no ALB should serve
   *   it
   */
  async getUsableCertificate(
    arn: string,
  ): Promise<{ certificate: string; renewalProblem: string | undefined } | undefined> {
    const certificatePromise = this.get(arn)
    // What describing it says of its state is more than why it cannot be read.
    certificatePromise.catch(() => undefined)
    const detail = await this.describe(arn)
    if (detail?.Status !== undefined && detail.Status in unusableStates)
      throw notIssuedError(arn, detail)
    const pem = await certificatePromise
    return pem && { certificate: pem.certificate, renewalProblem: describeRenewalProblem(detail) }
  }

  /** The tags of a certificate; none when it is gone by now. */
  async getTags(arn: string): Promise<Map<string, string>> {
    try {
      const response = await this.client.send(
        new ListTagsForCertificateCommand({ CertificateArn: arn }),
      )
      return new Map((response.Tags ?? []).map(({ Key, Value }) => [Key ?? '', Value ?? '']))
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return new Map()
      throw translateAwsError('acm:ListTagsForCertificate', thrown)
    }
  }

  /**
   * What ACM says of a certificate: nothing when it is gone; undefined when that is not to be
   * known, for lack of permission.
   */
  async describe(arn: string): Promise<CertificateDetail | undefined> {
    try {
      return (
        (await this.client.send(new DescribeCertificateCommand({ CertificateArn: arn })))
          .Certificate ?? {}
      )
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return {}
      const error = translateAwsError('acm:DescribeCertificate', thrown)
      if (error.code === 'aws-access-denied') return undefined
      throw error
    }
  }

  /**
   * ARNs of what uses a certificate; undefined when that is not to be known. None when it is gone.
   */
  async inUseBy(arn: string): Promise<readonly string[] | undefined> {
    const detail = await this.describe(arn)
    return detail && (detail.InUseBy ?? [])
  }

  /**
   * Deletes a certificate.
   * @returns why it is still there, when ACM does not let go of it.
   * @throws ActionError `aws-access-denied` and the other AWS ones
   */
  async deleteCertificate(arn: string): Promise<string | undefined> {
    try {
      await this.client.send(new DeleteCertificateCommand({ CertificateArn: arn }))
    } catch (thrown) {
      if (errorName(thrown) === 'ResourceNotFoundException') return undefined
      if (['ResourceInUseException', 'ConflictException'].includes(errorName(thrown)))
        return getErrorMessage(thrown)
      throw translateAwsError('acm:DeleteCertificate', thrown)
    }
    return undefined
  }

  /**
   * Imports under an ARN that exists. Safe to repeat: the same material again changes nothing. ACM
   * allows no tags here.
   * @returns the refusal, when ACM does not take this material under this ARN
   */
  async reimport(arn: string, material: ImportMaterial): Promise<ActionError | undefined> {
    try {
      await this.client.send(
        new ImportCertificateCommand({ CertificateArn: arn, ...toImportInput(material) }),
      )
      return undefined
    } catch (thrown) {
      const error = toImportError(thrown)
      if (error.code === 'certificate-refused') return error
      throw error
    }
  }

  /**
   * Imports a new certificate, in one attempt: a repeated request would make a second certificate.
   * @returns the new ARN, or why it is not known whether the request arrived: look before trying
   *   again
   */
  async importWithoutRetry(
    material: ImportMaterial,
    getTags: Readonly<Record<string, string>>,
  ): Promise<{ arn: string } | { uncertainReason: string }> {
    // It cannot learn AWS' clock by a refused attempt, as the other client has by now.
    this.clientWithoutRetry.config.systemClockOffset = this.client.config.systemClockOffset
    const Tags = Object.entries(getTags).map(([Key, Value]) => ({ Key, Value }))
    try {
      const response = await this.clientWithoutRetry.send(
        new ImportCertificateCommand({ ...toImportInput(material), Tags }),
      )
      return response.CertificateArn
        ? { arn: response.CertificateArn }
        : { uncertainReason: 'its answer has no ARN' }
    } catch (thrown) {
      if (mayHaveSucceeded(thrown)) return { uncertainReason: getErrorMessage(thrown) }
      throw toImportError(thrown)
    }
  }
}

const alternativeRemedy = 'Give the ARN of another one, or certificate and private-key.'

/**
 * The states in which ACM keeps a certificate that no ALB serves. Source: ACM, DescribeCertificate,
 * Status and FailureReason.
 */
const unusableStates: Readonly<
  Record<
    string,
    (detail: CertificateDetail) => { readonly condition: string; readonly remedy: string }
  >
> = {
  PENDING_VALIDATION: (detail) => ({
    condition: 'is not issued yet',
    remedy: `${describeValidation(detail)}, then run the job again.`,
  }),
  VALIDATION_TIMED_OUT: () => ({
    condition: 'was never issued: nobody validated it within 72 hours',
    remedy: `Request it again and validate it. ${alternativeRemedy}`,
  }),
  FAILED: ({ FailureReason = 'for no reason that ACM gives' }) => ({
    condition: `was not issued, its request failed: ${FailureReason}`,
    remedy: `Request it again. ${alternativeRemedy}`,
  }),
  REVOKED: ({ RevocationReason }) => ({
    condition: `is revoked${RevocationReason === undefined ? '' : ` (${RevocationReason})`}, and clients may refuse it`,
    remedy: alternativeRemedy,
  }),
  INACTIVE: () => ({ condition: 'is inactive', remedy: alternativeRemedy }),
}

/** What a certificate waits for, as an instruction. */
function describeValidation({
  DomainValidationOptions: domains = [],
}: Pick<CertificateDetail, 'DomainValidationOptions'>): string {
  const pendingRecords = domains.flatMap(({ ResourceRecord: recordToCreate, ValidationStatus }) =>
    recordToCreate && ValidationStatus !== 'SUCCESS'
      ? [`${recordToCreate.Name ?? ''} ${recordToCreate.Type ?? ''} ${recordToCreate.Value ?? ''}`]
      : [],
  )
  return pendingRecords.length > 0
    ? `Make the DNS record ${pendingRecords.join(', and ')}`
    : 'Validate it by the DNS record or the mail that ACM waits for'
}

function notIssuedError(arn: string, detail: CertificateDetail, cause?: unknown): ActionError {
  const { condition, remedy } = (
    unusableStates[detail.Status ?? ''] ?? unusableStates['PENDING_VALIDATION']
  )?.(detail) ?? { condition: 'is not issued', remedy: alternativeRemedy }
  return new ActionError({
    code: 'certificate-not-issued',
    problem: `Certificate ${arn} ${condition}.`,
    remedy,
    cause,
  })
}

/**
 * Source: ACM user guide, Managed certificate renewal: what it issued, is in use, and still
 * validated.
 */
function describeRenewalProblem({
  Type,
  RenewalEligibility,
  RenewalSummary: renewal,
}: CertificateDetail = {}): string | undefined {
  if (RenewalEligibility !== 'ELIGIBLE')
    return Type === 'AMAZON_ISSUED'
      ? 'ACM does not renew it while nothing uses it'
      : 'ACM does not renew imported certificates'
  if (renewal?.RenewalStatus !== 'FAILED' && renewal?.RenewalStatus !== 'PENDING_VALIDATION')
    return undefined
  return `ACM cannot renew it (${renewal.RenewalStatusReason ?? renewal.RenewalStatus}): ${describeValidation(renewal)}`
}

function toListing(
  summary: CertificateSummary,
  wantedNames?: readonly string[],
): CertificateListing {
  const domainNames = [
    ...new Set([summary.DomainName ?? '', ...(summary.SubjectAlternativeNameSummaries ?? [])]),
  ]
  return {
    arn: summary.CertificateArn ?? '',
    domainNames: wantedNames
      ? domainNames.filter((name) => wantedNames.includes(name.toLowerCase()))
      : domainNames,
    hasMoreNames: summary.HasAdditionalSubjectAlternativeNames ?? false,
    isImported: summary.Type === 'IMPORTED',
  }
}

function toImportInput(material: ImportMaterial) {
  const encodePem = (pem: string) => new TextEncoder().encode(pem)
  return {
    Certificate: encodePem(material.certificate),
    PrivateKey: encodePem(material.privateKey),
    ...(material.chain && { CertificateChain: encodePem(material.chain) }),
  }
}

/**
 * A 4xx that is not throttling is an answer; a 5xx, throttling, a success that is cut off or a
 * broken connection may heal, and may have done the work.
 */
function mayHaveSucceeded(thrown: unknown): boolean {
  const status = (thrown as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode
  if (errorName(thrown) === 'CredentialsProviderError') return false
  return (
    status === undefined ||
    status < 400 ||
    status >= 500 ||
    /Throttl|TooManyRequests|RequestInProgress/.test(errorName(thrown))
  )
}

/**
 * ACM's refusals of an import by its name for them, and by its text where one name means several
 * things.
 */
const importErrorRules: readonly {
  readonly namePattern: RegExp
  readonly messagePattern?: RegExp
  readonly code: 'certificate-quota-exceeded' | 'certificate-refused'
  readonly problem: string
  readonly remedy: string
}[] = [
  {
    // "Error: you have reached your limit of 20 certificates in the last year." (aws/aws-cdk
    // #5889). Whether a re-import counts, AWS does not say.
    namePattern: /^LimitExceededException$/,
    messagePattern: /last year|year|365/i,
    code: 'certificate-quota-exceeded',
    problem:
      'ACM imports no further certificate: the imports of the last 365 days are used up, and deleting gives none back',
    remedy:
      'Give certificate-arn of a certificate that is there, with replace-certificate: true to put this one under it; and ask for more: "aws service-quotas list-service-quotas --service-code acm" names the quota (imported in the last 365 days), "aws service-quotas request-service-quota-increase" raises it.',
  },
  {
    namePattern: /^LimitExceededException$/,
    code: 'certificate-quota-exceeded',
    problem: 'ACM keeps no further certificate in this account and region',
    remedy:
      'Delete certificates that nothing uses ("aws acm list-certificates", "aws acm delete-certificate"; ACM refuses while one is used), or ask for a higher quota of ACM certificates with "aws service-quotas request-service-quota-increase".',
  },
  {
    namePattern: /^(TagPolicyException|InvalidTagException|TooManyTagsException)$/,
    code: 'certificate-refused',
    problem: 'ACM refused the tags of the certificate',
    remedy:
      'Set input tags to the keys and values that the tag policy of the organization demands; the action adds four of its own (milvus-alb-action/...), and AWS takes 50 in all.',
  },
  {
    namePattern: /^(ValidationException|InvalidParameterException)$/,
    code: 'certificate-refused',
    problem: 'ACM refused the certificate',
    remedy:
      'Give a certificate as ACM takes it: one leaf, its chain in order, an unencrypted RSA or EC key; the sentence above says which part it did not like.',
  },
]

function toImportError(thrown: unknown): ActionError {
  const message = thrown instanceof Error ? thrown.message : ''
  const rule = importErrorRules.find(
    ({ namePattern, messagePattern }) =>
      namePattern.test(errorName(thrown)) && (messagePattern?.test(message) ?? true),
  )
  if (!rule) return translateAwsError('acm:ImportCertificate', thrown)
  return new ActionError({
    code: rule.code,
    problem: `${rule.problem}: ${message}`,
    remedy: rule.remedy,
    cause: thrown,
  })
}
