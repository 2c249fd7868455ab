/**
 * What ACM, the ALB or a client would refuse of a certificate, found before anything else does.
 * Pure.
 */
import { rootCertificates } from 'node:tls'
import { X509Certificate } from 'node:crypto'
import { ActionError } from '../failures/action-error.ts'
import { formatDistinguishedName } from '../util/text.ts'
import {
  isSelfSigned,
  isIssuerOf,
  getKeyAlgorithm,
  getDnsNames,
  toPem,
  type CertificateMaterial,
} from './certificate.ts'

/**
 * Everything about the material that ACM, the ALB or a client would refuse, or that would serve the
 * wrong thing.
 * @param now milliseconds since the epoch
 */
export function checkMaterial(
  material: CertificateMaterial,
  host: string,
  now: number,
): ActionError[] {
  const { leaf, key, chain, unrelatedCertificates } = material
  const problems: ActionError[] = []
  if (key && !leaf.checkPrivateKey(key)) {
    problems.push(
      new ActionError({
        code: 'private-key-mismatch',
        problem: `Input private-key is not the key of the certificate for ${getDnsNames(leaf).join(', ') || leaf.subject}.`,
        remedy:
          'Give the key that the certificate was requested with; a renewal often comes with a new key.',
      }),
    )
  }
  const [unrelated] = unrelatedCertificates
  if (unrelated) {
    problems.push(
      new ActionError({
        code: 'certificate-chain-invalid',
        problem: `The inputs certificate and certificate-chain hold ${unrelatedCertificates.length} certificate(s) that did not sign this certificate or its issuers (first: ${formatDistinguishedName(unrelated.subject)}).`,
        remedy:
          'Give the intermediate certificates that come with this certificate, without those of an earlier one.',
      }),
    )
  }
  // Source: ACM, ImportCertificate: a certificate that is not self-signed needs its chain.
  if (chain.length === 0 && !unrelated && !isSelfSigned(leaf)) {
    problems.push(
      new ActionError({
        code: 'certificate-chain-invalid',
        problem: `The certificate of ${formatDistinguishedName(leaf.subject) || getDnsNames(leaf).join(', ')} came without those of its authority (${formatDistinguishedName(leaf.issuer)}), and ACM and clients want them.`,
        remedy:
          'Give the intermediate certificates as certificate-chain, or the full chain as certificate (fullchain.pem).',
      }),
    )
  }
  return [
    ...problems,
    ...checkAlgorithms(material),
    ...checkLimits(material),
    ...checkValidity(leaf, chain, now),
    ...checkHost(leaf, host),
  ]
}

/** Source: ACM user guide, Prerequisites for importing; an ALB takes all of these. */
const importableKeys: readonly string[] = [
  'RSA_1024',
  'RSA_2048',
  'RSA_3072',
  'RSA_4096',
  'EC_prime256v1',
  'EC_secp384r1',
  'EC_secp521r1',
]

/** Signatures that clients refuse: MD5 and SHA-1. */
const weakSignature = /md2|md5|sha-?1(?!\d)/i

function checkAlgorithms({ leaf, chain }: CertificateMaterial): ActionError[] {
  const leafAlgorithm = getKeyAlgorithm(leaf)
  const createUnsupportedKeyError = (problem: string, remedy: string): ActionError =>
    new ActionError({ code: 'certificate-key-unsupported', problem, remedy })
  const [issuer] = chain
  // Source: ACM user guide, Prerequisites for importing: the algorithm must be that of the signing
  // authority.
  const hasMixedKeyTypes =
    issuer !== undefined && issuer.publicKey.asymmetricKeyType !== leaf.publicKey.asymmetricKeyType
  const weaklySigned = [leaf, ...chain.filter((certificate) => !isSelfSigned(certificate))].find(
    ({ signatureAlgorithm }) => weakSignature.test(signatureAlgorithm ?? ''),
  )
  return [
    ...(importableKeys.includes(leafAlgorithm)
      ? []
      : [
          createUnsupportedKeyError(
            `The certificate has a key of type ${leafAlgorithm}, which ACM does not import.`,
            'Request one with a key of RSA 2048 to 4096 bits, or of the curve P-256, P-384 or P-521.',
          ),
        ]),
    ...(importableKeys.includes(leafAlgorithm) && hasMixedKeyTypes
      ? [
          createUnsupportedKeyError(
            `The certificate has a key of type ${leafAlgorithm}, and the authority that signed it one of type ${getKeyAlgorithm(issuer)}: ACM wants both to be RSA, or both EC.`,
            `Request the certificate with a key of type ${issuer.publicKey.asymmetricKeyType === 'ec' ? 'EC' : 'RSA'}.`,
          ),
        ]
      : []),
    ...(weaklySigned
      ? [
          new ActionError({
            code: 'certificate-signature-weak',
            problem: `The certificate of ${formatDistinguishedName(weaklySigned.subject) || 'no subject'} is signed with ${weaklySigned.signatureAlgorithm ?? 'an old algorithm'}, which clients refuse.`,
            remedy:
              'Request a certificate that is signed with SHA-256 or better, from an authority whose own certificates are.',
          }),
        ]
      : []),
  ]
}

/**
 * Source: ACM, ImportCertificate, and the user guide, Prerequisites for importing. A key that ACM
 * takes is never too long: it is written anew.
 */
