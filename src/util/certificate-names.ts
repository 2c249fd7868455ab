/** Which hosts a certificate covers. */
import type { X509Certificate } from 'node:crypto'

/**
 * Whether a subject alternative name of the certificate covers the host. As in current clients,
 * neither the common name nor a wildcard inside a label counts.
 */
export const coversHost = (certificate: X509Certificate, host: string): boolean =>
  certificate.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined
