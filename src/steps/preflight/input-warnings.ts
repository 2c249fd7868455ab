/** Warnings about inputs that are valid, but probably do not do what was intended. */
import { getCACertificates } from 'node:tls'
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import {
  probeWouldNotTrustCertificate,
  probeLacksClientCertificate,
  probeRejectsWeakKey,
} from '../../failures/probe-predictions.ts'
import type { FailureCode } from '../../failures/codes.ts'
import type { Context } from '../step.ts'
import { formatDistinguishedName } from '../../util/text.ts'
import { parseCertificates } from '../../x509/parse.ts'
import {
  annotationPrefix,
  findMutualAuthentication,
  findUnknownAnnotations,
} from '../../controller/annotations.ts'
import type { IngressSettings, EndpointSettings } from '../../inputs/types.ts'
import { getKeyAlgorithm, getSubject, type CertificateMaterial } from '../../x509/certificate.ts'
import { checkMaterial } from '../../x509/checks.ts'
import { checkClientKey, checkForVerification } from '../../x509/client-certificate.ts'
import { checkHandshake } from '../../x509/handshake.ts'
import { isTrusted } from '../../x509/trust.ts'
import {
  formatExpiryWarning,
  formatIssuerExpiryWarning,
  formatMixedKeysWarning,
  listClientWarnings,
} from '../../x509/warnings.ts'

/** Warns of inputs that have no effect, or a surprising one. */
export function warnAboutInputs(context: Context, { ingress }: EndpointSettings): void {
  warnUnknownAnnotations(context, ingress)
  warnInboundCidrs(context, ingress)
  warnSslRedirect(context, ingress)
  if (ingress.subnets.length === 1)
    context.log.warn(
      'Input subnets contains one subnet, but an ALB needs at least two in different zones (one ' +
        'suffices only in a local zone or on an Outpost).',
    )
}

const getAnnotation = ({ annotations }: IngressSettings, name: string): string | undefined =>
  annotations[annotationPrefix + name]

function warnUnknownAnnotations(context: Context, { annotations }: IngressSettings): void {
  for (const { key, suggestion } of findUnknownAnnotations(annotations)) {
    const consequence = suggestion === undefined ? 'it is ignored.' : `did you mean ${suggestion}?`
    context.log.warn(
      `Input annotations contains ${key}, which the controller does not know: ${consequence}`,
    )
  }
}

function warnInboundCidrs(
  context: Context,
  { inboundCidrs, securityGroups }: IngressSettings,
): void {
  if (inboundCidrs.length > 0 && securityGroups.length > 0)
    context.log.warn(
      'Input inbound-cidrs has no effect with security-groups: the controller does not change ' +
        'those groups, and they determine which clients can connect.',
    )
}

function warnSslRedirect(context: Context, ingress: IngressSettings): void {
  const redirectPort = getAnnotation(ingress, 'ssl-redirect')
  if (redirectPort === undefined || redirectPort === String(ingress.listenPort)) return
  context.log.warn(
    `ssl-redirect in annotations is ${redirectPort}, but listen-port is ${ingress.listenPort}: ` +
      'the controller rejects that unless another Ingress of the group listens on that port.',
  )
}

/**
 * What makes the probe fail for certain. A check changes nothing, and finds it out by its probe.
 * @param material undefined if the inputs contain none
 * @throws ActionError `probe-tls-failed`, `probe-certificate-untrusted`
 */
export function checkProbe(
  settings: EndpointSettings,
  material: CertificateMaterial | undefined,
): void {
  const { mode, probe, ingress } = settings
  if (mode !== 'deploy' || !probe.required) return
  const problems: ActionError[] = []
  const isClientVerified = findMutualAuthentication(ingress)?.mode === 'verify'
  if (isClientVerified && !probe.clientCertificate)
    problems.push(probeLacksClientCertificate(ingress.listenPort))
  if (material && !isTrustedByProbe(material, probe)) {
    const { leaf, chain } = material
    const issuer = formatDistinguishedName((chain.at(-1) ?? leaf).issuer) || 'a CA without a name'
    const hasProbeCa = probe.ca !== undefined
    problems.push(probeWouldNotTrustCertificate(getSubject(leaf), issuer, hasProbeCa))
  }
  if (material && getKeyAlgorithm(material.leaf) === 'RSA_1024')
    problems.push(probeRejectsWeakKey(getSubject(material.leaf)))
  if (problems.length > 0) throw combineErrors(problems)
}

