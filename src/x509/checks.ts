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
import { isPssWithSha1 } from './extensions.ts'
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
    ...checkKeyType(material),
    ...checkSignatures(material),
    ...checkForClients(material),
    ...checkAcmLimits(material),
    ...checkValidity(material, now),
    ...checkHost(material.leaf, host),
  ]
}

/** How people identify a certificate: its DNS names, or its subject when it has none. */
export const getDisplayName = (certificate: X509Certificate): string =>
  getDnsNames(certificate).join(', ') || getSubject(certificate)

/** Whether the key belongs to the certificate; no problem without a key. */
export function checkPrivateKey({ leaf, key, origin }: CertificateMaterial): ActionError[] {
  if (!key || leaf.checkPrivateKey(key)) return []
  return [privateKeyMismatch(getDisplayName(leaf), origin)]
}

/** Source: ACM, ImportCertificate: a certificate that is not self-signed needs its chain. */
function checkChain(material: CertificateMaterial): ActionError[] {
  const { leaf, chain, origin, unrelatedCertificates: unrelated } = material
  const [firstUnrelated] = unrelated
  const top = chain.at(-1) ?? leaf
  const issuer = formatDistinguishedName(top.issuer) || 'without a name'
  const isLeafAlone = chain.length === 0 && !isSelfSigned(leaf)
  if (!firstUnrelated)
    return isLeafAlone ? [intermediateMissing(getSubject(leaf), issuer, origin)] : []
  const others = { count: unrelated.length, first: getSubject(firstUnrelated) }
  // A root without a certificate that it signed shows that something between them is missing.
  if (isLeafAlone || (!isSelfSigned(top) && unrelated.some(isSelfSigned)))
    return [issuerMissing(getSubject(top), issuer, others, origin)]
  return [unrelatedCertificates(others.count, others.first, origin)]
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

function checkKeyType({ leaf }: CertificateMaterial): ActionError[] {
  const algorithm = getKeyAlgorithm(leaf)
  return importableKeys.includes(algorithm) ? [] : [keyTypeUnsupported(algorithm)]
}

/** Signature algorithms that clients reject: MD2, MD5 and SHA-1. */
const weakSignature = /md2|md5|sha-?1(?!\d)/i

/** Nobody verifies the signature of a root. */
function checkSignatures({ leaf, chain }: CertificateMaterial): ActionError[] {
  const verified = [leaf, ...chain.filter((certificate) => !isSelfSigned(certificate))]
  for (const certificate of verified) {
    const algorithm = findWeakSignature(certificate)
    if (algorithm !== undefined) return [signatureWeak(getSubject(certificate), algorithm)]
  }
  return []
}

function findWeakSignature(certificate: X509Certificate): string | undefined {
  // Node names only the padding.
  if (isPssWithSha1(certificate)) return 'RSASSA-PSS and SHA-1'
  const { signatureAlgorithm = '' } = certificate
  return weakSignature.test(signatureAlgorithm) ? signatureAlgorithm : undefined
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

function checkValidity({ leaf, chain, origin }: CertificateMaterial, now: number): ActionError[] {
  return [leaf, ...chain].flatMap((certificate) => {
    const { validFromDate, validToDate } = certificate
    const subject = getSubject(certificate)
    if (validToDate.getTime() <= now) {
      return certificate === leaf
        ? [certificateExpired(subject, validToDate, origin)]
        : [chainCertificateExpired(subject, validToDate)]
    }
    return validFromDate.getTime() > now ? [certificateNotYetValid(subject, validFromDate)] : []
  })
}

/** Whether the certificate covers the host. */
export function checkHost(leaf: X509Certificate, host: string): ActionError[] {
  if (coversHost(leaf, host)) return []
  const names = listAlternativeNames(leaf)
  const commonNameMatches =
    leaf.checkHost(host, { subject: 'always', partialWildcards: false }) !== undefined
  if (names.length === 0 && commonNameMatches) return [hostOnlyInCommonName(host)]
  const wildcard = getDnsNames(leaf).find((name) => isAtOrBelowWildcardParent(name, host))
  return wildcard === undefined
    ? [hostNotCovered(host, names)]
    : [hostBeyondWildcard(host, names, wildcard)]
}

/** The DNS names; without any, the other names with their type: `IP Address:10.0.3.7`. */
function listAlternativeNames(leaf: X509Certificate): string[] {
  const dnsNames = getDnsNames(leaf)
  if (dnsNames.length > 0) return dnsNames
  return (leaf.subjectAltName ?? '').split(', ').filter((name) => name !== '')
}

/** Whether `name` is a wildcard, and `host` its parent domain or at any depth below that. */
const isAtOrBelowWildcardParent = (name: string, host: string): boolean =>
  name.startsWith('*.') && (host === name.slice(2) || host.endsWith(name.slice(1)))
