/** The workloads of a manifest, and which of their pods an upgrade replaces. */
import { isDeepStrictEqual } from 'node:util'
import { load } from 'js-yaml'

/** A Deployment, StatefulSet or DaemonSet, as far as an upgrade restarts it. */
export interface Workload {
  readonly kind: string
  readonly name: string
  /** Undefined where the manifest does not say: an autoscaler, or one pod for each node. */
  readonly replicas: number | undefined
  /** How Kubernetes replaces pods. */
  readonly strategy: string | undefined
  readonly podLabels: Readonly<Record<string, unknown>>
  /** `spec.template`: pods are replaced when it changes. Secret. */
  readonly podTemplate: unknown
  /** Secret. */
  readonly spec: unknown
}

const workloadKinds = new Set(['Deployment', 'StatefulSet', 'DaemonSet'])

interface ManifestObject {
  readonly kind?: unknown
  readonly metadata?: { readonly name?: unknown }
  readonly spec?: Specification
}

interface Specification {
  readonly replicas?: unknown
  readonly strategy?: { readonly type?: unknown }
  readonly updateStrategy?: { readonly type?: unknown }
  readonly template?: { readonly metadata?: { readonly labels?: Readonly<Record<string, unknown>> } }
  readonly selector?: Readonly<Record<string, unknown>>
}

/** The workloads of a manifest, in its order. A document that is no YAML to us is none: helm decides what it is. */
export function workloadsOf(manifest: string): Workload[] {
  return objectsOf(manifest).flatMap(({ kind, metadata, spec }) => {
    if (typeof kind !== 'string' || !workloadKinds.has(kind) || spec === undefined) return []
    const strategy = (spec.strategy ?? spec.updateStrategy)?.type
    return [{
      kind, name: String(metadata?.name), spec,
      replicas: replicasOf(kind, spec),
      strategy: typeof strategy === 'string' ? strategy : undefined,
      podLabels: spec.template?.metadata?.labels ?? {},
      podTemplate: spec.template,
    }]
  })
}

/** The labels by which a Service of a manifest selects its pods; undefined when it is not in the manifest. */
export function selectorOf(manifest: string, service: string): Readonly<Record<string, unknown>> | undefined {
  return objectsOf(manifest).find(({ kind, metadata }) => kind === 'Service' && metadata?.name === service)?.spec?.selector
}

function replicasOf(kind: string, { replicas }: Specification): number | undefined {
  if (kind === 'DaemonSet') return undefined
  return typeof replicas === 'number' ? replicas : undefined
}

function objectsOf(manifest: string): ManifestObject[] {
  return manifest.split(/^---.*$/m).flatMap((document) => {
    try {
      const object = load(document) as ManifestObject | null | undefined
      return typeof object === 'object' && object !== null ? [object] : []
    } catch {
      return []
    }
  })
}

/** The workloads of an upgrade whose pods it replaces: those that were there, with another pod template. */
export function restartedWorkloads(before: string, after: string): Workload[] {
  const old = byName(before)
  return workloadsOf(after).filter((workload) => {
    const was = old.get(keyOf(workload))
    return was !== undefined && workload.replicas !== 0 && workload.strategy !== 'OnDelete' && !isDeepStrictEqual(was.podTemplate, workload.podTemplate)
  })
}

/** The workloads of an upgrade that it creates or changes in any way: helm can wait for those. */
export function changedWorkloads(before: string, after: string): Workload[] {
  const old = byName(before)
  return workloadsOf(after).filter((workload) => !isDeepStrictEqual(old.get(keyOf(workload))?.spec, workload.spec))
}

const keyOf = ({ kind, name }: Workload): string => `${kind} ${name}`
const byName = (manifest: string): Map<string, Workload> => new Map(workloadsOf(manifest).map((workload) => [keyOf(workload), workload]))

/** `StatefulSet milvus-demo-etcd: 3 pods, one after the other`. Source: Kubernetes, update strategies of Deployments, StatefulSets and DaemonSets. */
export function restartInWords({ kind, name, replicas, strategy }: Workload): string {
  const pods = replicas === undefined ? 'its pods' : `${replicas} pod${replicas === 1 ? '' : 's'}`
  if (replicas === 1) return `${kind} ${name}: ${pods}`
  if (strategy === 'Recreate') return `${kind} ${name}: ${pods}, all at once`
  return `${kind} ${name}: ${pods}, ${kind === 'Deployment' ? 'a few at a time, new ones first' : 'one after the other'}`
}
