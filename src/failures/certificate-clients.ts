/** What clients reject in a certificate that ACM and an ALB accept. */
import { ActionError } from './action-error.ts'

const reissueRemedy = 'Request a certificate for TLS servers from a CA that issues them.'

/** @param usages of the key, as RFC 5280 names them; they lack digitalSignature */
export function keyUsageUnsuitable(subject: string, usages: readonly string[]): ActionError {
  return new ActionError({
    code: 'certificate-purpose-unsuitable',
    problem: `The key of certificate ${subject} may not sign TLS handshakes: its key usage is ${usages.join(', ') || 'empty'}, without digitalSignature. pymilvus rejects it, even though some other clients do not.`,
    remedy: 'Request a certificate with key usage digitalSignature.',
  })
}

/** @param purposes object identifiers of its extended key usages */
export function serverPurposeMissing(subject: string, purposes: readonly string[]): ActionError {
  return new ActionError({
    code: 'certificate-purpose-unsuitable',
    problem: `Certificate ${subject} is not for TLS servers: its extended key usage is ${purposes.map(formatPurpose).join(', ')}, without serverAuth.`,
    remedy: reissueRemedy,
  })
}

/** Source: RFC 5280, 4.2.1.12. */
const purposeNames: Readonly<Record<string, string>> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
  '1.3.6.1.5.5.7.3.3': 'codeSigning',
  '1.3.6.1.5.5.7.3.4': 'emailProtection',
  '1.3.6.1.5.5.7.3.8': 'timeStamping',
  '1.3.6.1.5.5.7.3.9': 'OCSPSigning',
  '2.5.29.37.0': 'anyExtendedKeyUsage',
}

export const formatPurpose = (oid: string): string => purposeNames[oid] ?? oid

function chainInvalid(problem: string, remedy: string): ActionError {
  return new ActionError({ code: 'certificate-chain-invalid', problem, remedy })
}

const issuerRemedy =
  "Use the CA's own intermediate certificates, or request the certificate from a CA of its own."

/** Whoever signed with it is not a CA: its basic constraints say so, or are missing. */
export function issuerNotCa(issuer: string, subject: string): ActionError {
  return chainInvalid(
    `Certificate ${issuer} signed ${subject}, but is not the certificate of a CA (basic constraints), so clients reject what it signed.`,
    issuerRemedy,
  )
}

/** @param usages of the issuer's key; they lack keyCertSign */
export function issuerMayNotSign(issuer: string, usages: readonly string[]): ActionError {
  return chainInvalid(
    `Certificate ${issuer} in the chain may not sign certificates: its key usage is ${usages.join(', ') || 'empty'}, without keyCertSign.`,
    issuerRemedy,
  )
}

export function pathTooLong(subject: string): ActionError {
  return chainInvalid(
    `The chain of certificate ${subject} has more intermediate certificates than one of its CAs allows (path length constraint).`,
    'Request the certificate from the CA with that constraint, or from one whose chain allows it.',
  )
}

/** @param host of the inputs, or another name in the certificate */
export function nameNotPermitted(subject: string, host: string): ActionError {
  return chainInvalid(
    `A CA in the chain of certificate ${subject} may not issue certificates for all of its names (name constraints), so clients reject it for ${host}.`,
    'Request a certificate with only the names that the CA may issue, or use another CA.',
  )
}

/** @param oids of extensions that clients do not know */
export function criticalExtensionUnknown(subject: string, oids: readonly string[]): ActionError {
  return new ActionError({
    code: 'certificate-unusable',
    problem: `Certificate ${subject} has the critical extension ${oids.join(', ')}, which clients do not know and must reject.`,
    remedy: 'Request the certificate without the extension, or with one that is not critical.',
  })
}

/** @param algorithm as ACM names it, such as RSA_1024 */
export function issuerKeyWeak(subject: string, algorithm: string): ActionError {
  return new ActionError({
    code: 'certificate-key-unsupported',
    problem: `Certificate ${subject} in the chain has a key of type ${algorithm}, which clients reject as too small.`,
    remedy: 'Use a CA whose keys are RSA with 2048 bits or more, or EC.',
  })
}

/** RFC 5480 forbids it, and so do OpenSSL's strict mode, Go and BoringSSL. */
export function curveExplicit(subject: string): ActionError {
  return new ActionError({
    code: 'certificate-key-unsupported',
    problem: `The EC key of certificate ${subject} describes its curve by numbers instead of by name, which clients reject.`,
    remedy:
      'Create the key with a named curve ("openssl ecparam -name prime256v1 -param_enc named_curve -genkey") and request the certificate again.',
  })
}

/** ACM, an ALB, OpenSSL and Go accept it; BoringSSL does not, which pymilvus and browsers use. */
export function curveUnsupported(subject: string): ActionError {
  return new ActionError({
    code: 'certificate-key-unsupported',
    problem: `Certificate ${subject} has a key on curve P-521. pymilvus rejects it during the handshake, even though ACM and some other clients do not.`,
    remedy: 'Request a certificate with a key on curve P-256 or P-384.',
  })
}

/** @param reason OpenSSL's, as a clause */
export function handshakeRejected(subject: string, reason: string): ActionError {
  return new ActionError({
    code: 'certificate-unusable',
    problem: `A TLS client rejects certificate ${subject}, even if it trusts its CA: ${reason}.`,
    remedy:
      'Correct what the reason names, and test with "openssl verify -purpose sslserver -partial_chain -trusted chain.pem certificate.pem".',
  })
}
