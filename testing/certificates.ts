/**
 * Creates X.509 certificates: those that a user imports to ACM, server certificates of the test
 * environments, and invalid ones. Extensions follow RFC 5280 and the CA/Browser Forum's baseline
 * requirements closely enough for Node, Go and Python 3.13 with its strict checks.
 */
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import type * as X509 from '@peculiar/x509'
import { x509 } from '../simulator/aws/x509.ts'
import {
  getPooledKeyPair,
  signingAlgorithms,
  type AcmKeyAlgorithm,
  type SigningAlgorithm,
} from './key-pairs.ts'

export type { AcmKeyAlgorithm } from './key-pairs.ts'

/** The contents of a certificate. Everything but the names has a default. */
export interface CertificateOptions {
  /** The subject alternative names: DNS names and IP addresses. Empty omits the extension. */
  readonly hosts: readonly string[]
  /** The common name; the first host when absent, none when null. */
  readonly commonName?: string | null
  /** RSA_2048 when absent. */
  readonly keyAlgorithm?: AcmKeyAlgorithm
  /** An hour ago when absent. */
  readonly notBefore?: Date
  /** `days` after now when absent. */
  readonly notAfter?: Date
  /** 90 when absent. */
  readonly validityDays?: number
  /** Reuses the key of an earlier certificate: a renewal without a new key. */
  readonly reuseKeyOf?: IssuedCertificate
  /** The certificate of an environment, whose key no certificate of a test has. */
  readonly isEnvironmentCertificate?: boolean
  /** Names as OpenSSL writes them; `null` omits the extension. */
  readonly keyUsage?: readonly KeyUsageName[] | null
  /** Object identifiers; serverAuth when absent. `null` omits the extension. */
  readonly extendedKeyUsage?: readonly string[] | null
  /** Hexadecimal; random when absent. */
  readonly serialNumber?: string
  /** The URL of the CA's OCSP service; none when absent. */
  readonly ocspUrl?: string
}

/** Names of the key usage bits (RFC 5280, 4.2.1.3). */
export type KeyUsageName = Exclude<keyof typeof X509.KeyUsageFlags, number>

/** A certificate with its key and chain. All PEM, each ending in a line feed. */
export interface IssuedCertificate {
  /** The leaf alone. */
  readonly certificate: string
  /** PKCS#8, not encrypted. */
  readonly privateKey: string
  /**
   * The certificates after the leaf, each of which certifies the previous one; without the root.
   */
  readonly chain: string
  /** Leaf and chain, like Let's Encrypt's fullchain.pem. */
  readonly fullchain: string
  readonly keyPair: CryptoKeyPair
}

