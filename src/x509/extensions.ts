/**
 * What a certificate says in its extensions and its key, as far as Node does not tell. Pure.
 * Source: RFC 5280.
 */
import type { X509Certificate } from 'node:crypto'
import { derTags, formatObjectIdentifier, readElements, type DerElement } from './der.ts'

/** Names of key usage bits, in their order. Source: RFC 5280, 4.2.1.3. */
const keyUsageNames = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
] as const
export type KeyUsage = (typeof keyUsageNames)[number]

const oids = {
  keyUsage: '2.5.29.15',
  tlsFeature: '1.3.6.1.5.5.7.1.24',
  rsassaPss: '1.2.840.113549.1.1.10',
  sha1: '1.3.14.3.2.26',
} as const

interface Extension {
  readonly oid: string
  readonly isCritical: boolean
  readonly value: Buffer
}

const emptyElement: DerElement = { tag: 0, content: Buffer.alloc(0) }

/** The fields of the signed part, from the serial number on: the version may be absent. */
function readFields(certificate: X509Certificate): DerElement[] {
  const [outer = emptyElement] = readElements(certificate.raw)
  const [signedPart = emptyElement] = readElements(outer.content)
  const fields = readElements(signedPart.content)
  return fields[0]?.tag === contextTag(0) ? fields.slice(1) : fields
}

const contextTag = (number: number): number => 0xa0 + number

function readExtensions(certificate: X509Certificate): Extension[] {
  const wrapper = readFields(certificate).find(({ tag }) => tag === contextTag(3))
  const [list = emptyElement] = readElements(wrapper?.content ?? Buffer.alloc(0))
  return readElements(list.content).map(({ content }) => {
    const parts = readElements(content)
    const [oid = emptyElement] = parts
    return {
      oid: formatObjectIdentifier(oid.content),
      isCritical: parts.some(({ tag, content: flag }) => tag === derTags.boolean && flag[0] !== 0),
      value: parts.find(({ tag }) => tag === derTags.octetString)?.content ?? Buffer.alloc(0),
    }
  })
}

/** The key usages; undefined without the extension, which allows all. */
export function getKeyUsages(certificate: X509Certificate): readonly KeyUsage[] | undefined {
  const extension = readExtensions(certificate).find(({ oid }) => oid === oids.keyUsage)
  if (!extension) return undefined
  const [bits = emptyElement] = readElements(extension.value)
  // The first byte counts the unused bits at the end.
  const flags = bits.content[1] ?? 0
  return keyUsageNames.filter((_name, index) => (flags & (0x80 >> index)) !== 0)
}

/** @throws RangeError when the extensions or the key cannot be read */
export function assertReadable(certificate: X509Certificate): void {
  getKeyUsages(certificate)
  hasExplicitCurve(certificate)
  isPssWithSha1(certificate)
}

/** Object identifiers of the critical extensions. */
export const listCriticalExtensions = (certificate: X509Certificate): string[] =>
  readExtensions(certificate).flatMap(({ oid, isCritical }) => (isCritical ? [oid] : []))

/** Whether a client that honours it wants a stapled OCSP response. Source: RFC 7633. */
export const requiresStapling = (certificate: X509Certificate): boolean =>
  readExtensions(certificate).some(({ oid }) => oid === oids.tlsFeature)

/** Whether an EC key describes its curve by numbers instead of by name. */
export function hasExplicitCurve(certificate: X509Certificate): boolean {
  if (certificate.publicKey.asymmetricKeyType !== 'ec') return false
  // Serial number, signature algorithm, issuer, validity, subject, key.
  const [algorithm = emptyElement] = readElements(
    readFields(certificate)[5]?.content ?? Buffer.alloc(0),
  )
  const [, parameters] = readElements(algorithm.content)
  return parameters?.tag !== derTags.objectIdentifier
}

/** Whether it is signed with RSASSA-PSS and SHA-1, which is the default there. */
export function isPssWithSha1(certificate: X509Certificate): boolean {
  const [, signature = emptyElement] = readFields(certificate)
  const [oid = emptyElement, parameters = emptyElement] = readElements(signature.content)
  if (formatObjectIdentifier(oid.content) !== oids.rsassaPss) return false
  const hash = readElements(parameters.content).find(({ tag }) => tag === contextTag(0))
  if (!hash) return true
  const [algorithm = emptyElement] = readElements(hash.content)
  const [hashOid = emptyElement] = readElements(algorithm.content)
  return formatObjectIdentifier(hashOid.content) === oids.sha1
}
