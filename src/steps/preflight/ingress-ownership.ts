/** Whether the Ingress may be changed by this action. */
import {
  chartIngressEnabled,
  ingressOfRelease,
  ingressTerminating,
  ingressUsedOtherwise,
} from '../../failures/ingress-ownership.ts'
import { findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import type { Release } from './release.ts'

/** Whether this action applied the Ingress. */
export const isAppliedByAction = ({ metadata }: Ingress): boolean =>
  ownedAnnotations({ metadata }, fieldManager).size > 0

/**
 * The chart's own Ingress has the name of its Service: it would collide with ours. Source:
 * milvus-helm, templates/ingress.yaml.
 * @throws ActionError `ingress-not-ours`
 */
export function rejectChartIngress(
  settings: EndpointSettings,
  release: Release | undefined,
  names: { readonly serviceName: string; readonly ingressName: string },
): void {
  if (!release || names.ingressName !== names.serviceName) return
  const { values } = release.deployedRevision
  const path = [
    ...findValuesPath(release.deployedRevision, names.serviceName),
    'ingress',
    'enabled',
  ]
  const isEnabled = getHelmValue(settings.values, path) ?? getHelmValue(values, path)
  if (isEnabled === true)
    throw chartIngressEnabled({
      release: release.latestRevision.name,
      ingress: names.ingressName,
      valuesPath: path.join('.'),
    })
}

/** @throws ActionError `ingress-terminating`, `ingress-not-ours` */
export function rejectForeignIngress(settings: EndpointSettings, ingress: Ingress): void {
  const { name, deletionTimestamp, annotations = {} } = ingress.metadata
  if (deletionTimestamp !== undefined) throw ingressTerminating(name, deletionTimestamp)
  const release = annotations['meta.helm.sh/release-name']
  if (release !== undefined) throw ingressOfRelease(name, release)
  const purposes = findOtherPurposes(settings, ingress)
  if (purposes.length > 0 && !settings.ingress.forceConflicts && !isAppliedByAction(ingress))
    throw ingressUsedOtherwise(name, purposes)
}

/** The class and hosts of an Ingress that differ from the inputs. */
function findOtherPurposes(settings: EndpointSettings, { spec }: Ingress): string[] {
  const hosts = (spec.rules ?? []).map(({ host }) => host ?? '*')
  const purposes = hosts.filter((host) => host !== settings.host)
  if (spec.ingressClassName !== settings.ingress.className)
    purposes.unshift(`class ${spec.ingressClassName ?? '(none)'}`)
  return purposes
}