/** Options of createCertificateAuthority. */
export interface CertificateAuthorityOptions {
  /** `Simulator CA` when absent. */
  readonly name?: string
  /** The algorithm of the CA's keys; RSA_2048 when absent. ACM requires that of the leaf. */
  readonly keyAlgorithm?: AcmKeyAlgorithm
  /** Whether there is an intermediate between root and leaves; true when absent. */
  readonly intermediate?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** A certificate authority. */
export interface CertificateAuthority {
  /** The root, which clients must trust; PEM. */
  readonly root: string
  /** PEM; empty when there is no intermediate. */
  readonly intermediate: string
  issue(options: CertificateOptions): Promise<IssuedCertificate>
}

interface Issuer {
  readonly certificate: X509.X509Certificate
  readonly keyPair: CryptoKeyPair
  readonly signingAlgorithm: SigningAlgorithm
}

const dayMs = 86_400_000
const serverAuth = '1.3.6.1.5.5.7.3.1'

/** 16 random bytes, positive and without a leading zero (RFC 5280, 4.1.2.2 allows 20). */
function createSerialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

function toPem(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`
}

async function exportPrivateKey(keyPair: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', keyPair.privateKey)
  return `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag).trim()}\n`
}

function createKeyUsageExtensions(names: readonly KeyUsageName[]): X509.Extension[] {
  const [first, ...rest] = names.map((name) => x509.KeyUsageFlags[name])
  if (first === undefined) return []
  let flags = first
  for (const flag of rest) flags |= flag
  return [new x509.KeyUsagesExtension(flags, true)]
}

/** Key encipherment is the old RSA key exchange, which only RSA certificates have. */
const defaultKeyUsage = (isRsa: boolean): readonly KeyUsageName[] =>
  isRsa ? ['digitalSignature', 'keyEncipherment'] : ['digitalSignature']

async function createLeafExtensions(
  options: CertificateOptions,
  publicKey: CryptoKey,
  issuer?: Issuer,
): Promise<X509.Extension[]> {
  const isRsa = publicKey.algorithm.name.startsWith('RSA')
  const extensions: X509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ]
  if (issuer)
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create(issuer.keyPair.publicKey))
  const keyUsage = options.keyUsage === undefined ? defaultKeyUsage(isRsa) : options.keyUsage
  extensions.push(...createKeyUsageExtensions(keyUsage ?? []))
  const extendedKeyUsage =
    options.extendedKeyUsage === undefined ? [serverAuth] : options.extendedKeyUsage
  if (options.ocspUrl !== undefined)
    extensions.push(new x509.AuthorityInfoAccessExtension({ ocsp: [options.ocspUrl] }))
  if (extendedKeyUsage) extensions.push(new x509.ExtendedKeyUsageExtension([...extendedKeyUsage]))
  const subjectAltNames = options.hosts.map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }))
  if (subjectAltNames.length > 0)
    extensions.push(new x509.SubjectAlternativeNameExtension(subjectAltNames))
  return extensions
}

function validityPeriod(options: { notBefore?: Date; notAfter?: Date; validityDays?: number }): {
  notBefore: Date
  notAfter: Date
} {
  return {
    notBefore: options.notBefore ?? new Date(Date.now() - 3_600_000),
    notAfter: options.notAfter ?? new Date(Date.now() + (options.validityDays ?? 90) * dayMs),
  }
}

async function issueLeaf(
  options: CertificateOptions,
  issuer?: Issuer,
): Promise<{ certificate: X509.X509Certificate; keyPair: CryptoKeyPair }> {
  const keyAlgorithm = options.keyAlgorithm ?? 'RSA_2048'
  const keyPool = options.isEnvironmentCertificate === true ? 'environment' : 'leaf'
  const keyPair = options.reuseKeyOf?.keyPair ?? (await getPooledKeyPair(keyPool, keyAlgorithm))
  const commonName = options.commonName === undefined ? options.hosts[0] : options.commonName
  const subject = [{ CN: [commonName ?? ''] }].filter(
    () => commonName !== null && commonName !== undefined,
  )
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: options.serialNumber ?? createSerialNumber(),
    subject,
    issuer: issuer?.certificate.subjectName.toJSON() ?? subject,
    ...validityPeriod(options),
    publicKey: keyPair.publicKey,
    signingKey: (issuer?.keyPair ?? keyPair).privateKey,
    signingAlgorithm: issuer?.signingAlgorithm ?? {
      ...signingAlgorithms[keyAlgorithm],
      ...keyPair.publicKey.algorithm,
    },
    extensions: await createLeafExtensions(options, keyPair.publicKey, issuer),
  })
  return { certificate, keyPair }
}

async function issueCaCertificate(
  name: string,
  purpose: string,
  options: CertificateAuthorityOptions,
  parent?: Issuer,
): Promise<Issuer> {
  const keyAlgorithm = options.keyAlgorithm ?? 'RSA_2048'
  const keyPair = await getPooledKeyPair(purpose, keyAlgorithm)
  // CAs may share a key of the pool. Their names must differ so that one CA does not validate the
  // leaves of another.
  const subject = [{ O: ['Simulator'] }, { OU: [createSerialNumber().slice(-8)] }, { CN: [name] }]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: createSerialNumber(),
    subject,
    issuer: parent?.certificate.subjectName.toJSON() ?? subject,
    ...validityPeriod({ validityDays: 3650, ...options }),
    publicKey: keyPair.publicKey,
    signingKey: (parent?.keyPair ?? keyPair).privateKey,
    signingAlgorithm: parent?.signingAlgorithm ?? signingAlgorithms[keyAlgorithm],
    extensions: [
      new x509.BasicConstraintsExtension(true, parent ? 0 : undefined, true),
      ...createKeyUsageExtensions(['keyCertSign', 'cRLSign']),
      await x509.SubjectKeyIdentifierExtension.create(keyPair.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create((parent?.keyPair ?? keyPair).publicKey),
    ],
  })
  return { certificate, keyPair, signingAlgorithm: signingAlgorithms[keyAlgorithm] }
}

/** Creates a CA: a root and, by default, an intermediate that signs the leaves. */
export async function createCertificateAuthority(
  options: CertificateAuthorityOptions = {},
): Promise<CertificateAuthority> {
  const name = options.name ?? 'Simulator CA'
  const root = await issueCaCertificate(`${name} Root`, 'root', options)
  const intermediateIssuer =
    options.intermediate === false
      ? undefined
      : await issueCaCertificate(`${name} Intermediate`, 'intermediate', options, root)
  const intermediate = intermediateIssuer ? toPem(intermediateIssuer.certificate) : ''
  // Servers omit the root. Without an intermediate, the root is the only possible chain for ACM.
  const chain = intermediate === '' ? toPem(root.certificate) : intermediate
  return {
    root: toPem(root.certificate),
    intermediate,
    issue: async (request) => {
      const { certificate, keyPair } = await issueLeaf(request, intermediateIssuer ?? root)
      const leafPem = toPem(certificate)
      return {
        certificate: leafPem,
        privateKey: await exportPrivateKey(keyPair),
        chain,
        fullchain: leafPem + chain,
        keyPair,
      }
    },
  }
}

/** Issues a self-signed certificate. */
export async function issueSelfSigned(options: CertificateOptions): Promise<IssuedCertificate> {
  const { certificate, keyPair } = await issueLeaf(options)
  const leafPem = toPem(certificate)
  return {
    certificate: leafPem,
    privateKey: await exportPrivateKey(keyPair),
    chain: '',
    fullchain: leafPem,
    keyPair,
  }
}

/** The options of a TLS server, and the root that its clients must trust. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** Issues a certificate for a server on the loopback address. */
export async function issueLoopbackCertificate(
  certificateAuthority?: CertificateAuthority,
  hosts: readonly string[] = [],
): Promise<ServerCertificate> {
  const issuer =
    certificateAuthority ??
    (await createCertificateAuthority({
      name: 'Simulator loopback CA',
      keyAlgorithm: 'EC_prime256v1',
    }))
  const { fullchain, privateKey } = await issuer.issue({
    hosts: ['localhost', '127.0.0.1', '::1', ...hosts],
    keyAlgorithm: 'EC_prime256v1',
  })
  return { cert: fullchain, key: privateKey, ca: issuer.root }
}

/** Encrypts a private key with a passphrase, as `openssl pkcs8` does. ACM rejects such keys. */
export function encryptPrivateKey(privateKey: string, passphrase: string): string {
  return createPrivateKey(privateKey)
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase })
    .toString()
}
