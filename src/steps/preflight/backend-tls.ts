/**
 * Whether the ALB speaks to Milvus what Milvus speaks: plaintext, or TLS that Milvus serves itself.
 */
import { ActionError } from '../../failures/action-error.ts'
import { findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { readTlsMode, type TlsSetting } from '../../clients/helm/milvus-tls.ts'
import { getHelmValue, mergeValues } from '../../clients/helm/values.ts'
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type { Ingress, Service } from '../../clients/kubernetes/types.ts'
import { annotationPrefix } from '../../controller/annotations.ts'
import type { Settings } from '../../inputs/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { Release } from './release.ts'

const protocolAnnotation = `${annotationPrefix}backend-protocol`

/** What the check looks at. */
export interface BackendState {
  readonly release: Release | undefined
  readonly service: Service | undefined
  readonly ingress: Ingress | undefined
}

/**
 * Compares the mode that the release's values set, with this run's on top, with the annotation.
 * Without a release, or where it may not be read, nobody knows the mode.
 * @throws ActionError `milvus-tls-mismatch`
 */
export function checkBackendTls(
  settings: Settings,
  { release, service, ingress }: BackendState,
): void {
  if (!release) return
  const valuesPath = findValuesPath(release.deployedRevision, service?.metadata.name)
  const tlsSetting = readTlsMode(
    mergeValues(release.deployedRevision.values, settings.values),
    valuesPath,
  )
  const requestedAnnotations = getHelmValue(settings.values, [
    ...valuesPath,
    'service',
    'annotations',
  ])
  const problem =
    tlsSetting &&
    describeTlsMismatch(
      tlsSetting,
      resolveBackendProtocol(settings, requestedAnnotations, { service, ingress }),
    )
  if (!problem) return
  throw new ActionError({
    code: 'milvus-tls-mismatch',
    problem: `Milvus of release ${release.latestRevision.name} ${problem.problem}`,
    remedy: problem.remedy,
  })
}

/** What the ALB speaks to Milvus, and who says so. */
interface BackendProtocol {
  readonly isTls: boolean
  readonly source: string
}

/**
 * The Service's annotation wins over the Ingress'; of that, one that somebody else set stays.
 * Source: the controller's model_build_target_group.go, MergeStringMap.
 */
function resolveBackendProtocol(
  { ingress: { annotations } }: Settings,
  requestedServiceAnnotations: unknown,
  { service, ingress }: Omit<BackendState, 'release'>,
): BackendProtocol {
  const requestedValue =
    requestedServiceAnnotations === null
      ? null
      : getHelmValue(requestedServiceAnnotations, [protocolAnnotation])
  const liveServiceValue =
    requestedValue === null ? undefined : service?.metadata.annotations?.[protocolAnnotation]
  const serviceValue = typeof requestedValue === 'string' ? requestedValue : liveServiceValue
  if (serviceValue !== undefined)
    return { isTls: serviceValue === 'HTTPS', source: 'of the Service' }
  const foreignIngressValue =
    ingress && !ownedAnnotations(ingress, fieldManager).has(protocolAnnotation)
      ? ingress.metadata.annotations?.[protocolAnnotation]
      : undefined
  const inputValue = annotations[protocolAnnotation]
  return {
    isTls: (inputValue ?? foreignIngressValue) === 'HTTPS',
    source: inputValue === undefined ? 'of the Ingress' : 'in annotations',
  }
}

/** Why calls through the ALB would fail; undefined when they would not. Pure. */
export function describeTlsMismatch(
  { mode, path }: TlsSetting,
  { isTls, source }: BackendProtocol,
): { readonly problem: string; readonly remedy: string } | undefined {
  const location =
    path === undefined ? 'tlsMode is not set in its values' : `tlsMode ${mode} in ${path}`
  const httpsEntry = `"${protocolAnnotation}: HTTPS"`
  if (mode === 2) {
    return {
      problem: `serves TLS itself and requires a certificate of its clients (${location}), and an ALB has none to present: every call would fail.`,
      remedy: `Set common.security.tlsMode to 1 and add ${httpsEntry} to input annotations, or set tlsMode to 0: the ALB ends the TLS of clients in either case.`,
    }
  }
  if (mode === 1 && !isTls) {
    return {
      problem: `serves TLS itself (${location}), and the ALB would send it plaintext: every call would fail with HTTP 502.`,
      remedy: `Add ${httpsEntry} to input annotations, or set common.security.tlsMode to 0.`,
    }
  }
  if (mode === 0 && isTls) {
    return {
      problem: `serves plaintext (${location}), and the ALB would send it TLS because of ${protocolAnnotation} ${source}: every call would fail with HTTP 502.`,
      remedy: `Remove ${protocolAnnotation} there, or set common.security.tlsMode to 1.`,
    }
  }
  return undefined
}
