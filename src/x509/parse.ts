/**
 * PEM texts to certificates and keys. What is something else is named as what it is, with the
 * command that makes the right thing of it.
 */
import { X509Certificate, createPrivateKey, type KeyObject } from 'node:crypto'
import { ActionError } from '../failures/action-error.ts'

/**
 * Every certificate of a PEM text, in its order.
 * @throws Error when one of them cannot be parsed
 */
export function parseCertificates(pem: string): X509Certificate[] {
  const blocks =
    pem.match(
      /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g,
    ) ?? []
  if (blocks.length < (pem.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/g)?.length ?? 0))
    throw new Error('a certificate that does not end')
  return blocks.map((block) => assertParsed(new X509Certificate(block)))
}

/**
 * Node parses a key and dates only when they are asked for: one that has none that can be read is
 * found here, not by whoever asks.
 */
function assertParsed(certificate: X509Certificate): X509Certificate {
  // By OpenSSL's text, which says "Bad time value": of that, validToDate is a random date now and
  // then.
  if (![certificate.validFrom, certificate.validTo].every((date) => date.endsWith(' GMT')))
    throw new Error('a date that is none')
  // The getter throws for what is no key, or of a kind that OpenSSL does not know.
  if (certificate.publicKey.type !== 'public') throw new Error('a key that is none')
  return certificate
}

/** The kind of the first PEM block, in words: `certificate request`. */
const describePemBlock = (pem: string): string =>
  /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(pem)?.[1]?.toLowerCase() ?? 'something else'

const certificateRemedy =
  'Give X.509 certificates as PEM, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.'

/** What to do when an input for certificates holds something else, by the kind of its block. */
const misplacedInputRemedies: readonly (readonly [RegExp, string])[] = [
  [
    /private key/,
    "The inputs certificate and private-key may be in each other's place: give the certificate as certificate, and the key as private-key.",
  ],
  [/request/, 'A request is what an authority signs: give the certificate that it answered with.'],
  [
    /pkcs7/,
    'Take the certificates out of it with "openssl pkcs7 -in chain.p7b -print_certs -out chain.pem".',
  ],
]

/** @throws ActionError `certificate-unreadable` */
export function parseCertificateInput(input: string, pem: string): X509Certificate[] {
  const createError = (problem: string, remedy = certificateRemedy, cause?: unknown) =>
    new ActionError({
      code: 'certificate-unreadable',
      problem: `Input ${input} ${problem}.`,
      remedy,
      cause,
    })
  let certificates: X509Certificate[]
  try {
    certificates = parseCertificates(pem)
  } catch (thrown) {
    throw createError('holds a certificate that cannot be parsed', certificateRemedy, thrown)
  }
  if (certificates.length > 0) return certificates
  const name = describePemBlock(pem)
  throw createError(
    `holds ${name}, and no certificate`,
    misplacedInputRemedies.find(([pattern]) => pattern.test(name))?.[1],
  )
}

/** @throws ActionError `private-key-unreadable` */
export function parsePrivateKey(pem: string): KeyObject {
  const createError = (problem: string, remedy: string) =>
    new ActionError({
      code: 'private-key-unreadable',
      problem: `Input private-key ${problem}.`,
      remedy,
    })
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(pem)) {
    throw createError(
      'is encrypted',
      'ACM takes only unencrypted keys: decrypt it with "openssl pkey -in key.pem -out plain.pem" and store that as the secret.',
    )
  }
  if (/-----BEGIN OPENSSH PRIVATE KEY-----/.test(pem)) {
    throw createError(
      'is a key in the form of SSH',
      'Convert a copy of it with "ssh-keygen -p -N \'\' -m PEM -f FILE", when it is the key that the certificate was requested with.',
    )
  }
  const count = pem.match(/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/g)?.length ?? 0
  if (count > 1)
    throw createError(
      `holds ${count} private keys`,
      'Give only the one that the certificate was requested with.',
    )
  if (count === 0) {
    throw createError(
      `holds ${describePemBlock(pem)}, and no private key`,
      "Give the unencrypted RSA or EC key that the certificate was requested with, as PEM; certificate and private-key may be in each other's place.",
    )
  }
  try {
    // The parser's own error is dropped on purpose: nothing that has read a key may reach a log.
    return createPrivateKey(pem)
  } catch {
    throw createError(
      'is not a private key that can be read',
      'Give an unencrypted RSA or EC key as PEM, from -----BEGIN PRIVATE KEY----- to its end.',
    )
  }
}
