/**
 * Checks a certificate and its chain for what TLS clients reject, although ACM and an ALB accept
 * it. Where clients differ, the strictest counts: pymilvus and most gRPC clients use BoringSSL.
 * Pure.
 */
import type { X509Certificate } from 'node:crypto'
import type { ActionError } from '../failures/action-error.ts'
import {
  criticalExtensionUnknown,
  curveExplicit,
  curveUnsupported,
  issuerKeyWeak,
  issuerMayNotSign,
  issuerNotCa,
  keyUsageUnsuitable,
  serverPurposeMissing,
} from '../failures/certificate-clients.ts'
import { getKeyAlgorithm, getSubject, type CertificateMaterial } from './certificate.ts'
import { getKeyUsages, hasExplicitCurve, listCriticalExtensions } from './extensions.ts'

type Chain = Pick<CertificateMaterial, 'leaf' | 'chain'>

/** The problems that can be named without a handshake. */
export const checkForClients = (material: Chain): ActionError[] => [
  ...checkPurpose(material),
  ...checkIssuers(material),
  ...[material.leaf, ...material.chain].flatMap(checkKeyAndExtensions),
]

/** OpenSSL also accepts "server gated cryptography", but BoringSSL does not. */
const serverAuth = '1.3.6.1.5.5.7.3.1'

/**
 * With TLS 1.3 and with ECDHE the key signs the handshake. Source: BoringSSL,
 * ssl_cert_check_key_usage. Extended key usages also limit what a CA may issue.
 */
function checkPurpose({ leaf, chain }: Chain): ActionError[] {
  const problems: ActionError[] = []
  const usages = getKeyUsages(leaf)
  if (usages && !usages.includes('digitalSignature'))
    problems.push(keyUsageUnsuitable(getSubject(leaf), usages))
  for (const certificate of [leaf, ...chain]) {
    // Node calls the extended key usages keyUsage. The types do not say that it may be undefined.
    const purposes = certificate.keyUsage as readonly string[] | undefined
    if (purposes && !purposes.includes(serverAuth))
      problems.push(serverPurposeMissing(getSubject(certificate), purposes))
  }
  return problems
}

function checkIssuers({ leaf, chain }: Chain): ActionError[] {
  return chain.flatMap((issuer, index) => {
    const subject = chain[index - 1] ?? leaf
    const usages = getKeyUsages(issuer)
    if (usages && !usages.includes('keyCertSign'))
      return [issuerMayNotSign(getSubject(issuer), usages)]
    return issuer.ca ? [] : [issuerNotCa(getSubject(issuer), getSubject(subject))]
  })
}

/**
 * The extensions that clients process, and which may thus be critical. OpenSSL knows a few more.
 * Source: BoringSSL, x509v3/v3_purp.c, X509_supported_extension.
 */
const knownExtensions: readonly string[] = [
  '2.16.840.1.113730.1.1', // Netscape certificate type
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.30', // name constraints
  '2.5.29.32', // certificate policies
  '2.5.29.33', // policy mappings
  '2.5.29.36', // policy constraints
  '2.5.29.37', // extended key usage
  '2.5.29.54', // inhibit any policy
]

function checkKeyAndExtensions(certificate: X509Certificate, depth: number): ActionError[] {
  const problems: ActionError[] = []
  const subject = getSubject(certificate)
  const unknown = listCriticalExtensions(certificate).filter(
    (oid) => !knownExtensions.includes(oid),
  )
  if (unknown.length > 0) problems.push(criticalExtensionUnknown(subject, unknown))
  if (hasExplicitCurve(certificate)) problems.push(curveExplicit(subject))
  // A weak key of the leaf is a warning: ACM accepts it, and so may an old client.
  const algorithm = getKeyAlgorithm(certificate)
  if (depth > 0 && isKeyWeak(certificate)) problems.push(issuerKeyWeak(subject, algorithm))
  if (depth === 0 && algorithm === unsupportedCurve) problems.push(curveUnsupported(subject))
  return problems
}

/**
 * A client of BoringSSL offers no algorithm with which this key could sign the handshake; a CA may
 * have one. Source: BoringSSL, ssl/extensions.cc, kVerifySignatureAlgorithms.
 */
export const unsupportedCurve = 'EC_secp521r1'

/** Source: OpenSSL, SSL_CTX_set_security_level, level 2: 112 bits of security. */
function isKeyWeak({ publicKey: { asymmetricKeyType, asymmetricKeyDetails } }: X509Certificate) {
  return asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) < 2048
}
