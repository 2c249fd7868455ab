/** Certificates, keys and chains, put in order and described. */
import { X509Certificate, type KeyObject } from 'node:crypto'
import { combineErrors, type ActionError } from '../failures/action-error.ts'
import { toActionError } from '../failures/thrown.ts'
import type { CertificateDetails } from '../steps/step.ts'
import { formatDistinguishedName } from '../util/text.ts'
import { parseCertificateInput, parsePrivateKey } from './parse.ts'

/**
 * What was given to be served, put in order: the chain certifies the leaf upwards, one certificate
 * the one before it.
 */
export interface CertificateMaterial {
  readonly leaf: X509Certificate
  /**
   * Whether the certificates had to be put in order: the leaf was not the first, or an issuer not
   * after what it signed.
   */
  readonly isReordered: boolean
  readonly chain: readonly X509Certificate[]
  /** Whether the chain was not given, and was found among the authorities. */
  readonly isChainFromCaBundle: boolean
  /**
   * Of the inputs' certificates, those that have nothing to do with the leaf; a second,
   * cross-signed way up is none.
   */
  readonly unrelatedCertificates: readonly X509Certificate[]
  /** Absent in a check, which needs none. */
  readonly key: KeyObject | undefined
  /** PEM, unencrypted PKCS#8; empty without one. */
  readonly privateKey: string
}

/**
 * Reads the three inputs. A full chain in `certificate` is fine, in any order.
 * @param inputs PEM texts; `chain` and `privateKey` may be empty
 * @param authorities where a chain is looked for that was not given at all
 * @throws ActionError `certificate-unreadable`, `private-key-unreadable`
 */
export function parseCertificateMaterial(
  inputs: { certificate: string; privateKey: string; chain: string },
  authorities: readonly X509Certificate[] = [],
): CertificateMaterial {
  const { key, given: certificates } = parseAll({
    key: () => (inputs.privateKey ? parsePrivateKey(inputs.privateKey) : undefined),
    given: () => [
      ...parseCertificateInput('certificate', inputs.certificate),
      ...(inputs.chain ? parseCertificateInput('certificate-chain', inputs.chain) : []),
    ],
  })
  const unique = certificates.filter(
    (certificate, index) =>
      certificates.findIndex((other) => other.raw.equals(certificate.raw)) === index,
  )
  const leaf =
    unique.find((certificate) => key && certificate.checkPrivateKey(key)) ??
    unique.find((certificate) => !certificate.ca) ??
    unique[0]
  if (!leaf) throw new TypeError('readCertificates() never returns an empty list')
  const providedChain = buildChain(leaf, unique)
  const chain =
    providedChain.length > 0 || isSelfSigned(leaf) ? providedChain : buildChain(leaf, authorities)
  const path = [leaf, ...providedChain]
  const unrelatedCertificates = unique.filter(
    (certificate) =>
      !path.includes(certificate) && !path.some((subject) => isIssuerOf(certificate, subject)),
  )
  const providedOrder = unique.filter((certificate) => path.includes(certificate))
  return {
    leaf,
    isReordered: !areCertificatesEqual(providedOrder, path),
    chain,
    isChainFromCaBundle: chain.length > providedChain.length,
    unrelatedCertificates,
    key,
    privateKey: key ? String(key.export({ type: 'pkcs8', format: 'pem' })) : '',
  }
}

/** Reads both, so that both problems are said. */
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

function buildChain(
  leaf: X509Certificate,
  candidates: readonly X509Certificate[],
): X509Certificate[] {
  const chain: X509Certificate[] = []
  let subject = leaf
  for (;;) {
    const issuer = candidates.find(
      (candidate) =>
        candidate !== subject &&
        candidate !== leaf &&
        !chain.includes(candidate) &&
        isIssuerOf(candidate, subject),
    )
    if (!issuer) return chain
    chain.push(issuer)
    subject = issuer
  }
}

/** Whether `issuer` signed `certificate`: the names match and the signature holds. */
export function isIssuerOf(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/**
 * Whether a certificate signed itself. Not by checkIssued, which wants a certificate that may sign
 * others.
 */
export const isSelfSigned = (certificate: X509Certificate): boolean =>
  certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

/** The DNS names of a certificate's subject alternative name. */
export function getDnsNames(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '')
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4).toLowerCase()] : []))
}

/**
 * The type and size of a certificate's key in ACM's words: RSA_2048, EC_prime256v1.
 * Source: ACM, DescribeCertificate, KeyAlgorithm.
 */
export function getKeyAlgorithm(certificate: X509Certificate): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType === 'rsa') return `RSA_${asymmetricKeyDetails?.modulusLength ?? 0}`
  if (asymmetricKeyType === 'ec') return `EC_${asymmetricKeyDetails?.namedCurve ?? ''}`
  return asymmetricKeyType ?? 'unknown'
}

/** What a summary says of a certificate. */
export const getCertificateDetails = (certificate: X509Certificate): CertificateDetails => ({
  issuer: formatDistinguishedName(certificate.issuer),
  dnsNames: getDnsNames(certificate),
  serialNumber: certificate.serialNumber,
  keyAlgorithm: getKeyAlgorithm(certificate),
  notAfter: certificate.validToDate,
})

/** Whether two lists hold the same certificates in the same order. */
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
