/** Certificates, keys and chains: reading them, and finding before anything else does what ACM, the ALB or a client would refuse. */
import { oneLine } from '../core/text.ts'
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import { ActionError, asActionError, combine } from '../core/errors.ts'

/** What was given to be served, put in order: the chain certifies the leaf upwards, one certificate the one before it. */
export interface CertificateMaterial {
  readonly leaf: X509Certificate
  readonly chain: readonly X509Certificate[]
  /** Of the inputs' certificates, those that have nothing to do with the leaf; a second, cross-signed way up is none. */
  readonly strays: readonly X509Certificate[]
  readonly key: KeyObject
  /** PEM, unencrypted PKCS#8. */
  readonly privateKey: string
}

/** Every certificate of a PEM text, in its order. @throws Error when one of them cannot be parsed */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]+?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g) ?? []
  return blocks.map((block) => new X509Certificate(block))
}

/**
 * Reads the three inputs. A full chain in `certificate` is fine, in any order.
 * @param inputs PEM texts; `chain` may be empty
 * @throws ActionError `certificate-unreadable`, `private-key-unreadable`
 */
export function readMaterial(inputs: { certificate: string; privateKey: string; chain: string }): CertificateMaterial {
  const { key, given } = readAll({
    key: () => readKey(inputs.privateKey),
    given: () => [...readCertificates('certificate', inputs.certificate), ...(inputs.chain ? readCertificates('certificate-chain', inputs.chain) : [])],
  })
  const unique = given.filter((certificate, index) => given.findIndex((other) => other.raw.equals(certificate.raw)) === index)
  const leaf = unique.find((certificate) => certificate.checkPrivateKey(key)) ?? unique.find((certificate) => !certificate.ca) ?? unique[0]
  if (!leaf) throw new TypeError('readCertificates() never returns an empty list')
  const chain = chainOf(leaf, unique)
  const path = [leaf, ...chain]
  const strays = unique.filter((certificate) => !path.includes(certificate) && !path.some((below) => issued(certificate, below)))
  return { leaf, chain, strays, key, privateKey: String(key.export({ type: 'pkcs8', format: 'pem' })) }
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

function readCertificates(input: string, pem: string): X509Certificate[] {
  const unreadable = (problem: string, cause?: unknown) =>
    new ActionError({
      code: 'certificate-unreadable',
      problem: `Input ${input} ${problem}.`,
      remedy: 'Give X.509 certificates as PEM, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.',
      cause,
    })
  try {
    const certificates = parseCertificates(pem)
    if (certificates.length === 0) throw unreadable(`holds ${pem.match(/-----BEGIN ([A-Z0-9 ]+)-----/)?.[1]?.toLowerCase() ?? 'something else'}, and no certificate`)
    return certificates
  } catch (thrown) {
    throw thrown instanceof ActionError ? thrown : unreadable('holds a certificate that cannot be parsed', thrown)
  }
}

function readKey(pem: string): KeyObject {
  const unreadable = (problem: string, remedy: string) => new ActionError({ code: 'private-key-unreadable', problem: `Input private-key ${problem}.`, remedy })
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw unreadable('is encrypted', 'ACM takes only unencrypted keys: decrypt it with "openssl pkey -in key.pem -out plain.pem" and store that as the secret.')
  }
  try {
    // The parser's own error is dropped on purpose: nothing that has read a key may reach a log.
    return createPrivateKey(pem)
  } catch {
    throw unreadable('is not a private key that can be read', 'Give an unencrypted RSA or EC key as PEM, from -----BEGIN PRIVATE KEY----- to its end.')
  }
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

/**
 * Everything about the material that ACM, the ALB or a client would refuse, or that would serve the wrong thing.
 * @param now milliseconds since the epoch
 */
export function checkMaterial(material: CertificateMaterial, host: string, now: number): ActionError[] {
  const { leaf, key, chain, strays } = material
  const problems: ActionError[] = []
  if (!leaf.checkPrivateKey(key)) {
    problems.push(new ActionError({
      code: 'private-key-mismatch',
      problem: `Input private-key is not the key of the certificate for ${names(leaf).join(', ') || leaf.subject}.`,
      remedy: 'Give the key that the certificate was requested with; a renewal often comes with a new key.',
    }))
  }
  const [stray] = strays
  if (stray) {
    problems.push(new ActionError({
      code: 'certificate-chain-invalid',
      problem: `The inputs certificate and certificate-chain hold ${strays.length} certificate(s) that did not sign this certificate or its issuers (first: ${oneLine(stray.subject)}).`,
      remedy: 'Give the intermediate certificates that come with this certificate, without those of an earlier one.',
    }))
  }
  // Source: ACM, ImportCertificate: a certificate that is not self-signed needs its chain.
  if (chain.length === 0 && !stray && !isSelfSigned(leaf)) {
    problems.push(new ActionError({
      code: 'certificate-chain-invalid',
      problem: `The certificate of ${oneLine(leaf.subject) || names(leaf).join(', ')} came without those of its authority (${oneLine(leaf.issuer)}), and ACM and clients want them.`,
      remedy: 'Give the intermediate certificates as certificate-chain, or the full chain as certificate (fullchain.pem).',
    }))
  }
  return [...problems, ...checkValidity(leaf, chain, now), ...checkHost(leaf, host)]
}

function checkValidity(leaf: X509Certificate, chain: readonly X509Certificate[], now: number): ActionError[] {
  return [leaf, ...chain].flatMap((certificate) => {
    const who = `The certificate of ${oneLine(certificate.subject) || 'no subject'}`
    if (certificate.validToDate.getTime() <= now) {
      return [new ActionError({ code: 'certificate-expired', problem: `${who} expired on ${certificate.validToDate.toISOString()}.`, remedy: certificate === leaf ? 'Give a renewed certificate with its key and chain.' : "This one is in the chain: give the authority's current chain, or leave the expired one out." })]
    }
    if (certificate.validFromDate.getTime() > now) {
      return [new ActionError({ code: 'certificate-not-yet-valid', problem: `${who} is valid only from ${certificate.validFromDate.toISOString()}.`, remedy: "Wait until then, or check the runner's clock; ACM refuses a certificate before its time." })]
    }
    return []
  })
}

/** Whether the certificate covers the host: by a subject alternative name, as clients want it; the common name does not count. */
export function checkHost(leaf: X509Certificate, host: string): ActionError[] {
  if (leaf.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined) return []
  return [new ActionError({
    code: 'certificate-host-mismatch',
    problem: `The certificate does not cover ${host}: its names are ${names(leaf).join(', ') || 'none (no subject alternative name)'}.`,
    remedy: 'Give a certificate with this name, or set host to a name that the certificate covers.',
  })]
}

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

/** Whether two lists hold the same certificates in the same order. */
export function sameCertificates(a: readonly X509Certificate[], b: readonly X509Certificate[]): boolean {
  return a.length === b.length && a.every((certificate, index) => certificate.raw.equals(b[index]?.raw ?? Buffer.alloc(0)))
}

/** Certificates as one PEM text. */
export const toPem = (certificates: readonly X509Certificate[]): string => certificates.map((certificate) => certificate.toString()).join('')
