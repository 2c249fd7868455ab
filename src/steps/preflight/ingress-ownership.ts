/** Whether the Ingress may be changed by this action. */
import {
  chartIngressEnabled,
  ingressOfRelease,
  ingressTerminating,
  ingressServesSomethingElse,
} from '../../failures/ingress-ownership.ts'
import { findValuesPath } from '../../clients/helm/milvus-chart.ts'
import { getHelmValue } from '../../clients/helm/values.ts'
import { ownedAnnotations } from '../../clients/kubernetes/field-ownership.ts'
import type { Ingress, IngressBackend, Service } from '../../clients/kubernetes/types.ts'
import type { EndpointSettings } from '../../inputs/types.ts'
import { fieldManager } from '../ingress/manifest.ts'
import { getLegacyClass, legacyClassAnnotation } from './ingress-class.ts'
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

/** The port of Milvus' Service that the Ingress is to forward to. */
export interface MilvusPort {
  readonly service: Service
  readonly port: number
}

/** What an Ingress is compared with. */
export interface IngressContext {
  /** Undefined when the port was not found. */
  readonly milvus: MilvusPort | undefined
  /** Of the class of the run; undefined when that cannot be read. */
  readonly controller: string | undefined
}

/**
 * @throws ActionError `ingress-terminating`, `ingress-not-ours`
 */
export function rejectForeignIngress(
  settings: EndpointSettings,
  ingress: Ingress,
  { milvus, controller }: IngressContext,
): void {
  const { name, deletionTimestamp, annotations = {} } = ingress.metadata
  if (deletionTimestamp !== undefined) throw ingressTerminating(name, deletionTimestamp)
  const release = annotations['meta.helm.sh/release-name']
  if (release !== undefined) throw ingressOfRelease(name, release)
  if (settings.ingress.forceConflicts || isAppliedByAction(ingress)) return
  const purposes = findOtherPurposes(settings, ingress, controller)
  if (milvus) purposes.push(...findOtherBackends(ingress, milvus))
  if (purposes.length > 0) throw ingressServesSomethingElse(name, purposes)
}

/**
 * The class and hosts of an Ingress that differ from the inputs. The legacy annotation is a class,
 * too, and wins over the field.
 * @param controller of the class of the run; undefined when that cannot be read
 */
export function findOtherPurposes(
  settings: EndpointSettings,
  ingress: Ingress,
  controller: string | undefined,
): string[] {
  const { ingressClassName, rules = [] } = ingress.spec
  const hosts = rules.map(({ host }) => host ?? '*')
  const purposes = hosts.filter((host) => host !== settings.host)
  const legacyClass = getLegacyClass(ingress, controller)
  if ((legacyClass ?? ingressClassName) === settings.ingress.className) return purposes
  const className =
    legacyClass === undefined
      ? (ingressClassName ?? '(none)')
      : `${legacyClass} (annotation ${legacyClassAnnotation})`
  return [`class ${className}`, ...purposes]
}

/**
 * What an Ingress serves beside Milvus: an apply would replace its rules, and turn the target group
 * of its default backend into a gRPC one.
 */
export function findOtherBackends({ spec }: Ingress, milvus: MilvusPort): string[] {
  const purposes: string[] = []
  for (const { path = '/', backend } of (spec.rules ?? []).flatMap(({ http }) => http?.paths ?? []))
    if (!['/', '/*'].includes(path)) purposes.push(`path ${path} (${describeBackend(backend)})`)
    else if (!isMilvus(backend, milvus)) purposes.push(describeBackend(backend))
  if (spec.defaultBackend) purposes.push(`defaultBackend (${describeBackend(spec.defaultBackend)})`)
  return purposes
}

function isMilvus({ service: backend }: IngressBackend, { service, port }: MilvusPort): boolean {
  if (backend?.name !== service.metadata.name) return false
  const named = service.spec.ports?.find(({ name }) => name === backend.port?.name)
  return (backend.port?.number ?? named?.port) === port
}

function describeBackend({ service, resource }: IngressBackend): string {
  if (!service) return resource ? `${resource.kind} ${resource.name}` : 'no backend'
  const port = service.port?.number ?? service.port?.name
  return `Service ${service.name}${port === undefined ? '' : `:${port}`}`
}
