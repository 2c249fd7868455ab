/**
 * ACM's rules for ImportCertificate (ACM user guide, "Prerequisites for importing", "Certificate
 * and key format for importing", "Reimport a certificate", "Certificate import problems"; sizes
 * from the API reference). Messages are those of AWS where they are quoted (AWS re:Post "import
 * third-party certificates", terraform-provider-aws #15055 and #19400, hashicorp/terraform #23869).
 * The others paraphrase the guide; callers should rely on the code.
 */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import {
  type AcmCertificateDetails,
  getAcmKeyAlgorithm,
  parseAcmCertificateDetails,
  parseCertificates,
} from './acm-certificate.ts'
import { getString, type Fields } from './fields.ts'
import { AwsError } from './service.ts'

/** The parsed PEM texts of an import. */
export interface ParsedImport {
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
  readonly keyAlgorithm: string
  readonly details: AcmCertificateDetails
}

const createValidationError = (message: string) => new AwsError('ValidationException', message)

/** The blobs, with their maximum size in bytes and whether they are required. */
const blobMembers: readonly (readonly [name: string, max: number, required: boolean])[] = [
  ['Certificate', 32_768, true],
  ['PrivateKey', 5_120, true],
  ['CertificateChain', 2_097_152, false],
]

function readBlobs(input: Fields): Map<string, string> {
  const blobsByName = new Map<string, string>()
  const problems: string[] = []
  for (const [name, max, required] of blobMembers) {
    const encoded = getString(input, name)
    const memberName = `${name.charAt(0).toLowerCase()}${name.slice(1)}`
    const member = `Value at '${memberName}' failed to satisfy constraint: Member must`
    const blob = encoded === undefined ? undefined : Buffer.from(encoded, 'base64')
    if (blob === undefined && required) problems.push(`${member} not be null`)
    if (blob?.length === 0) problems.push(`${member} have length greater than or equal to 1`)
    if (blob && blob.length > max)
      problems.push(`${member} have length less than or equal to ${max}`)
    blobsByName.set(name, blob?.toString() ?? '')
  }
  if (problems.length > 0) {
    const count = `${problems.length} validation error${problems.length > 1 ? 's' : ''}`
    throw createValidationError(`${count} detected: ${problems.join('; ')}`)
  }
  return blobsByName
}

function parseLeaf(pem: string): X509Certificate {
  const [leaf, ...others] = parseCertificates(pem) ?? []
  if (!leaf)
    throw createValidationError(
      'Unable to parse certificate. Please ensure the certificate is in PEM format.',
    )
  if (others.length > 0)
    throw createValidationError(
      'The certificate field contains more than one certificate. ' +
        'You can specify only one certificate in this field.',
    )
  return leaf
}

function parsePrivateKey(pem: string): { key: KeyObject; algorithm: string } {
  if (/ENCRYPTED/.test(pem))
    throw createValidationError('Your private key should not be encrypted.')
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw createValidationError('The private key is not supported.')
  }
  const algorithm = getAcmKeyAlgorithm(key)
  if (algorithm === undefined)
    throw createValidationError('The private key length is not supported for key algorithm.')
  return { key, algorithm }
}

/**
 * Each certificate must directly certify the previous one. The chain must not include the leaf, and
 * may omit the root.
 */
function checkChain(leaf: X509Certificate, pem: string): X509Certificate[] {
  // checkIssued would reject self-signed certificates without keyCertSign.
  const isSelfSigned = leaf.subject === leaf.issuer && leaf.verify(leaf.publicKey)
  if (pem === '') {
    // The chain is optional in the API reference, but the guide requires it for every certificate
    // that is not self-signed.
    if (!isSelfSigned)
      throw createValidationError(
        'Provided certificate is not a valid self signed. ' +
          'Please provide either a valid self-signed certificate or certificate chain.',
      )
    return []
  }
  const chain = parseCertificates(pem)
  if (!chain)
    throw createValidationError('The certificate chain provided is not in a valid PEM format.')
  const isBroken = chain.some((issuer, index) => {
    const subject = chain[index - 1] ?? leaf
    return !subject.checkIssued(issuer) || !subject.verify(issuer.publicKey)
  })
  if (isBroken)
    throw createValidationError('Could not validate the certificate with the certificate chain.')
  if (chain[0] && chain[0].publicKey.asymmetricKeyType !== leaf.publicKey.asymmetricKeyType) {
    throw createValidationError(
      'The cryptographic algorithm of an imported certificate must match ' +
        'the algorithm of the signing CA.',
    )
  }
  return chain
}