/**
 * Checks the client certificate of a run that probes. A dry run does not probe, but the next
 * deployment will.
 * @throws ActionError of every problem of the certificate
 */
export function checkProbeCertificate(
  context: Context,
  { probe: { required, clientCertificate }, ingress }: EndpointSettings,
): void {
  if (!required || !clientCertificate) return
  const problems = checkClientKey(clientCertificate)
  const { mode, ignoreClientCertificateExpiry } = findMutualAuthentication(ingress) ?? {}
  const acceptsExpired = ignoreClientCertificateExpiry === true
  if (mode === 'verify')
    problems.push(
      ...checkForVerification(clientCertificate, { now: context.clock.now(), acceptsExpired }),
    )
  if (problems.length > 0) throw combineErrors(problems)
}

/** The public CAs are first: reading those of the runner takes longer. */
const isTrustedByProbe = (
  material: CertificateMaterial,
  { ca }: EndpointSettings['probe'],
): boolean =>
  isTrusted(material) ||
  isTrusted(material, [...getCACertificates('default'), ...parseCertificates(ca ?? '').map(String)])

/** Problems that a handshake does not repeat. */
const codesNotCoveredByHandshake: readonly FailureCode[] = [
  'certificate-expired',
  'certificate-not-yet-valid',
  'certificate-host-mismatch',
  'certificate-signature-weak',
  'certificate-refused',
]

/**
 * Checks the certificate of the inputs, and logs what clients need to know about it.
 * @param material undefined if the inputs contain none
 * @throws ActionError of every problem of the certificate
 */
export async function checkCertificate(
  context: Context,
  { host, expiryWarningDays }: EndpointSettings,
  material: CertificateMaterial | undefined,
): Promise<void> {
  if (!material) return
  const now = context.clock.now()
  const problems = checkMaterial(material, host, now)
  // After other problems, a handshake would only repeat them in OpenSSL's words.
  if (problems.every(({ code }) => codesNotCoveredByHandshake.includes(code)))
    problems.push(...(await checkHandshake(material, host)))
  if (problems.length > 0) throw combineErrors(problems)
  const warnings = [
    formatExpiryWarning(material.leaf, expiryWarningDays, now),
    formatIssuerExpiryWarning(material, expiryWarningDays, now),
    ...listClientWarnings(material.leaf),
    formatMixedKeysWarning(material),
  ]
  for (const warning of warnings) if (warning !== undefined) context.log.warn(warning)
  logChainNotes(context, material)
  logTrustNotes(context, material)
}

function logChainNotes(context: Context, material: CertificateMaterial): void {
  if (material.isChainFromCaBundle)
    context.log.note(
      `${material.origin.certificate} contains no intermediate certificates. They were found in ` +
        `${material.origin.caBundle}, and are imported with it.`,
    )
  if (material.isReordered)
    context.log.note(
      'The certificates are not in order (the leaf first, then each issuer after the certificate ' +
        'it signed). They are imported in that order.',
    )
  const [firstUnused] = material.unusedCertificates
  if (firstUnused)
    context.log.note(
      `${material.unusedCertificates.length} of the certificates are not imported: the chain is ` +
        `complete without them (first: ${getSubject(firstUnused)}).`,
    )
}

function logTrustNotes(context: Context, material: CertificateMaterial): void {
  if (isTrusted(material)) return
  context.recordTopology({ hasPrivateCa: true })
  context.log.note(
    'The certificate was issued by a private CA: clients must be given its certificate ' +
      '(pymilvus: server_pem_path).',
  )
}
