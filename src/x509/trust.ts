/** Whether clients trust a certificate by its chain. Pure. */
import { X509Certificate } from 'node:crypto'
import { rootCertificates } from 'node:tls'
import { isIssuerOf, isSameAuthority } from './issuers.ts'

let publicRoots: readonly X509Certificate[] | undefined

/** Mozilla's list of roots, as Node and most clients have it. */
export const getPublicRoots = (): readonly X509Certificate[] =>
  (publicRoots ??= rootCertificates.map((pem) => new X509Certificate(pem)))

/** @param now milliseconds since the epoch */
export const isValidAt = ({ validFromDate, validToDate }: X509Certificate, now: number): boolean =>
  validFromDate.getTime() <= now && now < validToDate.getTime()

/** Whether a certificate is of a trusted authority, or signed by one. */
export function isAnchored(
  certificate: X509Certificate,
  trustedRoots: readonly X509Certificate[],
): boolean {
  return trustedRoots.some(
    (root) =>
      isSameAuthority(root, certificate) ||
      (root.subject === certificate.issuer && isIssuerOf(root, certificate)),
  )
}

/**
 * Whether a client finds a trusted root from any certificate of the path: the top may be signed by
 * a root that the client no longer knows, or does not know yet. OpenSSL and BoringSSL also check
 * the dates of the root.
 * @param trustedRoots PEM of each; Mozilla's list when absent
 */
export function isTrusted(
  { leaf, chain }: { leaf: X509Certificate; chain: readonly X509Certificate[] },
  trustedRoots?: readonly string[],
): boolean {
  const known = trustedRoots?.map((pem) => new X509Certificate(pem)) ?? getPublicRoots()
  const now = Date.now()
  const roots = known.filter((root) => isValidAt(root, now))
  return [leaf, ...chain].some((certificate) => isAnchored(certificate, roots))
}
