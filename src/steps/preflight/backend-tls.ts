/** Whether the ALB speaks to Milvus what Milvus speaks: plaintext, or TLS that Milvus serves itself. */
import { ActionError } from '../../core/errors.ts'
import { valueAt, valuesPathOf } from '../../helm/milvus-chart.ts'
import { readTlsMode, type TlsSetting } from '../../helm/milvus-tls.ts'
import { mergeValues } from '../../helm/values.ts'
import { ownedAnnotations } from '../../kubernetes/ownership.ts'
import type { Ingress, Service } from '../../kubernetes/types.ts'
import { annotationPrefix } from '../../settings/annotations.ts'
import type { Settings } from '../../settings/types.ts'
import { fieldManager } from '../ingress-object.ts'
import type { Release } from './release.ts'

const annotation = `${annotationPrefix}backend-protocol`

/** What the check looks at. */
export interface Backend {
  readonly release: Release | undefined
  readonly service: Service | undefined
  readonly ingress: Ingress | undefined
}

/**
 * Compares the mode that the release's values set, with this run's on top, with the annotation. Without a release, or where it may
 * not be read, nobody knows the mode.
 * @throws ActionError `milvus-tls-mismatch`
 */
export function checkBackendTls(settings: Settings, { release, service, ingress }: Backend): void {
  if (!release) return
  const valuesPath = valuesPathOf(release.current, service?.metadata.name)
  const setting = readTlsMode(mergeValues(release.current.values, settings.values), valuesPath)
  const asked = valueAt(settings.values, [...valuesPath, 'service', 'annotations'])
  const problem = setting && tlsMismatch(setting, protocolOf(settings, asked, { service, ingress }))
  if (!problem) return
  throw new ActionError({ code: 'milvus-tls-mismatch', problem: `Milvus of release ${release.last.name} ${problem.problem}`, remedy: problem.remedy })
}

/** What the ALB speaks to Milvus, and who says so. */
interface Protocol {
  readonly isTls: boolean
  readonly source: string
}

/** The Service's annotation wins over the Ingress'; of that, one that somebody else set stays. Source: the controller's model_build_target_group.go, MergeStringMap. */
function protocolOf({ ingress: { annotations } }: Settings, askedOfService: unknown, { service, ingress }: Omit<Backend, 'release'>): Protocol {
  const asked = askedOfService === null ? null : valueAt(askedOfService, [annotation])
  const live = asked === null ? undefined : service?.metadata.annotations?.[annotation]
  const ofService = typeof asked === 'string' ? asked : live
  if (ofService !== undefined) return { isTls: ofService === 'HTTPS', source: 'of the Service' }
  const kept = ingress && !ownedAnnotations(ingress, fieldManager).has(annotation) ? ingress.metadata.annotations?.[annotation] : undefined
  const given = annotations[annotation]
  return { isTls: (given ?? kept) === 'HTTPS', source: given === undefined ? 'of the Ingress' : 'in annotations' }
}

/** Why calls through the ALB would fail; undefined when they would not. Pure. */
export function tlsMismatch({ mode, path }: TlsSetting, { isTls, source }: Protocol): { readonly problem: string; readonly remedy: string } | undefined {
  const where = path === undefined ? 'tlsMode is not set in its values' : `tlsMode ${mode} in ${path}`
  const https = `"${annotation}: HTTPS"`
  if (mode === 2) {
    return {
      problem: `serves TLS itself and requires a certificate of its clients (${where}), and an ALB has none to present: every call would fail.`,
      remedy: `Set common.security.tlsMode to 1 and add ${https} to input annotations, or set tlsMode to 0: the ALB ends the TLS of clients in either case.`,
    }
  }
  if (mode === 1 && !isTls) {
    return {
      problem: `serves TLS itself (${where}), and the ALB would send it plaintext: every call would fail with HTTP 502.`,
      remedy: `Add ${https} to input annotations, or set common.security.tlsMode to 0.`,
    }
  }
  if (mode === 0 && isTls) {
    return {
      problem: `serves plaintext (${where}), and the ALB would send it TLS because of ${annotation} ${source}: every call would fail with HTTP 502.`,
      remedy: `Remove ${annotation} there, or set common.security.tlsMode to 1.`,
    }
  }
  return undefined
}
