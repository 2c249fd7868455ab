/** The Ingress that the inputs describe, while the ARN of its certificate may be unknown. Pure. */
import type { FieldsV1, Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { known, type Deferred } from '../deferred.ts'
import type { Target } from '../preflight/preflight.ts'
import {
  buildFieldTree,
  buildIngressManifest,
  certificateArnAnnotation,
  diffIngress,
  reconcileRequestAnnotation,
  withAnnotations,
  type FieldDifference,
  type IngressManifest,
} from './manifest.ts'
import { getRestServiceName } from './rest-service.ts'

/** An Ingress, and the certificate that it gets. */
export interface DesiredIngress {
  /** Without the certificate. */
  readonly template: IngressManifest
  readonly certificateArn: Deferred<string>
}

export function buildDesiredIngress(
  settings: EndpointSettings,
  { ingress, ingressName, service }: Target,
  certificateArn: Deferred<string>,
): DesiredIngress {
  const restService = settings.ingress.rest ? getRestServiceName(ingressName) : undefined
  const { name, port } = service
  const backend = { name: ingressName, service: name, port, restService }
  const reconcileRequest = ingress?.metadata.annotations?.[reconcileRequestAnnotation]
  return { template: buildIngressManifest(settings, backend, reconcileRequest), certificateArn }
}

/** @returns the same Ingress with an ARN that was not known when it was planned */
export const withCertificateArn = (desired: DesiredIngress, arn: string): DesiredIngress => ({
  ...desired,
  certificateArn: known(arn),
})

/** @returns what can be applied; the ARN must be known by then */
export function toManifest({ template, certificateArn }: DesiredIngress): IngressManifest {
  if (!certificateArn.known) throw new TypeError('the ARN of the certificate is not known yet')
  return withAnnotations(template, { [certificateArnAnnotation]: certificateArn.value })
}

/** As diffIngress. A certificate that is not known yet always differs. */
export function diffDesiredIngress(
  desired: DesiredIngress,
  live: Ingress | undefined,
): FieldDifference[] {
  const { template, certificateArn } = desired
  if (certificateArn.known) return diffIngress(toManifest(desired), live)
  const placeholder = { [certificateArnAnnotation]: certificateArn.placeholder }
  return diffIngress(withAnnotations(template, placeholder), live)
}

/** The fields that the desired Ingress sets, in the format of managedFields. */
export const buildDesiredFieldTree = ({ template }: DesiredIngress): FieldsV1 =>
  buildFieldTree([...Object.keys(template.metadata.annotations), certificateArnAnnotation])
