/** The workloads of a manifest, and which of their pods an upgrade replaces. */
import { isDeepStrictEqual } from 'node:util'
import { parseManifestObject, parseManifest, type ManifestObject } from './manifest-objects.ts'

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

interface WorkloadSpec {
  readonly replicas?: unknown
  readonly strategy?: { readonly type?: unknown }
  readonly updateStrategy?: { readonly type?: unknown }
  readonly template?: {
    readonly metadata?: { readonly labels?: Readonly<Record<string, unknown>> }
  }
  readonly selector?: Readonly<Record<string, unknown>>
}

/**
 * The workloads of a manifest, in its order. One that is no YAML to us is left out: helm decides
 * what it is.
 */
export function findWorkloads(manifest: string): Workload[] {
  return parseManifest(manifest)
    .filter(({ kind }) => workloadKinds.has(kind))
    .flatMap((object) => {
      const { kind, name } = object
      const spec = parseSpec(object)
      if (spec === undefined) return []
      const strategy = (spec.strategy ?? spec.updateStrategy)?.type
      return [
        {
          kind,
          name,
          spec,
          replicas: readReplicas(kind, spec),
          strategy: typeof strategy === 'string' ? strategy : undefined,
          podLabels: spec.template?.metadata?.labels ?? {},
          podTemplate: spec.template,
        },
      ]
    })
}

/**
 * The labels by which a Service of a manifest selects its pods; undefined when it is not in the
 * manifest.
 */
export function findServiceSelector(
  manifest: string,
  service: string,
): Readonly<Record<string, unknown>> | undefined {
  const object = parseManifest(manifest).find(
    ({ kind, name }) => kind === 'Service' && name === service,
  )
  return object && parseSpec(object)?.selector
}

const parseSpec = (object: ManifestObject): WorkloadSpec | undefined =>
  (parseManifestObject(object) as { readonly spec?: WorkloadSpec } | null | undefined)?.spec

function readReplicas(kind: string, { replicas }: WorkloadSpec): number | undefined {
  if (kind === 'DaemonSet') return undefined
  return typeof replicas === 'number' ? replicas : undefined
}

/**
 * The workloads of an upgrade whose pods it replaces: those that were there, with another pod
 * template.
 */
export function findRestartedWorkloads(before: string, after: string): Workload[] {
  const previousWorkloads = indexWorkloads(before)
  return findWorkloads(after).filter((workload) => {
    const previous = previousWorkloads.get(formatWorkloadKey(workload))
    return (
      previous !== undefined &&
      workload.replicas !== 0 &&
      workload.strategy !== 'OnDelete' &&
      !isDeepStrictEqual(previous.podTemplate, workload.podTemplate)
    )
  })
}

/**
 * The workloads of a first revision that any upgrade restarts, as far as their manifest tells: etcd
 * is told whether it makes its cluster or joins it. Source: the chart etcd that Milvus' chart
 * includes, templates/statefulset.yaml, ETCD_INITIAL_CLUSTER_STATE.
 */
export function findRestartedByFirstUpgrade(manifest: string): Workload[] {
  const initializesEtcdCluster = ({ podTemplate }: Workload): boolean => {
    const { containers = [] } = (podTemplate as PodTemplate | undefined)?.spec ?? {}
    return containers.some(({ env }) =>
      env?.some(({ name, value }) => name === 'ETCD_INITIAL_CLUSTER_STATE' && value === 'new'),
    )
  }
  return findWorkloads(manifest).filter(
    (workload) => workload.replicas !== 0 && initializesEtcdCluster(workload),
  )
}

interface PodTemplate {
  readonly spec?: {
    readonly containers?: readonly {
      readonly env?: readonly { readonly name?: unknown; readonly value?: unknown }[] | null
    }[]
  }
}

/** The workloads of an upgrade that it creates or changes in any way: helm can wait for those. */
export function findChangedWorkloads(before: string, after: string): Workload[] {
  const previousWorkloads = indexWorkloads(before)
  return findWorkloads(after).filter(
    (workload) =>
      !isDeepStrictEqual(previousWorkloads.get(formatWorkloadKey(workload))?.spec, workload.spec),
  )
}

const formatWorkloadKey = ({ kind, name }: Workload): string => `${kind} ${name}`
const indexWorkloads = (manifest: string): Map<string, Workload> =>
  new Map(findWorkloads(manifest).map((workload) => [formatWorkloadKey(workload), workload]))

/**
 * `StatefulSet milvus-demo-etcd: 3 pods, one after the other`. Source: Kubernetes, update
 * strategies of Deployments, StatefulSets and DaemonSets.
 */
export function describeRestart({ kind, name, replicas, strategy }: Workload): string {
  const pods = replicas === undefined ? 'its pods' : `${replicas} pod${replicas === 1 ? '' : 's'}`
  if (replicas === 1) return `${kind} ${name}: ${pods}`
  if (strategy === 'Recreate') return `${kind} ${name}: ${pods}, all at once`
  return `${kind} ${name}: ${pods}, ${kind === 'Deployment' ? 'a few at a time, new ones first' : 'one after the other'}`
}
