/** Checks a certificate for everything that ACM, the ALB or a client would reject. Pure. */
import type { X509Certificate } from 'node:crypto'
import type { ActionError } from '../failures/action-error.ts'
import {
  certificateExpired,
  certificateNotYetValid,
  certificateTooLarge,
  chainCertificateExpired,
  chainTooLarge,
  hostBeyondWildcard,
  hostNotCovered,
  hostOnlyInCommonName,
  intermediateMissing,
  issuerMissing,
  issuerNameEmpty,
  keyTypesMixed,
  keyTypeUnsupported,
  ocspUrlTooLong,
  privateKeyMismatch,
  signatureWeak,
  unrelatedCertificates,
} from '../failures/certificate-files.ts'
import { coversHost } from '../util/certificate-names.ts'
import { formatDistinguishedName } from '../util/text.ts'
import { checkForClients } from './client-checks.ts'
import {
  getDnsNames,
  getKeyAlgorithm,
  getSubject,
  toPem,
  type CertificateMaterial,
} from './certificate.ts'
import { isSelfSigned } from './issuers.ts'

/**
 * All problems of the material.
 * @param now milliseconds since the epoch
 */
export function checkMaterial(
  material: CertificateMaterial,
  host: string,
  now: number,
): ActionError[] {
  return [
    ...checkPrivateKey(material),
    ...checkChain(material),
    ...checkKeyTypes(material),
    ...checkSignatures(material),
    ...checkForClients(material),
    ...checkAcmLimits(material),
    ...checkValidity(material, now),
    ...checkHost(material.leaf, host),
  ]
}

/** What people know a certificate by: its DNS names, or its subject when it has none. */
const getDisplayName = (certificate: X509Certificate): string =>
  getDnsNames(certificate).join(', ') || getSubject(certificate)

function checkPrivateKey({ leaf, key }: CertificateMaterial): ActionError[] {
  if (!key || leaf.checkPrivateKey(key)) return []
  return [privateKeyMismatch(getDisplayName(leaf))]
}

/** Source: ACM, ImportCertificate: a certificate that is not self-signed needs its chain. */
function checkChain(material: CertificateMaterial): ActionError[] {
  const { leaf, chain, unrelatedCertificates: unrelated } = material
  const [firstUnrelated] = unrelated
  const top = chain.at(-1) ?? leaf
  const issuer = formatDistinguishedName(top.issuer) || 'without a name'
  const isLeafAlone = chain.length === 0 && !isSelfSigned(leaf)
  if (!firstUnrelated) return isLeafAlone ? [intermediateMissing(getSubject(leaf), issuer)] : []
  const others = { count: unrelated.length, first: getSubject(firstUnrelated) }
  // A root without a certificate that it signed shows that something between them is missing.
  if (isLeafAlone || (!isSelfSigned(top) && unrelated.some(isSelfSigned)))
    return [issuerMissing(getSubject(top), issuer, others)]
  return [unrelatedCertificates(others.count, others.first)]
}

/** Source: ACM user guide, Prerequisites for importing; an ALB accepts all of these. */
const importableKeys: readonly string[] = [
  'RSA_1024',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'EC_prime256v1',
  'EC_secp384r1',
  'EC_secp521r1',
]

/** Source: ACM user guide, Prerequisites for importing: the issuer's key has the same type. */
function checkKeyTypes({ leaf, chain: [issuer] }: CertificateMaterial): ActionError[] {
  const algorithm = getKeyAlgorithm(leaf)
  if (!importableKeys.includes(algorithm)) return [keyTypeUnsupported(algorithm)]
  const issuerType = issuer?.publicKey.asymmetricKeyType
  if (!issuer || issuerType === leaf.publicKey.asymmetricKeyType) return []
  return [
    keyTypesMixed({
      algorithm,
      issuerAlgorithm: getKeyAlgorithm(issuer),
      issuerType: issuerType === 'ec' ? 'EC' : 'RSA',
    }),
  ]
}

/** Signature algorithms that clients reject: MD2, MD5 and SHA-1. */
const weakSignature = /md2|md5|sha-?1(?!\d)/i

/** Nobody verifies the signature of a root. */
function checkSignatures({ leaf, chain }: CertificateMaterial): ActionError[] {
  const verified = [leaf, ...chain.filter((certificate) => !isSelfSigned(certificate))]
  const weak = verified.find(({ signatureAlgorithm }) =>
    weakSignature.test(signatureAlgorithm ?? ''),
  )
  return weak ? [signatureWeak(getSubject(weak), weak.signatureAlgorithm ?? '')] : []
}

