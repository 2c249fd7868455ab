/**
 * What can be wrong with the certificate, chain and private key. Parameters `text` are the name of
 * the text that contains them: `Input certificate`.
 */
import { ActionError } from './action-error.ts'
import { inputOrigin, type CertificateOrigin } from './certificate-origin.ts'

const certificateRemedy =
  'Set it to X.509 certificates in PEM format, each from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----.'

export function certificateCorrupt(text: string, cause: unknown): ActionError {
  return new ActionError({
    code: 'certificate-unreadable',
    problem: `${text} contains a certificate that cannot be parsed.`,
    remedy: certificateRemedy,
    cause,
  })
}

/** @param found what the input contains instead, such as "a public key"; undefined for no PEM */
export function noCertificateInText(text: string, found: string | undefined): ActionError {
  return new ActionError({
    code: 'certificate-unreadable',
    problem: `${text} contains ${found === undefined ? 'no certificate in PEM format' : `${found} but no certificate`}.`,
    remedy: certificateRemedy,
  })
}

export function certificateInputIsPrivateKey(text: string): ActionError {
  return new ActionError({
    code: 'certificate-unreadable',
    problem: `${text} contains a private key but no certificate.`,
    remedy: 'Only the certificate belongs there. The private key is set separately.',
  })
}

export function certificateInputIsRequest(text: string): ActionError {
  return new ActionError({
    code: 'certificate-unreadable',
    problem: `${text} contains a certificate request but no certificate.`,
    remedy: 'A CA signs the request, and returns the certificate that belongs there.',
  })
}

export function certificateInputIsPkcs7(text: string): ActionError {
  return new ActionError({
    code: 'certificate-unreadable',
    problem: `${text} contains a PKCS#7 bundle but no certificate in PEM format.`,
    remedy:
      'Extract the certificates with "openssl pkcs7 -in chain.p7b -print_certs -out chain.pem".',
  })
}

export function certificateAndKeySwapped({ pair }: CertificateOrigin): ActionError {
  return new ActionError({
    code: 'certificate-unreadable',
    problem: `${pair} are swapped.`,
    remedy: 'Exchange the two values.',
  })
}

export function privateKeyEncrypted(text: string): ActionError {
  return new ActionError({
    code: 'private-key-unreadable',
    problem: `${text} is encrypted.`,
    remedy:
      'Only an unencrypted key can be used. Decrypt it with "openssl pkey -in key.pem -out plain.pem" and store the result as the secret.',
  })
}

export function privateKeyInOpensshFormat(text: string): ActionError {
  return new ActionError({
    code: 'private-key-unreadable',
    problem: `${text} is in OpenSSH format.`,
    remedy:
      'If the certificate was requested with this key, convert a copy to PEM with "ssh-keygen -p -N \'\' -m PEM -f FILE".',
  })
}

export function multiplePrivateKeys(text: string, count: number): ActionError {
  return new ActionError({
    code: 'private-key-unreadable',
    problem: `${text} contains ${count} private keys.`,
    remedy: 'Keep only the key that the certificate was requested with.',
  })
}

/** @param found what the input contains instead, such as "a public key"; undefined for no PEM */
export function noPrivateKeyInText(text: string, found: string | undefined): ActionError {
  return new ActionError({
    code: 'private-key-unreadable',
    problem: `${text} contains ${found === undefined ? 'no private key in PEM format' : `${found} but no private key`}.`,
    remedy:
      'Set it to the unencrypted RSA or EC key, in PEM format, that the certificate was requested with.',
  })
}

/** Without a cause: the parser has read the key, so its own error must not reach a log. */
export function privateKeyCorrupt(text: string): ActionError {
  return new ActionError({
    code: 'private-key-unreadable',
    problem: `${text} contains a private key that cannot be parsed.`,
    remedy:
      'Set it to an unencrypted RSA or EC key in PEM format, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----.',
  })
}

/** @param names the DNS names of the certificate, or its subject */
export function privateKeyMismatch(
  names: string,
  { privateKey }: CertificateOrigin = inputOrigin,
): ActionError {
  return new ActionError({
    code: 'private-key-mismatch',
    problem: `${privateKey} does not match the certificate for ${names}.`,
    remedy:
      'Set it to the key that the certificate was requested with; a renewal often comes with a new key.',
  })
}

/** @param first the subject of the first of them */
export function unrelatedCertificates(
  count: number,
  first: string,
  { placeContains }: CertificateOrigin = inputOrigin,
): ActionError {
  return new ActionError({
    code: 'certificate-chain-invalid',
    problem: `${placeContains} ${count} certificate${count === 1 ? '' : 's'} that did not sign this certificate or its issuers (first: ${first}).`,
    remedy:
      'Include only the intermediate certificates that belong to this certificate, not those of an earlier one.',
  })
}

/** ACM requires the chain of every certificate that is not self-signed, and so do clients. */
export function intermediateMissing(
  subject: string,
  issuer: string,
  { certificate, addChain }: CertificateOrigin = inputOrigin,
): ActionError {
  return new ActionError({
    code: 'certificate-chain-invalid',
    problem: `${certificate} contains only the server certificate (${subject}); the intermediate (${issuer}) is missing, which ACM and clients require.`,
    remedy: addChain,
  })
}

