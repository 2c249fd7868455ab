/** The workloads of a manifest, and which of them an upgrade restarts. */
import { isDeepStrictEqual } from 'node:util'
import { parseManifestObject, parseManifest, type ManifestObject } from './manifest-objects.ts'

/** The fields of a Deployment, StatefulSet or DaemonSet on which its restarts depend. */
export interface Workload {
  readonly kind: string
  readonly name: string
  /** Undefined when an autoscaler sets it, or when there is one pod per node. */
  readonly replicas: number | undefined
  /** Type of the strategy by which Kubernetes replaces pods. */
  readonly strategy: string | undefined
  readonly podLabels: Readonly<Record<string, unknown>>
  /** `spec.template`: Kubernetes replaces the pods when it changes. Secret. */
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

/** The workloads of a manifest, in its order, without those that js-yaml cannot parse. */
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

/** The pod selector of a Service; undefined when the manifest does not contain the Service. */
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

/** The workloads that an upgrade restarts: they exist, and their pod template changes. */
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
 * The workloads that the first upgrade of a release always restarts, as far as its first manifest
 * tells: the state of etcd's initial cluster changes from new to existing. Source: the chart etcd
 * that Milvus' chart includes, templates/statefulset.yaml, ETCD_INITIAL_CLUSTER_STATE.
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

/** The workloads that an upgrade creates or changes in any field. */
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

/** `StatefulSet milvus-demo-etcd: 3 pods, one after the other` */
export function describeRestart(workload: Workload): string {
  const { kind, name, replicas } = workload
  if (replicas === 1) return `${kind} ${name}: 1 pod`
  const pods = replicas === undefined ? 'its pods' : `${replicas} pods`
  return `${kind} ${name}: ${pods}, ${describeOrder(workload)}`
}

/** An entry of output `restarts`. */
export interface Restart {
  readonly object: string
  readonly pods: number | null
  readonly order: string
}

export const toRestart = (workload: Workload): Restart => ({
  object: `${workload.kind} ${workload.name}`,
  pods: workload.replicas ?? null,
  order: describeOrder(workload),
})

/** Source: Kubernetes, update strategies of Deployments, StatefulSets and DaemonSets. */
function describeOrder({ kind, strategy }: Workload): string {
  if (strategy === 'Recreate') return 'all at once'
  return kind === 'Deployment' ? 'a few at a time, new ones first' : 'one after the other'
}
