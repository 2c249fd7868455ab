/**
 * X.509 certificates for the sandbox: what a user brings to ACM, what the cluster and the charts server present, and what
 * is wrong in the ways that people's certificates are wrong. Extensions follow RFC 5280 and the CA/Browser Forum's baseline
 * requirements closely enough for Node, Go and Python (whose 3.13 checks strictly) to accept the good ones.
 */
import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import type * as X509 from '@peculiar/x509'
import { x509 } from './aws/x509.ts'

/** ACM's names of key algorithms (ACM API reference, CertificateDetail.KeyAlgorithm). */
export type KeyName = 'RSA_1024' | 'RSA_2048' | 'RSA_3072' | 'RSA_4096' | 'EC_prime256v1' | 'EC_secp384r1' | 'EC_secp521r1'

/** What a certificate is to say. Everything but the names has a default. */
export interface IssueOptions {
  /** DNS names and IP addresses for the subject alternative name; an empty list leaves the extension out. */
  readonly hosts: readonly string[]
  /** Subject; the first host when absent, and no common name at all when null. */
  readonly commonName?: string | null
  /** RSA_2048 when absent. */
  readonly key?: KeyName
  /** An hour ago when absent. */
  readonly notBefore?: Date
  /** `days` after now when absent. */
  readonly notAfter?: Date
  /** 90 when absent. */
  readonly days?: number
  /** Reuses the key of an earlier certificate: a renewal without a new key. */
  readonly keyOf?: IssuedCertificate
  /** Lower-case names as OpenSSL writes them; `null` leaves the extension out. */
  readonly keyUsage?: readonly KeyUsageName[] | null
  /** Object identifiers; serverAuth when absent, and `null` leaves the extension out. */
  readonly extendedKeyUsage?: readonly string[] | null
  /** Hexadecimal; random when absent. */
  readonly serialNumber?: string
  /** The address of the authority's OCSP service; none when absent. */
  readonly ocsp?: string
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
  readonly keys: CryptoKeyPair
}

/** How the authority is built. */
export interface AuthorityOptions {
  /** `Sandbox CA` when absent. */
  readonly name?: string
  /** The algorithm of the authority's own keys: ACM wants it to be that of the leaf. RSA_2048 when absent. */
  readonly key?: KeyName
  /** An intermediate between root and leaves, as public authorities have; true when absent. */
  readonly intermediate?: boolean
  readonly notBefore?: Date
  readonly notAfter?: Date
}

/** Something that issues certificates, as a public or a company's authority does. */
export interface Authority {
  /** The root, PEM: what a client has to trust. */
  readonly root: string
  /** The intermediate, PEM; empty when there is none. */
  readonly intermediate: string
  issue(options: IssueOptions): Promise<IssuedCertificate>
}

type Algorithm = RsaHashedKeyGenParams | (EcKeyGenParams & { hash: string })
interface Issuer { readonly certificate: X509.X509Certificate; readonly keys: CryptoKeyPair; readonly signing: Algorithm }

const rsa = (modulusLength: number): Algorithm => ({
  name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', publicExponent: new Uint8Array([1, 0, 1]), modulusLength,
})
const ec = (namedCurve: string, hash: string): Algorithm => ({ name: 'ECDSA', namedCurve, hash })
const algorithms: Record<KeyName, Algorithm> = {
  RSA_1024: rsa(1024),
  RSA_2048: rsa(2048),
  RSA_3072: rsa(3072),
  RSA_4096: rsa(4096),
  EC_prime256v1: ec('P-256', 'SHA-256'),
  EC_secp384r1: ec('P-384', 'SHA-384'),
  EC_secp521r1: ec('P-521', 'SHA-512'),
}

const day = 86_400_000
const serverAuth = '1.3.6.1.5.5.7.3.1'

/**
 * Key pairs are drawn from a small pool per purpose and algorithm, because an RSA-4096 pair takes seconds. Neighbours in a
 * pool differ, so a certificate and its renewal have different keys, and no leaf ever has an authority's key.
 */
const pools = new Map<string, { pairs: Promise<CryptoKeyPair>[]; next: number }>()
const poolSize = 3

function keyPair(purpose: string, name: KeyName): Promise<CryptoKeyPair> {
  const pool = pools.get(`${purpose} ${name}`) ?? { pairs: [], next: 0 }
  pools.set(`${purpose} ${name}`, pool)
  const index = pool.next++ % poolSize
  return (pool.pairs[index] ??= crypto.subtle.generateKey(algorithms[name], true, ['sign', 'verify']))
}

/** 16 random bytes, positive and without a leading zero (RFC 5280, 4.1.2.2 allows 20). */
function serial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return Buffer.from(bytes).toString('hex')
}

function pem(certificate: X509.X509Certificate): string {
  return `${certificate.toString('pem').trim()}\n`
}

async function privateKeyPem(keys: CryptoKeyPair): Promise<string> {
  const der = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  return `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag).trim()}\n`
}

function keyUsages(names: readonly KeyUsageName[]): X509.Extension[] {
  const [first, ...rest] = names.map((name) => x509.KeyUsageFlags[name])
  if (first === undefined) return []
  let flags = first
  for (const flag of rest) flags |= flag
  return [new x509.KeyUsagesExtension(flags, true)]
}

