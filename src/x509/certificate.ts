/** Parses the certificate inputs, finds the chain, and describes certificates. */
import { X509Certificate, type KeyObject } from 'node:crypto'
import { combineErrors, type ActionError } from '../failures/action-error.ts'
import { toActionError } from '../failures/thrown.ts'
import { certificateAndKeySwapped } from '../failures/certificate-files.ts'
import { inputOrigin, type CertificateOrigin } from '../failures/certificate-origin.ts'
import { formatDistinguishedName } from '../util/text.ts'
import { findChain, listRelated } from './chain.ts'
import { isSameAuthority, isSelfSigned } from './issuers.ts'
import { areInputsSwapped, parseCertificateText, parsePrivateKey } from './parse.ts'
import { isValidAt } from './trust.ts'

/** The certificate to serve, with its chain and key. */
export interface CertificateMaterial {
  /** What messages call its parts. */
  readonly origin: CertificateOrigin
  readonly leaf: X509Certificate
  /**
   * Whether the inputs had another order than a chain has: the leaf first, and each issuer after
   * what it signed.
   */
  readonly isReordered: boolean
  /** From the issuer of the leaf upwards. */
  readonly chain: readonly X509Certificate[]
  /** Whether the inputs had no chain, and the CA bundle had it. */
  readonly isChainFromCaBundle: boolean
  /**
   * Certificates of the inputs that belong to the leaf, but not to the chain: another path, an
   * earlier certificate with the same key, an expired root.
   */
  readonly unusedCertificates: readonly X509Certificate[]
  /** Certificates of the inputs that signed neither the leaf nor its issuers. */
  readonly unrelatedCertificates: readonly X509Certificate[]
  /** Absent in a check or a dry run, which need no key. */
  readonly key: KeyObject | undefined
  /** PEM, unencrypted PKCS#8; empty without a key. */
  readonly privateKey: string
}

/** What people want to know about a certificate. */
export interface CertificateDetails {
  readonly issuer: string
  readonly dnsNames: readonly string[]
  readonly serialNumber: string
  /** As ACM names it: `RSA_2048`. */
  readonly keyAlgorithm: string
  readonly notAfter: Date
}

/** PEM texts of a certificate; `chain` and `privateKey` may be empty. */
export interface CertificateTexts {
  readonly certificate: string
  readonly privateKey: string
  readonly chain: string
  /** What messages call them; the inputs if absent. */
  readonly origin?: CertificateOrigin
}

/**
 * Parses the three texts. `certificate` may contain the full chain, in any order.
 * @param caBundle where to look for a chain that the inputs do not have; its roots are trusted
 * @param now milliseconds since the epoch: of several chains, a valid one is used
 * @throws ActionError `certificate-unreadable`, `private-key-unreadable`
 */
export function parseCertificateMaterial(
  texts: CertificateTexts,
  caBundle: readonly X509Certificate[] = [],
  now = Date.now(),
): CertificateMaterial {
  const { privateKey, origin = inputOrigin } = texts
  if (areInputsSwapped(texts)) throw certificateAndKeySwapped(origin)
  const { key, certificates } = parseAll({
    key: () => (privateKey ? parsePrivateKey(origin.privateKey, privateKey) : undefined),
    certificates: () => parseCertificateTexts(texts, origin),
  })
  const unique = certificates.filter(
    (certificate, index) =>
      certificates.findIndex((other) => other.raw.equals(certificate.raw)) === index,
  )
  const leaf = findLeaf(unique, key, now)
  const search = { trustedRoots: caBundle, now }
  const inputChain = findChain(leaf, { ...search, candidates: unique })
  const isChainMissing = inputChain.length === 0 && !isSelfSigned(leaf)
  const chain = isChainMissing ? findChain(leaf, { ...search, candidates: caBundle }) : inputChain
  const path = [leaf, ...inputChain]
  const related = listRelated(leaf, unique)
  const others = unique.filter((certificate) => !path.includes(certificate))
  const isRelated = (certificate: X509Certificate): boolean =>
    related.has(certificate) || isSameAuthority(certificate, leaf)
  const inputOrder = unique.filter((certificate) => path.includes(certificate))
  return {
    origin,
    leaf,
    isReordered: !areCertificatesEqual(inputOrder, path),
    chain,
    isChainFromCaBundle: chain.length > inputChain.length,
    unusedCertificates: others.filter(isRelated),
    unrelatedCertificates: others.filter((certificate) => !isRelated(certificate)),
    key,
    privateKey: key ? String(key.export({ type: 'pkcs8', format: 'pem' })) : '',
  }
}

