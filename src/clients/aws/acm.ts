/** ACM: lists, reads, imports and deletes certificates. */
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
import type { ActionError } from '../../failures/action-error.ts'
import { certificatePendingValidation } from '../../failures/certificate.ts'
import { retry } from '../../util/retry.ts'
import { getErrorMessage } from '../../util/text.ts'
import {
  buildImportInput,
  isImportInProgress,
  mayHaveSucceeded,
  translateImportError,
  type ImportMaterial,
} from './acm-import.ts'
import { CallPacer, type Pace } from './call-pacer.ts'
import { describeRenewalProblem, describeValidation, findStatusFailure } from './acm-status.ts'
import { errorName, translateAwsError, undefinedIfAwsDenies } from './errors.ts'
import { limitPages } from './pagination.ts'

/** A certificate in ListCertificates. */
export interface CertificateListing {
  readonly arn: string
  /** The names that ACM lists: only the first ones if `hasMoreNames`. */
  readonly domainNames: readonly string[]
  readonly hasMoreNames: boolean
  /** Others cannot be re-imported. */
  readonly isImported: boolean
}

/** PEM texts of a certificate. */
export interface CertificatePem {
  readonly certificate: string
  readonly chain: string
}

/** While another import of the same certificate is under way. */
const maxReimportAttempts = 6

/** The calls of the certificate step. Each throws ActionError. */
export class Acm {
  private readonly client: ACMClient
  private readonly clientWithoutRetry: ACMClient
  // Runs read every certificate of an account with these, at once. Each has a quota of its own.
  private readonly certificateReads: CallPacer
  private readonly tagReads: CallPacer
  // Jobs of a matrix import at the same moment, and ACM allows one import per second.
  private readonly imports: CallPacer
  private readonly pace: Pace

  constructor(clients: { acm: ACMClient; acmWithoutRetry: ACMClient }, pace: Pace) {
    this.certificateReads = new CallPacer(pace)
    this.tagReads = new CallPacer(pace)
    this.imports = new CallPacer(pace)
    this.pace = pace
    this.client = clients.acm
    this.clientWithoutRetry = clients.acmWithoutRetry
  }

  /**
   * All certificates of the account and region. ACM leaves out EC and large RSA keys unless every
   * key type is requested.
   * @param wantedNames limits `domainNames` to these lower-case names; absent keeps all
   */
  async list(wantedNames?: readonly string[]): Promise<CertificateListing[]> {
    const pages = paginateListCertificates(
      { client: this.client, pageSize: 1000 },
      { Includes: { keyTypes: Object.values(KeyAlgorithm) } },
    )
    const listings: CertificateListing[] = []
    try {
      // Each page is reduced at once: an account may have many certificates with many names.
      for await (const { CertificateSummaryList: summaries = [] } of limitPages(pages))
        listings.push(...summaries.map((summary) => toListing(summary, wantedNames)))
      return listings
    } catch (thrown) {
      throw translateAwsError('acm:ListCertificates', thrown)
    }
  }

  /** The certificate and its chain; undefined when ACM has none under this ARN. */
  async get(arn: string): Promise<CertificatePem | undefined> {
    try {
      const response = await this.certificateReads.call(() =>
        this.client.send(new GetCertificateCommand({ CertificateArn: arn })),
      )
      return { certificate: response.Certificate ?? '', chain: response.CertificateChain ?? '' }
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined
      if (errorName(thrown) === 'RequestInProgressException')
        throw certificatePendingValidation(arn, describeValidation({}), thrown)
      throw translateAwsError('acm:GetCertificate', thrown)
    }
  }

  /**
   * A certificate that an ALB can use. It is also described, because GetCertificate returns revoked
   * certificates.
   * @returns its PEM, and why ACM will not renew it (undefined when it will); undefined when ACM
   *   has none under this ARN
   * @throws ActionError `certificate-not-issued` for one in a state in which no ALB should use it
   */
  async getUsableCertificate(
    arn: string,
  ): Promise<{ certificate: string; renewalProblem: string | undefined } | undefined> {
    const pemPromise = this.get(arn)
    // The failure of its state is more specific, and must not be preceded by this rejection.
    pemPromise.catch(() => undefined)
    const detail = await this.describe(arn)
    const failure = detail && findStatusFailure(arn, detail)
    if (failure) throw failure
    const pem = await pemPromise
    return pem && { certificate: pem.certificate, renewalProblem: describeRenewalProblem(detail) }
  }