async function leafExtensions(options: IssueOptions, publicKey: CryptoKey, issuer?: Issuer): Promise<X509.Extension[]> {
  const isRsa = publicKey.algorithm.name.startsWith('RSA')
  const extensions: X509.Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ]
  if (issuer) extensions.push(await x509.AuthorityKeyIdentifierExtension.create(issuer.keys.publicKey))
  // Key encipherment is the old RSA key exchange: authorities put it into RSA certificates only.
  const keyUsage = options.keyUsage === undefined ? (isRsa ? ['digitalSignature', 'keyEncipherment'] as const : ['digitalSignature'] as const) : options.keyUsage
  extensions.push(...keyUsages(keyUsage ?? []))
  const extended = options.extendedKeyUsage === undefined ? [serverAuth] : options.extendedKeyUsage
  if (options.ocsp !== undefined) extensions.push(new x509.AuthorityInfoAccessExtension({ ocsp: [options.ocsp] }))
  if (extended) extensions.push(new x509.ExtendedKeyUsageExtension([...extended]))
  const names = options.hosts.map((value) => ({ type: isIP(value) ? 'ip' as const : 'dns' as const, value }))
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names))
  return extensions
}

function validity(options: { notBefore?: Date; notAfter?: Date; days?: number }): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: options.notBefore ?? new Date(Date.now() - 3_600_000),
    notAfter: options.notAfter ?? new Date(Date.now() + (options.days ?? 90) * day),
  }
}

async function leaf(options: IssueOptions, issuer?: Issuer): Promise<{ certificate: X509.X509Certificate; keys: CryptoKeyPair }> {
  const name = options.key ?? 'RSA_2048'
  const keys = options.keyOf?.keys ?? await keyPair('leaf', name)
  const commonName = options.commonName === undefined ? options.hosts[0] : options.commonName
  const subject = [{ CN: [commonName ?? ''] }].filter(() => commonName !== null && commonName !== undefined)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: options.serialNumber ?? serial(),
    subject,
    issuer: issuer?.certificate.subjectName.toJSON() ?? subject,
    ...validity(options),
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: issuer?.signing ?? { ...algorithms[name], ...keys.publicKey.algorithm },
    extensions: await leafExtensions(options, keys.publicKey, issuer),
  })
  return { certificate, keys }
}

async function authorityCertificate(name: string, purpose: string, options: AuthorityOptions, parent?: Issuer): Promise<Issuer> {
  const key = options.key ?? 'RSA_2048'
  const keys = await keyPair(purpose, key)
  // Authorities may share a key of the pool; their names must differ, or each would vouch for the other's leaves.
  const subject = [{ O: ['Sandbox'] }, { OU: [serial().slice(-8)] }, { CN: [name] }]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject,
    issuer: parent?.certificate.subjectName.toJSON() ?? subject,
    ...validity({ days: 3650, ...options }),
    publicKey: keys.publicKey,
    signingKey: (parent?.keys ?? keys).privateKey,
    signingAlgorithm: parent?.signing ?? algorithms[key],
    extensions: [
      new x509.BasicConstraintsExtension(true, parent ? 0 : undefined, true),
      ...keyUsages(['keyCertSign', 'cRLSign']),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create((parent?.keys ?? keys).publicKey),
    ],
  })
  return { certificate, keys, signing: algorithms[key] }
}

/** Makes an authority: a root, and an intermediate that signs the leaves unless it is left out. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const name = options.name ?? 'Sandbox CA'
  const root = await authorityCertificate(`${name} Root`, 'root', options)
  const middle = options.intermediate === false ? undefined : await authorityCertificate(`${name} Intermediate`, 'intermediate', options, root)
  const intermediate = middle ? pem(middle.certificate) : ''
  // A server leaves the root out; without an intermediate the root is all the chain that ACM could be given.
  const chain = intermediate === '' ? pem(root.certificate) : intermediate
  return {
    root: pem(root.certificate),
    intermediate,
    issue: async (request) => {
      const { certificate, keys } = await leaf(request, middle ?? root)
      const own = pem(certificate)
      return { certificate: own, privateKey: await privateKeyPem(keys), chain, fullchain: own + chain, keys }
    },
  }
}

/** A certificate that nobody but itself vouches for. */
export async function selfSigned(options: IssueOptions): Promise<IssuedCertificate> {
  const { certificate, keys } = await leaf(options)
  const own = pem(certificate)
  return { certificate: own, privateKey: await privateKeyPem(keys), chain: '', fullchain: own, keys }
}

/** What `tls.createServer` and `https.createServer` take, and the root that their clients have to trust. */
export interface ServerPair { readonly cert: string; readonly key: string; readonly ca: string }

/** A TLS pair for a server on the loopback address. */
export async function loopbackServerPair(authority?: Authority, hosts: readonly string[] = []): Promise<ServerPair> {
  const issuer = authority ?? await createAuthority({ name: 'Sandbox loopback CA', key: 'EC_prime256v1' })
  const { fullchain, privateKey } = await issuer.issue({ hosts: ['localhost', '127.0.0.1', '::1', ...hosts], key: 'EC_prime256v1' })
  return { cert: fullchain, key: privateKey, ca: issuer.root }
}

/** The same private key under a pass phrase, as `openssl pkcs8` writes it: what ACM refuses. */
export function encryptPrivateKey(privateKey: string, passphrase: string): string {
  return createPrivateKey(privateKey).export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase }).toString()
}