/** Source: ACM, ImportCertificate. In bytes of PEM and in characters. */
const acmLimits = {
  certificateBytes: 32_768,
  chainBytes: 2_097_152,
  ocspUrlLength: 1000,
} as const

/**
 * Source: ACM, ImportCertificate, and the user guide, Prerequisites for importing. A key of a type
 * that ACM accepts is never too long: it is exported again.
 */
function checkAcmLimits({ leaf, chain }: CertificateMaterial): ActionError[] {
  const problems: ActionError[] = []
  const certificateBytes = toPem([leaf]).length
  if (certificateBytes > acmLimits.certificateBytes)
    problems.push(certificateTooLarge(certificateBytes, acmLimits.certificateBytes))
  const chainBytes = toPem(chain).length
  if (chainBytes > acmLimits.chainBytes)
    problems.push(chainTooLarge(chainBytes, acmLimits.chainBytes))
  if (formatDistinguishedName(leaf.issuer) === '') problems.push(issuerNameEmpty())
  const ocspUrlLength = Math.max(0, ...getOcspUrls(leaf).map((url) => url.length))
  if (ocspUrlLength > acmLimits.ocspUrlLength)
    problems.push(ocspUrlTooLong(ocspUrlLength, acmLimits.ocspUrlLength))
  return problems
}

/** Node lists the authority information access as one text, one entry per line. */
const getOcspUrls = ({ infoAccess }: X509Certificate): string[] =>
  (infoAccess ?? '').split('\n').flatMap((line) => /^OCSP - URI:(.*)$/.exec(line)?.[1] ?? [])

function checkValidity({ leaf, chain }: CertificateMaterial, now: number): ActionError[] {
  return [leaf, ...chain].flatMap((certificate) => {
    const { validFromDate, validToDate } = certificate
    const subject = getSubject(certificate)
    if (validToDate.getTime() <= now) {
      return certificate === leaf
        ? [certificateExpired(subject, validToDate)]
        : [chainCertificateExpired(subject, validToDate)]
    }
    return validFromDate.getTime() > now ? [certificateNotYetValid(subject, validFromDate)] : []
  })
}

/** Whether the certificate covers the host. */
export function checkHost(leaf: X509Certificate, host: string): ActionError[] {
  if (coversHost(leaf, host)) return []
  const dnsNames = getDnsNames(leaf)
  const commonNameMatches =
    leaf.checkHost(host, { subject: 'always', partialWildcards: false }) !== undefined
  if (dnsNames.length === 0 && commonNameMatches) return [hostOnlyInCommonName(host)]
  const wildcard = dnsNames.find((name) => isAtOrBelowWildcardParent(name, host))
  return wildcard === undefined
    ? [hostNotCovered(host, dnsNames)]
    : [hostBeyondWildcard(host, dnsNames, wildcard)]
}

/** Whether `name` is a wildcard, and `host` its parent domain or at any depth below that. */
const isAtOrBelowWildcardParent = (name: string, host: string): boolean =>
  name.startsWith('*.') && (host === name.slice(2) || host.endsWith(name.slice(1)))

/**
 * The warning about a key that ACM and an ALB accept, but clients may not; undefined when there is
 * none. Source: OpenSSL, SSL_CTX_set_security_level, level 2.
 */
export function formatWeakKeyWarning(leaf: X509Certificate): string | undefined {
  if (getKeyAlgorithm(leaf) !== 'RSA_1024') return undefined
  return (
    'The certificate has a 1024-bit RSA key: ACM accepts it, but most clients reject it as too ' +
    'small. Request a certificate with 2048 bits or more.'
  )
}

const millisecondsPerDay = 86_400_000

/**
 * Whether a certificate expires within the threshold, or has expired.
 * @param threshold days; undefined for 30, or a third of the lifetime if that is less
 * @param now milliseconds since the epoch
 */
export function expiresSoon(
  leaf: X509Certificate,
  threshold: number | undefined,
  now: number,
): boolean {
  const [validFrom, validTo] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
  const thresholdDays = threshold ?? Math.min(30, (validTo - validFrom) / millisecondsPerDay / 3)
  return (validTo - now) / millisecondsPerDay < thresholdDays
}

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
  if (!expiresSoon(leaf, threshold, now)) return undefined
  const days = Math.floor((leaf.validToDate.getTime() - now) / millisecondsPerDay)
  const expiry = `in ${days} day${days === 1 ? '' : 's'}, on ${leaf.validToDate.toISOString()}`
  return `The certificate for ${getDisplayName(leaf)} expires ${expiry}: ${reason}.`
}
