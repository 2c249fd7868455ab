/**
 * Creates chains whose certificates have, lack or contradict any extension: what real CAs issue,
 * and what they should not.
 */
import type * as X509 from '@peculiar/x509'
import { x509 } from '../simulator/aws/x509.ts'
import type { KeyUsageName } from './certificates.ts'
import { signingAlgorithms, type AcmKeyAlgorithm } from './key-pairs.ts'

/** One certificate of a chain. By default a CA that may sign; with `hosts`, a server. */
export interface ChainCertificateOptions {
  readonly name: string
  /** Itself when absent. */
  readonly issuer?: ChainCertificate
  /** The subject alternative names; none when absent. */
  readonly hosts?: readonly string[]
  readonly keyAlgorithm?: AcmKeyAlgorithm
  /** The certificate of the same CA or server: issued again, or cross-signed. */
  readonly twinOf?: ChainCertificate
  /** `null` omits the basic constraints. */
  readonly ca?: boolean | null
  readonly pathLength?: number
  /** `null` omits the extension. */
  readonly keyUsage?: readonly KeyUsageName[] | null
  /** Object identifiers. `null` omits the extension; a CA has none by default. */
  readonly extendedKeyUsage?: readonly string[] | null
  /** Days from now. */
  readonly validFrom?: number
  readonly validTo?: number
  readonly extensions?: readonly X509.Extension[]
  readonly signatureHash?: 'SHA-1' | 'SHA-256'
  /** Of an issuer with an RSA key; PKCS #1 v1.5 when absent. */
  readonly signaturePadding?: 'PSS'
}

/** A certificate that can sign others. */
export interface ChainCertificate {
  readonly pem: string
  readonly subject: string
  readonly keyPair: CryptoKeyPair
  readonly keyAlgorithm: AcmKeyAlgorithm
  /** PKCS#8, PEM. */
  readonly privateKey: string
}

const dayMs = 86_400_000
const serverAuth = '1.3.6.1.5.5.7.3.1'

/** Issues a certificate. */
export async function issueChainCertificate(
  options: ChainCertificateOptions,
): Promise<ChainCertificate> {
  const { twinOf, issuer } = options
  const keyAlgorithm = twinOf?.keyAlgorithm ?? options.keyAlgorithm ?? 'EC_prime256v1'
  const keyPair = twinOf?.keyPair ?? (await createKeyPair(keyAlgorithm))
  const subject = twinOf?.subject ?? `CN=${options.name}`
  const signer = issuer ?? { keyPair, keyAlgorithm, subject }
  const signing = await createSigning(signer, options)
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    subject,
    issuer: signer.subject,
    notBefore: daysFromNow(options.validFrom ?? -1),
    notAfter: daysFromNow(options.validTo ?? 90),
    publicKey: keyPair.publicKey,
    ...signing,
    extensions: await createExtensions(options, keyPair.publicKey),
  })
  const der = await crypto.subtle.exportKey('pkcs8', keyPair.privateKey)
  return {
    pem: `${certificate.toString('pem').trim()}\n`,
    subject,
    keyPair,
    keyAlgorithm,
    privateKey: `${x509.PemConverter.encode(der, x509.PemConverter.PrivateKeyTag).trim()}\n`,
  }
}

/** The key of the issuer, and how it signs. */
async function createSigning(
  { keyPair: { privateKey }, keyAlgorithm }: Pick<ChainCertificate, 'keyPair' | 'keyAlgorithm'>,
  { signatureHash: hash = 'SHA-256', signaturePadding }: ChainCertificateOptions,
) {
  if (signaturePadding === undefined)
    return {
      signingKey: privateKey,
      signingAlgorithm: { ...signingAlgorithms[keyAlgorithm], hash },
    }
  const name = 'RSA-PSS'
  const der = await crypto.subtle.exportKey('pkcs8', privateKey)
  const signingKey = await crypto.subtle.importKey('pkcs8', der, { name, hash }, true, ['sign'])
  return { signingKey, signingAlgorithm: { name, hash, saltLength: 32 } }
}

const daysFromNow = (days: number): Date => new Date(Date.now() + days * dayMs)

const createKeyPair = (keyAlgorithm: AcmKeyAlgorithm): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey(signingAlgorithms[keyAlgorithm], true, ['sign', 'verify'])

async function createExtensions(
  options: ChainCertificateOptions,
  publicKey: CryptoKey,
): Promise<X509.Extension[]> {
  const { hosts, issuer, pathLength } = options
  const isServer = hosts !== undefined
  const ca = options.ca === undefined ? !isServer : options.ca
  const keyUsage = options.keyUsage === undefined ? defaultKeyUsage(isServer) : options.keyUsage
  const purposes = options.extendedKeyUsage ?? []
  const extendedKeyUsage =
    options.extendedKeyUsage === undefined && isServer ? [serverAuth] : purposes
  const extensions = [
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    ...(options.extensions ?? []),
  ]
  if (ca !== null) extensions.push(new x509.BasicConstraintsExtension(ca, pathLength, true))
  if (issuer)
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create(issuer.keyPair.publicKey))
  if (keyUsage) extensions.push(createKeyUsage(keyUsage))
  if (extendedKeyUsage.length > 0)
    extensions.push(new x509.ExtendedKeyUsageExtension([...extendedKeyUsage]))
  if (isServer && hosts.length > 0)
    extensions.push(
      new x509.SubjectAlternativeNameExtension(
        hosts.map((value) => ({ type: 'dns' as const, value })),
      ),
    )
  return extensions
}

const defaultKeyUsage = (isServer: boolean): readonly KeyUsageName[] =>
  isServer ? ['digitalSignature'] : ['keyCertSign', 'cRLSign']

/** Source: RFC 5280, 4.2.1.3: a BIT STRING, its first bit in the most significant position. */
function createKeyUsage(names: readonly KeyUsageName[]): X509.Extension {
  let bits = 0
  for (const name of names) bits |= reverseBits(x509.KeyUsageFlags[name])
  return new x509.Extension('2.5.29.15', true, derElement(0x03, Buffer.from([0, bits])))
}

/** The library counts the bits from the least significant one. */
const reverseBits = (flag: number): number => 0x80 >> Math.log2(flag)

/** The DER of an element; its content has fewer than 128 bytes. */
const derElement = (tag: number, ...contents: readonly Uint8Array[]): Buffer<ArrayBuffer> => {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, content.length]), content])
}

/** Limits the DNS names below a CA. Source: RFC 5280, 4.2.1.10. */
export function createNameConstraints(limits: {
  readonly permitted?: readonly string[]
  readonly excluded?: readonly string[]
}): X509.Extension {
  const subtrees = (tag: number, names: readonly string[] = []): Uint8Array[] =>
    names.length === 0
      ? []
      : [
          derElement(
            tag,
            ...names.map((name) => derElement(0x30, derElement(0x82, Buffer.from(name)))),
          ),
        ]
  const der = derElement(
    0x30,
    ...subtrees(0xa0, limits.permitted),
    ...subtrees(0xa1, limits.excluded),
  )
  return new x509.Extension('2.5.29.30', true, der)
}

/** An extension with any object identifier; its value is an ASN.1 NULL. */
export const createExtension = (oid: string, isCritical: boolean): X509.Extension =>
  new x509.Extension(oid, isCritical, Buffer.from([0x05, 0x00]))
