/** Who signed a certificate. Pure. */
import type { X509Certificate } from 'node:crypto'

/**
 * Whether `issuer` signed `certificate`: the names match, and the signature is valid. checkIssued
 * alone would miss an issuer that may not sign others, which is reported as such.
 */
export function isIssuerOf(issuer: X509Certificate, certificate: X509Certificate): boolean {
  const namesMatch = certificate.issuer === issuer.subject || certificate.checkIssued(issuer)
  return namesMatch && certificate.verify(issuer.publicKey)
}

/**
 * Whether a certificate signed itself. checkIssued does not tell: it also requires a certificate
 * that may sign others.
 */
export const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

/** Whether two certificates belong to the same CA: cross-signed, or issued again. */
export const isSameAuthority = (a: X509Certificate, b: X509Certificate): boolean =>
  a.subject === b.subject && a.publicKey.equals(b.publicKey)
