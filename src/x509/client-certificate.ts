/** Checks a client certificate for what an ALB rejects, or this runner cannot use. */
import { createSecureContext } from 'node:tls'
import type { ActionError } from '../failures/action-error.ts'
import {
  clientCertificateExpired,
  clientCertificateNotYetValid,
  clientCertificateUnusable,
  clientKeyUnsupported,
  clientPurposeMissing,
} from '../failures/client-certificate.ts'
import { getKeyAlgorithm, getSubject, toPem, type CertificateMaterial } from './certificate.ts'
import { checkPrivateKey } from './checks.ts'

/** RFC 5280, 4.2.1.12. */
const clientAuth = '1.3.6.1.5.5.7.3.2'

/** What decides about the dates of a certificate. */
export interface ValidityPolicy {
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Whether the listener accepts expired certificates (`ignoreClientCertificateExpiry`). */
  readonly acceptsExpired: boolean
}

/** What makes the certificate and its key unusable for any listener. */
export function checkClientKey(material: CertificateMaterial): ActionError[] {
  const problems = checkPrivateKey(material)
  return problems.length > 0 ? problems : checkUsable(material)
}

/** What a listener that verifies clients rejects, as far as the certificate itself shows. */
export const checkForVerification = (
  material: CertificateMaterial,
  policy: ValidityPolicy,
): ActionError[] => [
  ...checkPurpose(material),
  ...checkKeyAlgorithm(material),
  ...checkValidity(material, policy),
]

/** Source: AWS, "Mutual authentication with TLS in Application Load Balancer", Considerations. */
const ecKeyAlgorithms = ['EC_prime256v1', 'EC_secp384r1', 'EC_secp521r1']
const rsaKeyBits = { min: 2048, max: 8192 } as const

function checkKeyAlgorithm({ leaf }: CertificateMaterial): ActionError[] {
  const algorithm = getKeyAlgorithm(leaf)
  const [, rsaBits] = /^RSA_(\d+)$/.exec(algorithm) ?? []
  const isSupported =
    rsaBits === undefined
      ? ecKeyAlgorithms.includes(algorithm)
      : Number(rsaBits) >= rsaKeyBits.min && Number(rsaBits) <= rsaKeyBits.max
  return isSupported ? [] : [clientKeyUnsupported(getSubject(leaf), algorithm)]
}

/** A certificate without extended key usages is for any purpose. */
function checkPurpose({ leaf }: CertificateMaterial): ActionError[] {
  // Node calls the extended key usages keyUsage. The types do not say that it may be undefined.
  const purposes = leaf.keyUsage as readonly string[] | undefined
  if (!purposes || purposes.includes(clientAuth)) return []
  return [clientPurposeMissing(getSubject(leaf), purposes)]
}

function checkValidity(
  { leaf, chain }: CertificateMaterial,
  { now, acceptsExpired }: ValidityPolicy,
): ActionError[] {
  return [leaf, ...chain].flatMap((certificate) => {
    const { validFromDate, validToDate } = certificate
    const subject = getSubject(certificate)
    if (validFromDate.getTime() > now) return [clientCertificateNotYetValid(subject, validFromDate)]
    const isRejected = validToDate.getTime() <= now && !acceptsExpired
    return isRejected ? [clientCertificateExpired(subject, validToDate)] : []
  })
}

/** OpenSSL does not load a weak key, or a certificate with a weak signature. */
function checkUsable({ leaf, chain, privateKey }: CertificateMaterial): ActionError[] {
  if (privateKey === '') return []
  try {
    createSecureContext({ cert: toPem([leaf, ...chain]), key: privateKey })
    return []
  } catch (thrown) {
    const { code = 'unknown error' } = thrown as { code?: string }
    return [clientCertificateUnusable(getSubject(leaf), code)]
  }
}