/** Encodes certificates again: like ACM, the simulator does not return the exact bytes it got. */
function reencodePem(certificates: readonly X509Certificate[]): string {
  return certificates.map((certificate) => certificate.toString()).join('')
}

/** Validates an import, except for the rules of a re-import. */
export function checkImport(input: Fields, now: number): ParsedImport {
  const blobsByName = readBlobs(input)
  const leaf = parseLeaf(blobsByName.get('Certificate') ?? '')
  const { key, algorithm } = parsePrivateKey(blobsByName.get('PrivateKey') ?? '')
  if (!leaf.checkPrivateKey(key))
    throw createValidationError('The private key does not match the certificate.')
  const details = parseAcmCertificateDetails(leaf)
  const rules: readonly (readonly [boolean, string])[] = [
    [details.notAfter.getTime() <= now, 'The certificate has expired, is not valid.'],
    [details.notBefore.getTime() > now, 'The certificate is not in effect yet, is not valid.'],
    [details.issuer === '', 'The certificate must have a non-empty Issuer field.'],
    [
      details.ocspUrls.some((url) => url.length > 1000),
      'OCSP authority URLs must not exceed 1000 characters.',
    ],
  ]
  const violation = rules.find(([isViolated]) => isViolated)
  if (violation) throw createValidationError(violation[1])
  const chain = checkChain(leaf, (blobsByName.get('CertificateChain') ?? '').trim())
  return {
    certificate: reencodePem([leaf]),
    chain: reencodePem(chain),
    privateKey: blobsByName.get('PrivateKey') ?? '',
    keyAlgorithm: algorithm,
    details,
  }
}

/** Whether usages were removed, or the extension was added. */
function hasForbiddenUsageChange(
  before: readonly string[] | undefined,
  after: readonly string[] | undefined,
  removable: readonly string[],
): boolean {
  if (before === undefined) return after !== undefined
  return before.some((usage) => !removable.includes(usage) && !after?.includes(usage))
}

/** Validates a re-import (user guide, "Reimport a certificate"). */
export function checkReimport(
  existing: { keyAlgorithm: string; details: AcmCertificateDetails },
  reimported: ParsedImport,
): void {
  const getExtendedKeyUsageOids = (details: AcmCertificateDetails) =>
    details.extendedKeyUsages?.map(({ OID }) => OID)
  const isEc = reimported.keyAlgorithm.startsWith('EC_')
  const rules: readonly (readonly [boolean, string])[] = [
    [
      existing.keyAlgorithm !== reimported.keyAlgorithm,
      'The private key type and size of a certificate cannot change on re-import: ' +
        `it was ${existing.keyAlgorithm} and is ${reimported.keyAlgorithm}.`,
    ],
    [
      !existing.details.names.some((name) => reimported.details.names.includes(name)),
      'All domain names of the certificate cannot be removed on re-import.',
    ],
    // keyEncipherment does not apply to ECDSA keys, and public CAs no longer issue clientAuth: both
    // can be removed.
    [
      hasForbiddenUsageChange(
        existing.details.keyUsages,
        reimported.details.keyUsages,
        isEc ? ['KEY_ENCIPHERMENT'] : [],
      ),
      'Key usage values cannot be removed on re-import, and the extension cannot be added.',
    ],
    [
      hasForbiddenUsageChange(
        getExtendedKeyUsageOids(existing.details),
        getExtendedKeyUsageOids(reimported.details),
        ['1.3.6.1.5.5.7.3.2'],
      ),
      'Extended key usage values cannot be removed on re-import, ' +
        'and the extension cannot be added.',
    ],
  ]
  const violation = rules.find(([isViolated]) => isViolated)
  if (violation) throw createValidationError(violation[1])
}
