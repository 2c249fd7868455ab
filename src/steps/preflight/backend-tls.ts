/** Whether the ALB uses the protocol that Milvus serves: plaintext or TLS. */
import type { ActionError } from '../../failures/action-error.ts'
import {
  clientCertificatesRequired,
  milvusServesPlaintext,
  milvusServesTls,
} from '../../failures/milvus-tls.ts'
import { findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { readTlsMode, type TlsSetting } from '../../clients/helm/milvus-tls.ts'
import { getHelmValue, mergeValues } from '../../clients/helm/values.ts'
import { foreignAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type { Ingress, Service } from '../../clients/kubernetes/types.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { Release } from './release.ts'

const protocolAnnotation = `${annotationPrefix}backend-protocol`

/** The objects that determine the protocols. */
export interface BackendState {
  readonly release: Release | undefined
  readonly service: Service | undefined
  readonly ingress: Ingress | undefined
}

/**
 * Compares Milvus' TLS mode, from the release's values with those of this run merged in, with the
 * protocol of the ALB. Without a readable release the mode is not known.
 * @throws ActionError `milvus-tls-mismatch`
 */
export function checkBackendTls(
  settings: Settings,
  { release, service, ingress }: BackendState,
): void {
  if (!release) return
  const valuesPath = findValuesPath(release.deployedRevision, service?.metadata.name)
  const mergedValues = mergeValues(release.deployedRevision.values, settings.values)
  const tlsSetting = readTlsMode(mergedValues, valuesPath)
  if (!tlsSetting) return
  const requestedAnnotations = getHelmValue(settings.values, [
    ...valuesPath,
    'service',
    'annotations',
  ])
  const protocol = resolveBackendProtocol(settings, requestedAnnotations, { service, ingress })
  const mismatch = findTlsMismatch(release.latestRevision.name, tlsSetting, protocol)
  if (mismatch) throw mismatch
}

/** The protocol between the ALB and Milvus, and what sets it. */
interface BackendProtocol {
  readonly isTls: boolean
  /** Continues the name of the annotation: `in annotations`, `of the Service`. */
  readonly source: string
}

/**
 * The Service's annotation overrides the Ingress', whose annotation stays when someone else set
 * it. Source: the controller's model_build_target_group.go, MergeStringMap.
 */
function resolveBackendProtocol(
  { ingress: { annotations } }: Settings,
  requestedServiceAnnotations: unknown,
  { service, ingress }: Omit<BackendState, 'release'>,
): BackendProtocol {
  const serviceValue = resolveServiceAnnotation(requestedServiceAnnotations, service)
  if (serviceValue !== undefined)
    return { isTls: serviceValue === 'HTTPS', source: 'of the Service' }
  const inputValue = annotations[protocolAnnotation]
  if (inputValue !== undefined) return { isTls: inputValue === 'HTTPS', source: 'in annotations' }
  const ingressValue = foreignAnnotations(ingress, fieldManager)[protocolAnnotation]
  return { isTls: ingressValue === 'HTTPS', source: 'of the Ingress' }
}

/** @param requested annotations in input values, where null removes what the Service has */
function resolveServiceAnnotation(
  requested: unknown,
  service: Service | undefined,
): string | undefined {
  if (requested === null) return undefined
  const requestedValue = getHelmValue(requested, [protocolAnnotation])
  if (requestedValue === null) return undefined
  if (typeof requestedValue === 'string') return requestedValue
  return service?.metadata.annotations?.[protocolAnnotation]
}

/** @returns why calls through the ALB would fail; undefined when they would not. Pure. */
export function findTlsMismatch(
  release: string,
  { mode, path }: TlsSetting,
  { isTls, source }: BackendProtocol,
): ActionError | undefined {
  const milvus = {
    release,
    source: path === undefined ? 'tlsMode is not set in its values' : `tlsMode ${mode} in ${path}`,
    annotation: protocolAnnotation,
  }
  if (mode === 2) return clientCertificatesRequired(milvus)
  if (mode === 1 && !isTls) return milvusServesTls(milvus)
  if (mode === 0 && isTls) return milvusServesPlaintext(milvus, source)
  return undefined
}
