/** What people should know about a certificate that is used nevertheless. Pure. */
import type { X509Certificate } from 'node:crypto'
import { getKeyAlgorithm, getSubject, type CertificateMaterial } from './certificate.ts'
import { getDisplayName } from './checks.ts'
import { unsupportedCurve } from './client-checks.ts'
import { requiresStapling } from './extensions.ts'
import { formatDuration } from '../util/text.ts'
import { isSelfSigned } from './issuers.ts'

/**
 * What ACM and an ALB accept, but some clients do not. A key that pymilvus rejects is found only
 * in a certificate of ACM: in the inputs it is a failure.
 */
export function listClientWarnings(leaf: X509Certificate): string[] {
  const warnings: string[] = []
  const algorithm = getKeyAlgorithm(leaf)
  // Source: OpenSSL, SSL_CTX_set_security_level, level 2.
  if (algorithm === 'RSA_1024')
    warnings.push(
      'The certificate has a 1024-bit RSA key: ACM accepts it, but most clients reject it as too ' +
        'small. Request a certificate with 2048 bits or more.',
    )
  if (algorithm === unsupportedCurve)
    warnings.push(
      'The certificate has a key on curve P-521: ACM accepts it, but pymilvus rejects it. ' +
        'Request a certificate with a key on curve P-256 or P-384.',
    )
  if (requiresStapling(leaf))
    warnings.push(
      'The certificate requires a stapled OCSP response (must-staple), which an ALB never sends: ' +
        'clients that enforce it cannot connect. Request a certificate without that extension.',
    )
  return warnings
}

/** A combination that the documentation of ACM excludes; undefined when there is none. */
export function formatMixedKeysWarning({
  leaf,
  chain: [issuer],
}: Pick<CertificateMaterial, 'leaf' | 'chain'>): string | undefined {
  if (!issuer || issuer.publicKey.asymmetricKeyType === leaf.publicKey.asymmetricKeyType)
    return undefined
  return (
    `The certificate has a key of type ${getKeyAlgorithm(leaf)}, and its issuer one of type ` +
    `${getKeyAlgorithm(issuer)}: ACM may reject the import, because its documentation requires ` +
    'both to be RSA or both to be EC.'
  )
}

const millisecondsPerDay = 86_400_000
const maxThresholdDays = 30

/**
 * The warning about a certificate that expires soon; undefined when it does not.
 * @param threshold days; when undefined the smaller of 30 days and a third of the certificate's
 *   lifetime
 * @param now milliseconds since the epoch
 * @param reason why it is not renewed
 */
export function formatExpiryWarning(
  leaf: X509Certificate,
  threshold: number | undefined,
  now: number,
  reason = 'ACM does not renew imported certificates',
): string | undefined {
  const expiry = describeExpiry(leaf, threshold, now)
  if (expiry === undefined) return undefined
  return `The certificate for ${getDisplayName(leaf)} expires ${expiry}: ${reason}.`
}

/**
 * The warning about an issuer that expires soon, and before the certificate; undefined when there
 * is none. Clients have a root of their own, and may have a newer one.
 * @param threshold days, as above
 * @param now milliseconds since the epoch
 */
export function formatIssuerExpiryWarning(
  { leaf, chain }: Pick<CertificateMaterial, 'leaf' | 'chain'>,
  threshold: number | undefined,
  now: number,
): string | undefined {
  const [first] = chain
    .filter((issuer) => !isSelfSigned(issuer) && issuer.validToDate < leaf.validToDate)
    .sort((a, b) => a.validToDate.getTime() - b.validToDate.getTime())
  const expiry = first && describeExpiry(first, threshold, now)
  if (!first || expiry === undefined) return undefined
  return (
    `Certificate ${getSubject(first)} in the chain expires ${expiry}, before the certificate ` +
    'itself: clients reject both from then on. Use the current chain of the CA.'
  )
}

/**
 * Whether a certificate expires within the threshold, or has expired.
 * @param threshold days; undefined for 30, or a third of the lifetime if that is less
 * @param now milliseconds since the epoch
 */
export function expiresSoon(
  { validFromDate, validToDate }: X509Certificate,
  threshold: number | undefined,
  now: number,
): boolean {
  const [validFrom, validTo] = [validFromDate.getTime(), validToDate.getTime()]
  const thirdOfLifetime = (validTo - validFrom) / millisecondsPerDay / 3
  const thresholdDays = threshold ?? Math.min(maxThresholdDays, thirdOfLifetime)
  return (validTo - now) / millisecondsPerDay < thresholdDays
}

/** When a certificate expires, if that is soon: `in 3 days, on 2026-01-31T00:00:00.000Z`. */
function describeExpiry(
  certificate: X509Certificate,
  threshold: number | undefined,
  now: number,
): string | undefined {
  if (!expiresSoon(certificate, threshold, now)) return undefined
  const { validToDate } = certificate
  const left = validToDate.getTime() - now
  const days = Math.floor(left / millisecondsPerDay)
  const time = days === 0 ? formatDuration(left) : `${days} day${days === 1 ? '' : 's'}`
  return `in ${time}, on ${validToDate.toISOString()}`
}