function checkLimits({ leaf, chain }: CertificateMaterial): ActionError[] {
  const [leafLength, chainLength] = [toPem([leaf]).length, toPem(chain).length]
  const ocspUrlLength = Math.max(
    0,
    ...(leaf.infoAccess ?? '')
      .split('\n')
      .map((line) => /^OCSP - URI:(.*)$/.exec(line)?.[1]?.length ?? 0),
  )
  const limits: readonly (readonly [boolean, problem: string, remedy: string])[] = [
    [
      leafLength > 32_768,
      `it is ${leafLength} bytes of PEM, and the limit is 32768`,
      'Request one with fewer names.',
    ],
    [
      chainLength > 2_097_152,
      `its chain is ${chainLength} bytes of PEM, and the limit is 2097152`,
      'Give only the certificates that lead from this one to its root.',
    ],
    [
      formatDistinguishedName(leaf.issuer) === '',
      'it names no issuer',
      'Have it issued by an authority that has a name.',
    ],
    [
      ocspUrlLength > 1000,
      `the address of its OCSP service has ${ocspUrlLength} characters, and the limit is 1000`,
      'Have it issued with a shorter one.',
    ],
  ]
  return limits.flatMap(([isOver, problem, remedy]) =>
    isOver
      ? [
          new ActionError({
            code: 'certificate-refused',
            problem: `ACM would refuse the certificate: ${problem}.`,
            remedy,
          }),
        ]
      : [],
  )
}

/**
 * What ACM and an ALB take, and clients may not; undefined when there is nothing. Source: OpenSSL,
 * SSL_CTX_set_security_level, level 2.
 */
export function formatWeakKeyWarning(leaf: X509Certificate): string | undefined {
  if (getKeyAlgorithm(leaf) !== 'RSA_1024') return undefined
  return 'The certificate has an RSA key of 1024 bits: ACM takes it, and most clients refuse it as too small. Request one with 2048 bits or more.'
}

function checkValidity(
  leaf: X509Certificate,
  chain: readonly X509Certificate[],
  now: number,
): ActionError[] {
  return [leaf, ...chain].flatMap((certificate) => {
    const description = `The certificate of ${formatDistinguishedName(certificate.subject) || 'no subject'}`
    if (certificate.validToDate.getTime() <= now) {
      return [
        new ActionError({
          code: 'certificate-expired',
          problem: `${description} expired on ${certificate.validToDate.toISOString()}.`,
          remedy:
            certificate === leaf
              ? 'Give a renewed certificate with its key and chain.'
              : "This one is in the chain: give the authority's current chain, or leave the expired one out.",
        }),
      ]
    }
    if (certificate.validFromDate.getTime() > now) {
      return [
        new ActionError({
          code: 'certificate-not-yet-valid',
          problem: `${description} is valid only from ${certificate.validFromDate.toISOString()}.`,
          remedy:
            "Wait until then, or check the runner's clock; ACM refuses a certificate before its time.",
        }),
      ]
    }
    return []
  })
}

/**
 * Whether the certificate covers the host: by a subject alternative name, as clients want it; the
 * common name does not count.
 */
export function checkHost(leaf: X509Certificate, host: string): ActionError[] {
  if (leaf.checkHost(host, { subject: 'never', partialWildcards: false }) !== undefined) return []
  const dnsNames = getDnsNames(leaf)
  const wildcard = dnsNames.find(
    (name) => name.startsWith('*.') && (host === name.slice(2) || host.endsWith(name.slice(1))),
  )
  const isCommonNameMatch =
    dnsNames.length === 0 &&
    leaf.checkHost(host, { subject: 'always', partialWildcards: false }) !== undefined
  const hint = isCommonNameMatch
    ? ` It has it only as its common name, which clients no longer look at.`
    : wildcard
      ? ` ${wildcard} covers exactly one label in place of its star.`
      : ''
  return [
    new ActionError({
      code: 'certificate-host-mismatch',
      problem: `The certificate does not cover ${host}: its names are ${dnsNames.join(', ') || 'none (no subject alternative name)'}.${hint}`,
      remedy: isCommonNameMatch
        ? `Request a certificate with ${host} as a subject alternative name.`
        : 'Give a certificate with this name, or set host to a name that the certificate covers.',
    }),
  ]
}

const millisecondsPerDay = 86_400_000

/**
 * How a certificate that is near its end is spoken of; undefined while it is not.
 * @param threshold days; when undefined the smaller of 30 days and a third of the certificate's
 *   lifetime
 * @param now milliseconds since the epoch
 * @param reason it does not renew itself
 */
export function formatExpiryWarning(
  leaf: X509Certificate,
  threshold: number | undefined,
  now: number,
  reason = 'ACM does not renew imported certificates',
): string | undefined {
  const [validFrom, validTo] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()]
  const thresholdDays = threshold ?? Math.min(30, (validTo - validFrom) / millisecondsPerDay / 3)
  const remainingDays = (validTo - now) / millisecondsPerDay
  if (remainingDays >= thresholdDays) return undefined
  const days = Math.floor(remainingDays)
  return `The certificate for ${getDnsNames(leaf).join(', ') || formatDistinguishedName(leaf.subject)} ends in ${days} day${days === 1 ? '' : 's'}, on ${leaf.validToDate.toISOString()}: ${reason}.`
}

/**
 * Whether one of these authorities, or the material itself, is in the list.
 * @param authorities PEM of each; Mozilla's list, as Node and most clients have it, when absent
 */
export function isTrusted(
  { leaf, chain }: Pick<CertificateMaterial, 'leaf' | 'chain'>,
  authorities: readonly string[] = rootCertificates,
): boolean {
  const topmost = chain.at(-1) ?? leaf
  return authorities.some((pem) => {
    const root = new X509Certificate(pem)
    return (
      root.raw.equals(topmost.raw) || (root.subject === topmost.issuer && isIssuerOf(root, topmost))
    )
  })
}
