/** How ACM describes certificates. */
import { getAcmCertificateDetails, getInUseBy } from './acm-certificate.ts'
import type { Fields } from './fields.ts'
import type { OperationCall } from './service.ts'
import type { AcmCertificate } from './state.ts'

const toEpochSeconds = (date: Date) => date.getTime() / 1000

/** The status of a certificate, which a scenario may override. */
export function getStatus(certificate: AcmCertificate, now: number): string {
  return certificate.describeOverrides?.Status ?? getStatusByDates(certificate, now)
}

function getStatusByDates(certificate: AcmCertificate, now: number): string {
  return getAcmCertificateDetails(certificate).notAfter.getTime() <= now ? 'EXPIRED' : 'ISSUED'
}

/** A certificate in DescribeCertificate. */
export function describeCertificate(
  certificate: AcmCertificate,
  { state, now }: OperationCall,
): Fields {
  const details = getAcmCertificateDetails(certificate)
  return {
    CertificateArn: certificate.arn,
    DomainName: details.domainName,
    SubjectAlternativeNames: [...details.names],
    Serial: details.serial,
    Subject: details.subject,
    Issuer: parseIssuerName(details.issuer),
    CreatedAt: toEpochSeconds(certificate.importedAt),
    ImportedAt: toEpochSeconds(certificate.importedAt),
    Status: getStatus(certificate, now),
    NotBefore: toEpochSeconds(details.notBefore),
    NotAfter: toEpochSeconds(details.notAfter),
    // With a hyphen, unlike in requests (terraform-provider-aws,
    // internal/service/acm/certificate.go).
    KeyAlgorithm: certificate.keyAlgorithm.replace(/^RSA_/, 'RSA-'),
    SignatureAlgorithm: details.signatureAlgorithm,
    InUseBy: getInUseBy(state, certificate.arn),
    Type: 'IMPORTED',
    KeyUsages: (details.keyUsages ?? ['ANY']).map((Name) => ({ Name })),
    ExtendedKeyUsages: (details.extendedKeyUsages ?? []).map((usage) => ({ ...usage })),
    RenewalEligibility: 'INELIGIBLE',
    Options: { CertificateTransparencyLoggingPreference: 'DISABLED' },
    ...certificate.describeOverrides,
  }
}

/** ACM names a CA by its common name, or else by its organization. */
function parseIssuerName(issuer: string): string {
  return /CN=([^,]+)/.exec(issuer)?.[1] ?? /O=([^,]+)/.exec(issuer)?.[1] ?? issuer
}

/** The maximum number of names in a summary (API reference, CertificateSummary). */
const maxSummaryNames = 100

/** A certificate in ListCertificates. */
export function toSummary(certificate: AcmCertificate, { state, now }: OperationCall): Fields {
  const details = getAcmCertificateDetails(certificate)
  return {
    CertificateArn: certificate.arn,
    DomainName: details.domainName,
    SubjectAlternativeNameSummaries: details.names.slice(0, maxSummaryNames),
    HasAdditionalSubjectAlternativeNames: details.names.length > maxSummaryNames,
    Status: getStatus(certificate, now),
    Type: 'IMPORTED',
    KeyAlgorithm: certificate.keyAlgorithm.replace(/^RSA_/, 'RSA-'),
    KeyUsages: [...(details.keyUsages ?? ['ANY'])],
    ExtendedKeyUsages: (details.extendedKeyUsages ?? []).map(({ Name }) => Name),
    InUse: getInUseBy(state, certificate.arn).length > 0,
    RenewalEligibility: 'INELIGIBLE',
    NotBefore: toEpochSeconds(details.notBefore),
    NotAfter: toEpochSeconds(details.notAfter),
    CreatedAt: toEpochSeconds(certificate.importedAt),
    ImportedAt: toEpochSeconds(certificate.importedAt),
  }
}
