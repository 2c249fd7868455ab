/**
 * X.509 certificates for the simulator: what a user brings to ACM, what the cluster and the charts
 * server present, and what is wrong in the ways that people's certificates are wrong. Extensions
 * follow RFC 5280 and the CA/Browser Forum's baseline requirements closely enough for Node, Go and
 * Python (whose 3.13 checks strictly) to accept the good ones.
 */
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import type * as X509 from '@peculiar/x509'
import { x509 } from '../simulator/aws/x509.ts'

/** ACM's names of key algorithms (ACM API reference, CertificateDetail.KeyAlgorithm). */
export type AcmKeyAlgorithm =
  | 'RSA_1024'
  | 'RSA_2048'
  | 'RSA_3072'
  | 'RSA_4096'
  | 'EC_prime256v1'
  | 'EC_secp384r1'
  | 'EC_secp521r1'

/** What a certificate is to say. Everything but the names has a default. */
export interface CertificateOptions {
  /**
   * DNS names and IP addresses for the subject alternative name; an empty list leaves the extension
   * out.
   */
  readonly hosts: readonly string[]
  /** Subject; the first host when absent, and no common name at all when null. */
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
  /** Lower-case names as OpenSSL writes them; `null` leaves the extension out. */
  readonly keyUsage?: readonly KeyUsageName[] | null
  /** Object identifiers; serverAuth when absent, and `null` leaves the extension out. */
  readonly extendedKeyUsage?: readonly string[] | null
  /** Hexadecimal; random when absent. */
  readonly serialNumber?: string
  /** The address of the authority's OCSP service; none when absent. */
  readonly ocspUrl?: string
}

/** Names of the key usage bits (RFC 5280, 4.2.1.3). */
export type KeyUsageName = Exclude<keyof typeof X509.KeyUsageFlags, number>

/** A certificate with what a server or ACM needs beside it. All PEM, each ending in a line feed. */
export interface IssuedCertificate {
  /** The leaf alone. */
  readonly certificate: string
  /** PKCS#8, not encrypted. */
  readonly privateKey: string
  /** What a server sends after the leaf: each certifies the one before; without the root. */
  readonly chain: string
  /** Leaf and chain, as Let's Encrypt's fullchain.pem. */
  readonly fullchain: string
  readonly keyPair: CryptoKeyPair
}

/** How the authority is built. */
export interface CertificateAuthorityOptions {
  /** `Simulator CA` when absent. */
  readonly name?: string
  /**
   * The algorithm of the authority's own keys: ACM wants it to be that of the leaf. RSA_2048 when
   * absent.
   */
  readonly keyAlgorithm?: AcmKeyAlgorithm
  /** An intermediate between root and leaves, as public authorities have; true when absent. */
  readonly intermediate?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** Something that issues certificates, as a public or a company's authority does. */
export interface CertificateAuthority {
  /** The root, PEM: what a client has to trust. */
  readonly root: string
  /** The intermediate, PEM; empty when there is none. */
  readonly intermediate: string
  issue(options: CertificateOptions): Promise<IssuedCertificate>
}

type SigningAlgorithm = RsaHashedKeyGenParams | (EcKeyGenParams & { hash: string })
interface Issuer {
  readonly certificate: X509.X509Certificate
  readonly keyPair: CryptoKeyPair
  readonly signingAlgorithm: SigningAlgorithm
}

const rsaAlgorithm = (modulusLength: number): SigningAlgorithm => ({
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength,
})
const ecAlgorithm = (namedCurve: string, hash: string): SigningAlgorithm => ({
  name: 'ECDSA',
  namedCurve,
  hash,
})
const signingAlgorithms: Record<AcmKeyAlgorithm, SigningAlgorithm> = {
  RSA_1024: rsaAlgorithm(1024),
  RSA_2048: rsaAlgorithm(2048),
  RSA_3072: rsaAlgorithm(3072),
  RSA_4096: rsaAlgorithm(4096),
  EC_prime256v1: ecAlgorithm('P-256', 'SHA-256'),
  EC_secp384r1: ecAlgorithm('P-384', 'SHA-384'),
  EC_secp521r1: ecAlgorithm('P-521', 'SHA-512'),
}

const dayMs = 86_400_000
const serverAuth = '1.3.6.1.5.5.7.3.1'

/**
 * Key pairs are drawn from a small pool per purpose and algorithm, because an RSA-4096 pair takes
 * seconds. Neighbours in a pool differ, so a certificate and its renewal have different keys, and
 * no leaf ever has an authority's key.
 */
const keyPairPools = new Map<string, { pairs: Promise<CryptoKeyPair>[]; next: number }>()
const poolSize = 3

function getPooledKeyPair(purpose: string, keyAlgorithm: AcmKeyAlgorithm): Promise<CryptoKeyPair> {
  const pool = keyPairPools.get(`${purpose} ${keyAlgorithm}`) ?? { pairs: [], next: 0 }
  keyPairPools.set(`${purpose} ${keyAlgorithm}`, pool)
  const index = pool.next++ % poolSize
  return (pool.pairs[index] ??= crypto.subtle.generateKey(signingAlgorithms[keyAlgorithm], true, [
    'sign',
    'verify',
  ]))
}

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
  // Key encipherment is the old RSA key exchange: authorities put it into RSA certificates only.
  const keyUsage =
    options.keyUsage === undefined
      ? isRsa
        ? (['digitalSignature', 'keyEncipherment'] as const)
        : (['digitalSignature'] as const)
      : options.keyUsage
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
  const keyPair = options.reuseKeyOf?.keyPair ?? (await getPooledKeyPair('leaf', keyAlgorithm))
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
  // Authorities may share a key of the pool; their names must differ, or each would vouch for the
  // other's leaves.
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

/** Makes an authority: a root, and an intermediate that signs the leaves unless it is left out. */
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
  // A server leaves the root out; without an intermediate the root is all the chain that ACM could
  // be given.
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

/** A certificate that nobody but itself vouches for. */
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

/**
 * What `tls.createServer` and `https.createServer` take, and the root that their clients have to
 * trust.
 */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

/** A TLS pair for a server on the loopback address. */
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

/** The same private key under a pass phrase, as `openssl pkcs8` writes it: what ACM refuses. */
export function encryptPrivateKey(privateKey: string, passphrase: string): string {
  return createPrivateKey(privateKey)
    .export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase })
    .toString()
}