function parseCertificateTexts(
  texts: CertificateTexts,
  origin: CertificateOrigin,
): X509Certificate[] {
  const certificates = parseCertificateText(origin.certificate, texts.certificate)
  if (!texts.chain) return certificates
  return [...certificates, ...parseCertificateText(origin.chain, texts.chain)]
}

/** Runs all parsers, so that the error contains the problems of all of them. */
function parseAll<T extends Record<string, () => unknown>>(
  parsers: T,
): { [K in keyof T]: ReturnType<T[K]> } {
  const problems: ActionError[] = []
  const entries = Object.entries(parsers).map(([name, parse]) => {
    try {
      return [name, parse()]
    } catch (thrown) {
      problems.push(toActionError(thrown))
      return [name, undefined]
    }
  })
  if (problems.length > 0) throw combineErrors(problems)
  return Object.fromEntries(entries) as { [K in keyof T]: ReturnType<T[K]> }
}

/** The certificate of the key, or else the first that is not a CA; if possible, a valid one. */
function findLeaf(
  certificates: readonly X509Certificate[],
  key: KeyObject | undefined,
  now: number,
): X509Certificate {
  const isValid = (certificate: X509Certificate): boolean => isValidAt(certificate, now)
  const ofKey = certificates.filter((certificate) => key && certificate.checkPrivateKey(key))
  const servers = certificates.filter((certificate) => !certificate.ca)
  const leaf =
    ofKey.find(isValid) ?? ofKey[0] ?? servers.find(isValid) ?? servers[0] ?? certificates[0]
  if (!leaf) throw new TypeError('parseCertificateText() never returns an empty list')
  return leaf
}

/** The DNS names among the subject alternative names. */
export function getDnsNames(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4).toLowerCase()] : []))
}

/** The subject; for a certificate without one its DNS names, or else its serial number. */
export const getSubject = (certificate: X509Certificate): string =>
  formatDistinguishedName(certificate.subject) ||
  getDnsNames(certificate).join(', ') ||
  certificate.serialNumber

/**
 * The type and size of a certificate's key as ACM names them: RSA_2048, EC_prime256v1.
 * Source: ACM, DescribeCertificate, KeyAlgorithm.
 */
export function getKeyAlgorithm(certificate: X509Certificate): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType === 'rsa') return `RSA_${asymmetricKeyDetails?.modulusLength ?? 0}`
  if (asymmetricKeyType === 'ec') return `EC_${asymmetricKeyDetails?.namedCurve ?? ''}`
  return asymmetricKeyType ?? 'unknown'
}

/** The details for the summary. */
export const getCertificateDetails = (certificate: X509Certificate): CertificateDetails => ({
  issuer: formatDistinguishedName(certificate.issuer),
  dnsNames: getDnsNames(certificate),
  serialNumber: certificate.serialNumber,
  keyAlgorithm: getKeyAlgorithm(certificate),
  notAfter: certificate.validToDate,
})

/** Whether two lists contain the same certificates in the same order. */
export function areCertificatesEqual(
  a: readonly X509Certificate[],
  b: readonly X509Certificate[],
): boolean {
  return (
    a.length === b.length &&
    a.every((certificate, index) => certificate.raw.equals(b[index]?.raw ?? Buffer.alloc(0)))
  )
}

/** Certificates as one PEM text. */
export const toPem = (certificates: readonly X509Certificate[]): string =>
  certificates.map((certificate) => certificate.toString()).join('')
