/** What is wrong with the client certificate of inputs probe-certificate and probe-key. */
import { ActionError } from './action-error.ts'
import { formatPurpose } from './certificate-clients.ts'

const renewRemedy = 'Renew it, and set probe-certificate and probe-key to the new files.'

/** @param subject of the certificate, or of one in its chain */
export function clientCertificateExpired(subject: string, expiredAt: Date): ActionError {
  return new ActionError({
    code: 'certificate-expired',
    problem: `Input probe-certificate contains certificate ${subject}, which expired on ${expiredAt.toISOString()}: the ALB rejects it.`,
    remedy: renewRemedy,
  })
}

/** @param subject of the certificate, or of one in its chain */
export function clientCertificateNotYetValid(subject: string, validFrom: Date): ActionError {
  return new ActionError({
    code: 'certificate-not-yet-valid',
    problem: `Input probe-certificate contains certificate ${subject}, which is not valid until ${validFrom.toISOString()}: the ALB rejects it.`,
    remedy: "Wait until then, or correct the runner's clock.",
  })
}

/**
 * Source: AWS, "Connection logs for your Application Load Balancer": ClientCertPurposeInvalid.
 * @param purposes object identifiers of its extended key usages
 */
export function clientPurposeMissing(subject: string, purposes: readonly string[]): ActionError {
  return new ActionError({
    code: 'certificate-purpose-unsuitable',
    problem: `Input probe-certificate (${subject}) is not for TLS clients: its extended key usage is ${purposes.map(formatPurpose).join(', ')}, without clientAuth. The ALB rejects it.`,
    remedy: 'Set probe-certificate to a certificate whose extended key usage contains clientAuth.',
  })
}

/** @param algorithm as ACM names it, such as EC_secp256k1 */
export function clientKeyUnsupported(subject: string, algorithm: string): ActionError {
  return new ActionError({
    code: 'certificate-key-unsupported',
    problem: `Input probe-certificate (${subject}) has a key of type ${algorithm}, which the ALB rejects in a client certificate.`,
    remedy:
      'Request a client certificate with an RSA key of 2048 to 8192 bits, or an EC key on P-256, P-384 or P-521.',
  })
}

/** @param errorCode OpenSSL's, such as ERR_SSL_EE_KEY_TOO_SMALL */
export function clientCertificateUnusable(subject: string, errorCode: string): ActionError {
  return new ActionError({
    code: 'certificate-unusable',
    problem: `This runner cannot use the certificate of input probe-certificate (${subject}) for TLS (${errorCode}).`,
    remedy:
      'Request a certificate that is signed with SHA-256 or better, with an RSA key of at least 2048 bits or an EC key.',
  })
}
