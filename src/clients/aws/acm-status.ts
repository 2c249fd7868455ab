/** What the details of an ACM certificate say about its use and its renewal. */
import type { CertificateDetail } from '@aws-sdk/client-acm'
import type { ActionError } from '../../failures/action-error.ts'
import {
  certificateInactive,
  certificatePendingValidation,
  certificateRequestFailed,
  certificateRevoked,
  certificateValidationTimedOut,
} from '../../failures/certificate.ts'

/**
 * The failure of a certificate in a state in which no ALB should use it; undefined for all other
 * states. Source: ACM API reference, DescribeCertificate, Status and FailureReason.
 */
export function findStatusFailure(arn: string, detail: CertificateDetail): ActionError | undefined {
  switch (detail.Status) {
    case 'PENDING_VALIDATION':
      return certificatePendingValidation(arn, describeValidation(detail), undefined)
    case 'VALIDATION_TIMED_OUT':
      return certificateValidationTimedOut(arn)
    case 'FAILED':
      return certificateRequestFailed(arn, detail.FailureReason)
    case 'REVOKED':
      return certificateRevoked(arn, detail.RevocationReason)
    case 'INACTIVE':
      return certificateInactive(arn)
    case 'EXPIRED':
    case 'ISSUED':
    case undefined:
      return undefined
  }
}

/** What ACM waits for before it issues or renews a certificate, as an instruction. */
export function describeValidation({
  DomainValidationOptions: domains = [],
}: Pick<CertificateDetail, 'DomainValidationOptions'>): string {
  const missingRecords: string[] = []
  for (const { ResourceRecord: record, ValidationStatus } of domains) {
    if (!record || ValidationStatus === 'SUCCESS') continue
    missingRecords.push(`${record.Name ?? ''} ${record.Type ?? ''} ${record.Value ?? ''}`)
  }
  if (missingRecords.length === 0)
    return 'Validate it with the DNS record or the e-mail that ACM is waiting for'
  return `Create the DNS record ${missingRecords.join(', and ')}`
}

/**
 * Why ACM will not renew a certificate; undefined when it will. ACM renews certificates that it
 * issued, that are in use, and whose domains are still validated. Source: ACM user guide, Managed
 * certificate renewal.
 */
export function describeRenewalProblem({
  Type,
  RenewalEligibility,
  RenewalSummary: renewal,
  CertificateKeyPairOrigin: keyOrigin,
}: CertificateDetail = {}): string | undefined {
  if (RenewalEligibility !== 'ELIGIBLE') return describeIneligibility(Type, keyOrigin)
  if (renewal?.RenewalStatus !== 'FAILED' && renewal?.RenewalStatus !== 'PENDING_VALIDATION')
    return undefined
  const reason = renewal.RenewalStatusReason ?? renewal.RenewalStatus
  return `ACM cannot renew it (${reason}): ${describeValidation(renewal)}`
}

function describeIneligibility(
  type: CertificateDetail['Type'],
  keyOrigin: CertificateDetail['CertificateKeyPairOrigin'],
): string {
  if (keyOrigin === 'ACME')
    return 'ACM does not renew certificates that an ACME client requested; that client has to'
  switch (type) {
    case 'AMAZON_ISSUED':
      return 'ACM does not renew certificates that are not in use'
    case 'PRIVATE':
      return 'ACM renews only private certificates that were requested in ACM, and are in use'
    // Without the permission to read it, a certificate counts as imported.
    case 'IMPORTED':
    case undefined:
      return 'ACM does not renew imported certificates'
    // A type that is newer than the SDK.
    default:
      return `it is not known whether ACM renews certificates of type ${String(type)}`
  }
}