  /** The tags of a certificate; empty when it does not exist (any more). */
  async getTags(arn: string): Promise<Map<string, string>> {
    try {
      const { Tags = [] } = await this.tagReads.call(() =>
        this.client.send(new ListTagsForCertificateCommand({ CertificateArn: arn })),
      )
      return new Map(Tags.map(({ Key, Value }) => [Key ?? '', Value ?? '']))
    } catch (thrown) {
      if (isNotFound(thrown)) return new Map()
      throw translateAwsError('acm:ListTagsForCertificate', thrown)
    }
  }

  /**
   * The details of a certificate; empty when it does not exist (any more), undefined when the
   * credentials are not allowed to read them.
   */
  async describe(arn: string): Promise<CertificateDetail | undefined> {
    return undefinedIfAwsDenies('acm:DescribeCertificate', async () => {
      try {
        const { Certificate = {} } = await this.client.send(
          new DescribeCertificateCommand({ CertificateArn: arn }),
        )
        return Certificate
      } catch (thrown) {
        if (isNotFound(thrown)) return {}
        throw thrown
      }
    })
  }

  /**
   * ARNs of what uses a certificate; empty when it does not exist (any more), undefined when the
   * credentials are not allowed to read them.
   */
  async inUseBy(arn: string): Promise<readonly string[] | undefined> {
    const detail = await this.describe(arn)
    return detail && (detail.InUseBy ?? [])
  }

  /**
   * Deletes a certificate.
   * @returns why ACM did not delete it, when it is in use
   * @throws ActionError those of `translateAwsError`
   */
  async deleteCertificate(arn: string): Promise<string | undefined> {
    try {
      await this.client.send(new DeleteCertificateCommand({ CertificateArn: arn }))
      return undefined
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined
      if (['ResourceInUseException', 'ConflictException'].includes(errorName(thrown)))
        return getErrorMessage(thrown)
      throw translateAwsError('acm:DeleteCertificate', thrown)
    }
  }

  /**
   * Imports under an existing ARN. Idempotent. ACM rejects tags here.
   * @returns the rejection, when ACM does not accept this material under this ARN
   */
  async reimport(arn: string, material: ImportMaterial): Promise<ActionError | undefined> {
    try {
      const input = { CertificateArn: arn, ...buildImportInput(material) }
      const send = (): Promise<unknown> =>
        this.imports.call(() => this.client.send(new ImportCertificateCommand(input)))
      await retry(send, {
        ...this.pace,
        maxAttempts: (thrown) => (isImportInProgress(thrown) ? maxReimportAttempts : 1),
      })
      return undefined
    } catch (thrown) {
      const error = translateImportError(thrown)
      if (error.code === 'certificate-refused') return error
      throw error
    }
  }

  /**
   * Imports a new certificate. Only a throttled request, which ACM has not carried out, is
   * repeated: another one might create a second certificate.
   * @returns the new ARN, or why the outcome is unknown
   */
  async importWithoutRetry(
    material: ImportMaterial,
    tags: Readonly<Record<string, string>>,
  ): Promise<{ arn: string } | { uncertainReason: string }> {
    // Without retries this client cannot learn the clock of AWS from a rejected attempt.
    this.clientWithoutRetry.config.systemClockOffset = this.client.config.systemClockOffset
    const sdkTags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
    try {
      const input = { ...buildImportInput(material), Tags: sdkTags }
      const { CertificateArn: arn } = await this.imports.call(() =>
        this.clientWithoutRetry.send(new ImportCertificateCommand(input)),
      )
      return arn ? { arn } : { uncertainReason: 'the response contains no ARN' }
    } catch (thrown) {
      if (mayHaveSucceeded(thrown)) return { uncertainReason: getErrorMessage(thrown) }
      throw translateImportError(thrown)
    }
  }
}

const isNotFound = (thrown: unknown): boolean => errorName(thrown) === 'ResourceNotFoundException'

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
