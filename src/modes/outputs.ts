/** Outputs of the action that several modes set. */
import type { EndpointSettings } from '../inputs/types.ts'
import type { AcmCertificate } from '../steps/certificate/selection.ts'
import { getAddresses, type Addresses } from '../steps/ingress/manifest.ts'
import { getRestServiceName } from '../steps/ingress/rest-service.ts'
import { setEndpointOutputs } from '../steps/load-balancer/load-balancer.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import type { EndpointRun } from '../steps/run.ts'
import type { Context } from '../steps/step.ts'
import { getCertificateDetails } from '../x509/certificate.ts'
import { expiresSoon } from '../x509/warnings.ts'

/**
 * Sets the outputs that are known before any change, so that they are set even if the run fails
 * later. The address is not among them: an old one may no longer work.
 */
export function setTargetOutputs(
  { context, settings }: EndpointRun,
  { ingressName, release, service }: Target,
): void {
  context.recordTopology({ service })
  if (settings.ingress.rest)
    context.recordTopology({ restService: getRestServiceName(ingressName) })
  context.setOutput('ingress-name', ingressName)
  if (release) context.setOutput('release-revision', String(release.latestRevision.revision))
}

/**
 * Sets the current addresses, for a run that changes nothing.
 * @returns undefined when the Ingress has none
 */
export function setAddressOutputs(
  context: Context,
  settings: EndpointSettings,
  { ingress }: Target,
): Addresses | undefined {
  const addresses = getAddresses(ingress)
  if (addresses === undefined) return undefined
  setEndpointOutputs(context, settings, addresses)
  return addresses
}

/** Describes the served certificate, for later steps of the workflow and for the summary. */
export function setCertificateOutputs(
  { context, settings }: EndpointRun,
  { arn, leaf, renewedByAcm = false }: AcmCertificate,
): void {
  context.recordTopology({ certificate: getCertificateDetails(leaf) })
  const isExpiring =
    !renewedByAcm && expiresSoon(leaf, settings.expiryWarningDays, context.clock.now())
  context.setOutput('certificate-arn', arn)
  context.setOutput('certificate-expiry', leaf.validToDate.toISOString())
  context.setOutput('certificate-expires-soon', String(isExpiring))
}
