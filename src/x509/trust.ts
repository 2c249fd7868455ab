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
 * the dates of the root. As for OpenSSL, a certificate that another CA signed is no root, even if
 * the client trusts it. Source: openssl-verification-options(1), -partial_chain.
 * @param trusted PEM of each; Mozilla's list when absent
 */
export function isTrusted(
  { leaf, chain }: { leaf: X509Certificate; chain: readonly X509Certificate[] },
  trusted?: readonly string[],
): boolean {
  const known = trusted?.map((pem) => new X509Certificate(pem)) ?? getPublicRoots()
  const now = Date.now()
  const valid = known.filter((certificate) => isValidAt(certificate, now))
  const roots = valid.filter(({ subject, issuer }) => subject === issuer)
  const intermediates = valid.filter(({ subject, issuer }) => subject !== issuer)
  const reached = new Set([leaf, ...chain])
  // A set also iterates over what is added meanwhile.
  for (const certificate of reached) {
    if (isAnchored(certificate, roots)) return true
    for (const intermediate of intermediates)
      if (isIssuerOf(intermediate, certificate)) reached.add(intermediate)
  }
  return false
}
