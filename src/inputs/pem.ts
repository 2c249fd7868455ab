/**
 * Parsers of PEM, in the forms in which secrets contain it. Other formats are named, with the
 * command that converts them. Pure.
 */
import { InvalidInputError } from './invalid-input.ts'
import { parseCertificates } from '../x509/parse.ts'
import { decodePem, stripQuotes } from '../x509/pem.ts'

/**
 * A DER SEQUENCE whose content begins with a pattern, in hexadecimal. Source: X.690, 8.1.3.
 */
const derSequence = (contentPattern: string): string =>
  `30(?:[0-7].|81..|82.{4}|83.{6})${contentPattern}`

/**
 * Recognized by their first bytes, in hexadecimal. Source: the ASN.1 of RFC 5280, 2315, 5208, 7292;
 * Java's keystores.
 */
const binaryFormats: readonly {
  readonly prefixPattern: string
  readonly name: string
  readonly remedy: string
}[] = [
  {
    prefixPattern: 'feedfeed|cececece',
    name: 'a Java keystore',
    remedy:
      'Convert it with "keytool -importkeystore -srckeystore FILE -destkeystore store.p12 ' +
      '-deststoretype PKCS12" and "openssl pkcs12 -in store.p12 -nodes -out all.pem".',
  },
  {
    prefixPattern: derSequence('020103'),
    name: 'PKCS#12 (.p12, .pfx)',
    remedy:
      'Split it with "openssl pkcs12 -in FILE -nokeys -out certificate.pem" and "openssl pkcs12 ' +
      '-in FILE -nocerts -nodes -out key.pem".',
  },
  {
    prefixPattern: derSequence('06092a864886f70d0107'),
    name: 'PKCS#7 in DER (.p7b)',
    remedy:
      'Extract the certificates with "openssl pkcs7 -inform DER -in FILE -print_certs -out ' +
      'chain.pem".',
  },
  {
    prefixPattern: derSequence(derSequence('(?:a003020102)?02')),
    name: 'a certificate in DER',
    remedy: 'Convert it with "openssl x509 -inform DER -in FILE -out certificate.pem".',
  },
  {
    prefixPattern: derSequence('0201'),
    name: 'a private key in DER',
    remedy: 'Convert it with "openssl pkey -inform DER -in FILE -out key.pem".',
  },
  {
    prefixPattern: derSequence('30'),
    name: 'an encrypted private key, or other data, in DER',
    remedy:
      'Convert a key with "openssl pkey -inform DER -in FILE -out key.pem", which asks for its ' +
      'passphrase.',
  },
]

/** Texts that are not PEM. Not quoted in errors: they may be part of a secret. */
const textFormats: readonly {
  readonly pattern: RegExp
  readonly name: string
  readonly remedy: string
}[] = [
  {
    pattern: /^\{/,
    name: 'JSON',
    remedy:
      'Use the field that contains the PEM, for example ${{ fromJSON(secrets.NAME).private_key }}.',
  },
  {
    pattern: /^arn:aws[a-z-]*:acm:/,
    name: 'the ARN of an ACM certificate',
    remedy: 'Set certificate-arn to it, and leave certificate and private-key empty.',
  },
  {
    pattern: /^arn:aws[a-z-]*:secretsmanager:/,
    name: 'the ARN of a secret in AWS Secrets Manager',
    remedy: 'Set certificate-secret to it, and leave certificate and private-key empty.',
  },
  {
    pattern: /^arn:aws/,
    name: 'an ARN',
    remedy: 'Fetch its value in an earlier step, and use that value.',
  },
  {
    pattern: /^ssh-|^ecdsa-sha2-/,
    name: 'an SSH public key',
    remedy: 'Use the certificate and key of a TLS server, as PEM.',
  },
  {
    pattern:
      /^@?((~|\.{1,2})?\/[\w./ -]{1,200}|[A-Za-z]:\\[\w.\\ -]{1,200}|[\w./-]{1,200}\.(pem|crt|cer|key|der|p12|pfx|p7b|jks))$/,
    name: 'the path of a file, not its content',
    remedy:
      'Store the content of the file as a secret ("gh secret set NAME < FILE") and use that ' +
      'secret.',
  },
]

/**
 * PEM, or base64 of PEM, with or without line breaks and quotes.
 * @returns PEM with `\n` line ends, even if the text lost them
 */
export function parsePem(input: string): string {
  const raw = stripQuotes(input)
  const textFormat = textFormats.find(({ pattern }) => pattern.test(raw))
  if (textFormat) throw new InvalidInputError(`is ${textFormat.name}.`, textFormat.remedy)
  const pem = decodePem(raw)
  if (pem !== undefined) return pem
  const bytes = Buffer.from(raw, 'base64')
  if (Buffer.from(bytes.toString('utf8'), 'base64').includes('-----BEGIN'))
    throw new InvalidInputError(
      'is base64 of base64: it was encoded twice.',
      'Encode it once, or use the PEM itself.',
    )
  const prefix = bytes.subarray(0, 24).toString('hex')
  const binaryFormat = binaryFormats.find(({ prefixPattern }) =>
    new RegExp(`^(?:${prefixPattern})`).test(prefix),
  )
  if (binaryFormat)
    throw new InvalidInputError(
      `is base64 of ${binaryFormat.name}, not of PEM.`,
      binaryFormat.remedy,
    )
  throw new InvalidInputError(
    'is neither PEM nor base64 of PEM.',
    'Use the content of a .pem file, which begins with -----BEGIN, or its base64.',
  )
}

/** PEM of CA certificates, at least one. */
export function parseCaBundle(raw: string): string {
  const pem = parsePem(raw)
  if (!containsCertificate(pem))
    throw new InvalidInputError(
      'contains no readable certificate.',
      'Use PEM certificates of the CA, ' +
        'each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.',
    )
  return pem
}

function containsCertificate(pem: string): boolean {
  try {
    return parseCertificates(pem).length > 0
  } catch {
    // The error of the parser is about ASN.1.
    return false
  }
}