/**
 * The certificates of the inputs do not connect: the one that signed `subject` is not there.
 * @param others how many signed nothing here, and the subject of the first
 */
export function issuerMissing(
  subject: string,
  issuer: string,
  others: { readonly count: number; readonly first: string },
  { place, replaceChain }: CertificateOrigin = inputOrigin,
): ActionError {
  return new ActionError({
    code: 'certificate-chain-invalid',
    problem: `The intermediate certificate ${issuer}, which signed ${subject}, is missing in ${place}; ${others.count} other certificate${others.count === 1 ? '' : 's'} there did not sign it (first: ${others.first}).`,
    remedy: replaceChain,
  })
}

/** @param algorithm as ACM names it, such as RSA_8192 */
export function keyTypeUnsupported(algorithm: string): ActionError {
  return new ActionError({
    code: 'certificate-key-unsupported',
    problem: `The certificate has a key of type ${algorithm}, which ACM cannot import.`,
    remedy:
      'Request a certificate with an RSA key of 2048 to 4096 bits, or with an EC key on curve P-256 or P-384.',
  })
}

export function signatureWeak(subject: string, algorithm: string): ActionError {
  return new ActionError({
    code: 'certificate-signature-weak',
    problem: `Certificate ${subject} is signed with ${algorithm}, which clients reject.`,
    remedy:
      'Request a certificate that is signed with SHA-256 or better, from a CA whose own certificates are too.',
  })
}

function rejectedByAcm(reason: string, remedy: string): ActionError {
  return new ActionError({
    code: 'certificate-refused',
    problem: `ACM would reject the certificate: ${reason}.`,
    remedy,
  })
}

/** @param bytes of PEM */
export function certificateTooLarge(bytes: number, limit: number): ActionError {
  return rejectedByAcm(
    `it has ${bytes} bytes of PEM, and the limit is ${limit}`,
    'Request a certificate with fewer names.',
  )
}

/** @param bytes of PEM */
export function chainTooLarge(bytes: number, limit: number): ActionError {
  return rejectedByAcm(
    `its chain has ${bytes} bytes of PEM, and the limit is ${limit}`,
    'Include only the certificates between this one and its root.',
  )
}

export function issuerNameEmpty(): ActionError {
  return rejectedByAcm('it has no issuer name', 'Have it issued by a CA that has a name.')
}

/** @param length in characters */
export function ocspUrlTooLong(length: number, limit: number): ActionError {
  return rejectedByAcm(
    `its OCSP URL has ${length} characters, and the limit is ${limit}`,
    'Have it issued with a shorter OCSP URL.',
  )
}

export function certificateExpired(
  subject: string,
  expiredAt: Date,
  { renewal }: CertificateOrigin = inputOrigin,
): ActionError {
  return new ActionError({
    code: 'certificate-expired',
    problem: `Certificate ${subject} expired on ${expiredAt.toISOString()}.`,
    remedy: renewal,
  })
}

export function chainCertificateExpired(subject: string, expiredAt: Date): ActionError {
  return new ActionError({
    code: 'certificate-expired',
    problem: `Certificate ${subject} in the chain expired on ${expiredAt.toISOString()}.`,
    remedy: "Use the CA's current chain, or remove the expired certificate from it.",
  })
}

export function certificateNotYetValid(subject: string, validFrom: Date): ActionError {
  return new ActionError({
    code: 'certificate-not-yet-valid',
    problem: `Certificate ${subject} is not valid until ${validFrom.toISOString()}.`,
    remedy:
      "Wait until then, or correct the runner's clock; ACM rejects a certificate before its validity starts.",
  })
}

const hostMismatchRemedy =
  'Use a certificate for this host, or set host to a name that the certificate covers.'

/** @param names the subject alternative names; with their type, if none is a DNS name */
export function hostNotCovered(host: string, names: readonly string[]): ActionError {
  return new ActionError({
    code: 'certificate-host-mismatch',
    problem:
      names.length === 0
        ? `The certificate does not cover ${host}: it has no subject alternative names.`
        : `The certificate does not cover ${host}: its names are ${names.join(', ')}.`,
    remedy: hostMismatchRemedy,
  })
}

/** @param wildcard the name of the certificate that covers the host only by its parent domain */
export function hostBeyondWildcard(
  host: string,
  names: readonly string[],
  wildcard: string,
): ActionError {
  return new ActionError({
    code: 'certificate-host-mismatch',
    problem: `The certificate does not cover ${host}: its names are ${names.join(', ')}. ${wildcard} covers exactly one label in place of the asterisk.`,
    remedy: hostMismatchRemedy,
  })
}

export function hostOnlyInCommonName(host: string): ActionError {
  return new ActionError({
    code: 'certificate-host-mismatch',
    problem: `The certificate does not cover ${host}: it has no subject alternative names. Its common name matches, but many clients ignore it (Go, Java, browsers).`,
    remedy: `Request a certificate with ${host} as a subject alternative name.`,
  })
}
