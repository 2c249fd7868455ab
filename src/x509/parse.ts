/**
 * Parses certificates and keys from PEM text. If the text contains something else, the failure
 * names it and how to convert it.
 */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import type { ActionError } from '../failures/action-error.ts'
import { assertReadable } from './extensions.ts'
import {
  certificateCorrupt,
  certificateInputIsPkcs7,
  certificateInputIsPrivateKey,
  certificateInputIsRequest,
  noCertificateInText,
  multiplePrivateKeys,
  privateKeyCorrupt,
  privateKeyEncrypted,
  privateKeyInOpensshFormat,
  noPrivateKeyInText,
} from '../failures/certificate-files.ts'

const certificateBegin = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g
const certificateBlock =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g
const privateKeyBegin = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/g
const encryptedKey = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/
const opensshKey = /-----BEGIN OPENSSH PRIVATE KEY-----/

const countMatches = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/**
 * Every certificate of a PEM text, in its order.
 * @throws Error when one of them cannot be parsed
 */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(certificateBlock) ?? []
  if (blocks.length < countMatches(pem, certificateBegin))
    throw new Error('a certificate has no END line')
  return blocks.map((block) => assertParsed(new X509Certificate(block)))
}

/**
 * Node parses the key, the dates and the extensions of a certificate lazily: reading them here
 * finds malformed ones before any caller does.
 */
function assertParsed(certificate: X509Certificate): X509Certificate {
  // By OpenSSL's text, which is "Bad time value" for an invalid date; validToDate is sometimes a
  // random date then.
  const dates = [certificate.validFrom, certificate.validTo]
  if (!dates.every((date) => date.endsWith(' GMT'))) throw new Error('invalid validity date')
  // The getter throws for a malformed key, and for a type that OpenSSL does not know.
  if (certificate.publicKey.type !== 'public') throw new Error('invalid public key')
  assertReadable(certificate)
  return certificate
}

/** What other PEM blocks contain, by label; the first match counts. */
const pemBlockKinds: readonly { readonly label: RegExp; readonly phrase: string }[] = [
  { label: /PRIVATE KEY/, phrase: 'a private key' },
  { label: /PUBLIC KEY/, phrase: 'a public key' },
  { label: /REQUEST/, phrase: 'a certificate request' },
  { label: /^(TRUSTED |X509 )?CERTIFICATE$/, phrase: 'a certificate' },
  { label: /PKCS7/, phrase: 'a PKCS#7 bundle' },
  { label: /CRL/, phrase: 'a certificate revocation list' },
]

const getPemLabel = (pem: string): string | undefined =>
  /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1]

/** What the first PEM block contains, such as "a public key"; undefined when there is none. */
function describePemBlock(pem: string): string | undefined {
  const blockLabel = getPemLabel(pem)
  if (blockLabel === undefined) return undefined
  const kind = pemBlockKinds.find(({ label }) => label.test(blockLabel))
  return kind?.phrase ?? `a PEM block "${blockLabel}"`
}

/** Inputs for certificates that contain something with a known remedy, by label. */
const misplacedBlockFailures: readonly {
  readonly label: RegExp
  readonly createFailure: (text: string) => ActionError
}[] = [
  { label: /PRIVATE KEY/, createFailure: certificateInputIsPrivateKey },
  { label: /REQUEST/, createFailure: certificateInputIsRequest },
  { label: /PKCS7/, createFailure: certificateInputIsPkcs7 },
]

/**
 * @param text the name of the text in errors: `Input certificate`
 * @throws ActionError `certificate-unreadable`
 */
export function parseCertificateText(text: string, pem: string): X509Certificate[] {
  const certificates = parseOrFail(text, pem)
  if (certificates.length > 0) return certificates
  const blockLabel = getPemLabel(pem) ?? ''
  const misplaced = misplacedBlockFailures.find(({ label }) => label.test(blockLabel))
  throw misplaced?.createFailure(text) ?? noCertificateInText(text, describePemBlock(pem))
}

function parseOrFail(text: string, pem: string): X509Certificate[] {
  try {
    return parseCertificates(pem)
  } catch (thrown) {
    throw certificateCorrupt(text, thrown)
  }
}

/** Whether the certificate input contains only a key, and the key input only certificates. */
export function areInputsSwapped(inputs: { certificate: string; privateKey: string }): boolean {
  const { certificate, privateKey } = inputs
  return (
    countMatches(certificate, certificateBegin) === 0 &&
    countMatches(certificate, privateKeyBegin) > 0 &&
    countMatches(privateKey, certificateBegin) > 0 &&
    countMatches(privateKey, privateKeyBegin) === 0
  )
}

/**
 * @param text the name of the text in errors: `Input private-key`
 * @throws ActionError `private-key-unreadable`
 */
export function parsePrivateKey(text: string, pem: string): KeyObject {
  if (encryptedKey.test(pem)) throw privateKeyEncrypted(text)
  if (opensshKey.test(pem)) throw privateKeyInOpensshFormat(text)
  const count = countMatches(pem, privateKeyBegin)
  if (count > 1) throw multiplePrivateKeys(text, count)
  if (count === 0) throw noPrivateKeyInText(text, describePemBlock(pem))
  try {
    return createPrivateKey(pem)
  } catch {
    throw privateKeyCorrupt(text)
  }
}
