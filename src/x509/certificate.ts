/** Certificates, keys and chains, put in order and described. */
import { X509Certificate, type KeyObject } from 'node:crypto'
import { asActionError, combine, type ActionError } from '../core/errors.ts'
import type { CertificateFacts } from '../core/step.ts'
import { oneLine } from '../core/text.ts'
import { readCertificates, readKey } from './reading.ts'

/** What was given to be served, put in order: the chain certifies the leaf upwards, one certificate the one before it. */
export interface CertificateMaterial {
  readonly leaf: X509Certificate
  /** Whether the certificates had to be put in order: the leaf was not the first, or an issuer not after what it signed. */
  readonly reordered: boolean
  readonly chain: readonly X509Certificate[]
  /** Whether the chain was not given, and was found among the authorities. */
  readonly completed: boolean
  /** Of the inputs' certificates, those that have nothing to do with the leaf; a second, cross-signed way up is none. */
  readonly strays: readonly X509Certificate[]
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
export function readMaterial(inputs: { certificate: string; privateKey: string; chain: string }, authorities: readonly X509Certificate[] = []): CertificateMaterial {
  const { key, given } = readAll({
    key: () => (inputs.privateKey ? readKey(inputs.privateKey) : undefined),
    given: () => [...readCertificates('certificate', inputs.certificate), ...(inputs.chain ? readCertificates('certificate-chain', inputs.chain) : [])],
  })
  const unique = given.filter((certificate, index) => given.findIndex((other) => other.raw.equals(certificate.raw)) === index)
  const leaf = unique.find((certificate) => key && certificate.checkPrivateKey(key)) ?? unique.find((certificate) => !certificate.ca) ?? unique[0]
  if (!leaf) throw new TypeError('readCertificates() never returns an empty list')
  const own = chainOf(leaf, unique)
  const chain = own.length > 0 || isSelfSigned(leaf) ? own : chainOf(leaf, authorities)
  const path = [leaf, ...own]
  const strays = unique.filter((certificate) => !path.includes(certificate) && !path.some((below) => issued(certificate, below)))
  const asGiven = unique.filter((certificate) => path.includes(certificate))
  return { leaf, reordered: !sameCertificates(asGiven, path), chain, completed: chain.length > own.length, strays, key, privateKey: key ? String(key.export({ type: 'pkcs8', format: 'pem' })) : '' }
}

/** Reads both, so that both problems are said. */
function readAll<T extends Record<string, () => unknown>>(parts: T): { [K in keyof T]: ReturnType<T[K]> } {
  const problems: ActionError[] = []
  const read = Object.entries(parts).map(([name, part]) => {
    try {
      return [name, part()]
    } catch (thrown) {
      problems.push(asActionError(thrown))
      return [name, undefined]
    }
  })
  if (problems.length > 0) throw combine(problems)
  return Object.fromEntries(read) as { [K in keyof T]: ReturnType<T[K]> }
}

function chainOf(leaf: X509Certificate, pool: readonly X509Certificate[]): X509Certificate[] {
  const chain: X509Certificate[] = []
  let below = leaf
  for (;;) {
    const issuer = pool.find((candidate) => candidate !== below && candidate !== leaf && !chain.includes(candidate) && issued(candidate, below))
    if (!issuer) return chain
    chain.push(issuer)
    below = issuer
  }
}

/** Whether `issuer` signed `certificate`: the names match and the signature holds. */
export function issued(issuer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Whether a certificate signed itself. Not by checkIssued, which wants a certificate that may sign others. */
export const isSelfSigned = (certificate: X509Certificate): boolean => certificate.subject === certificate.issuer && certificate.verify(certificate.publicKey)

/** The DNS names of a certificate's subject alternative name. */
export function names(certificate: X509Certificate): string[] {
  return (certificate.subjectAltName ?? '').split(', ').flatMap((name) => (name.startsWith('DNS:') ? [name.slice(4).toLowerCase()] : []))
}

/**
 * The type and size of a certificate's key in ACM's words: RSA_2048, EC_prime256v1.
 * Source: ACM, DescribeCertificate, KeyAlgorithm.
 */
export function keyAlgorithm(certificate: X509Certificate): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey
  if (asymmetricKeyType === 'rsa') return `RSA_${asymmetricKeyDetails?.modulusLength ?? 0}`
  if (asymmetricKeyType === 'ec') return `EC_${asymmetricKeyDetails?.namedCurve ?? ''}`
  return asymmetricKeyType ?? 'unknown'
}

/** What a summary says of a certificate. */
export const certificateFacts = (certificate: X509Certificate): CertificateFacts => ({
  issuer: oneLine(certificate.issuer), names: names(certificate), serial: certificate.serialNumber, key: keyAlgorithm(certificate), notAfter: certificate.validToDate,
})

/** Whether two lists hold the same certificates in the same order. */
export function sameCertificates(a: readonly X509Certificate[], b: readonly X509Certificate[]): boolean {
  return a.length === b.length && a.every((certificate, index) => certificate.raw.equals(b[index]?.raw ?? Buffer.alloc(0)))
}

/** Certificates as one PEM text. */
export const toPem = (certificates: readonly X509Certificate[]): string => certificates.map((certificate) => certificate.toString()).join('')
