/**
 * The state that a run leaves in the cluster and in AWS, in a form that allows comparing two runs.
 */
import { X509Certificate } from 'node:crypto'
import type { KubernetesObject } from '../../simulator/kubernetes/types.ts'
import type { Simulator } from '../../simulator/simulator.ts'
import { decodeRevision, parseRevisionLabels } from '../../src/clients/helm/release-storage.ts'

/** The state that is left. Only the release is inspected on its own. */
export interface State {
  readonly release?: { readonly status: string }
  readonly [name: string]: unknown
}

/**
 * The newest revision shows whether the release is pending. Excludes names that differ between
 * imports, and the annotation that only triggers the controller.
 */
export function captureState({ kubernetes, awsState: state, namespace }: Simulator): State {
  const arns = [...state.certificates.keys()]
  const revisions = kubernetes
    .list('Secret', namespace)
    .flatMap(({ metadata, ...object }) => {
      const labels = parseRevisionLabels(metadata.labels)
      return labels
        ? [
            {
              ...labels,
              content: (object as unknown as { data: { release: string } }).data.release,
            },
          ]
        : []
    })
    .sort((a, b) => b.revision - a.revision)
  const [newest] = revisions
  const release = newest && decodeRevision(newest.content, 'Secret', newest.name)
  const remaining = {
    certificates: [...state.certificates.values()].map(({ certificate, chain, tags }) => ({
      serial: new X509Certificate(certificate).serialNumber,
      chain: chain !== '',
      tags: Object.fromEntries([...tags].sort()),
    })),
    ingresses: kubernetes.list('Ingress', namespace).map(({ metadata, ...object }) => {
      const annotations = Object.entries(metadata.annotations ?? {})
        .filter(([key]) => key !== 'milvus-alb-action/reconcile-requested-at')
        .sort()
      return { name: metadata.name, annotations, spec: object['spec'] }
    }),
    loadBalancers: [...state.loadBalancers.values()].map(({ listeners }) =>
      listeners.map(({ port, certificateArns }) => ({ port, certificateArns })),
    ),
    objects: releaseKinds.flatMap((kind) =>
      kubernetes
        .list(kind, namespace)
        .filter(({ metadata }) => metadata.labels?.['owner'] !== 'helm')
        .map(stripGeneratedFields),
    ),
    release: release && {
      status: release.status,
      chart: release.chart.version,
      values: release.values,
    },
    holders: kubernetes
      .list('Lease', namespace)
      .map((lease) => getLeaseHolder(lease['spec'] as LeaseSpec))
      .filter((holder) => holder !== 'none'),
  }
  return JSON.parse(
    arns.reduce((text, arn) => text.replaceAll(arn, 'ARN'), JSON.stringify(remaining)),
  ) as State
}

/** The kinds of objects in a release. */
const releaseKinds = [
  'ConfigMap',
  'Secret',
  'PersistentVolumeClaim',
  'ServiceAccount',
  'Role',
  'RoleBinding',
  'Service',
  'Deployment',
  'StatefulSet',
  'Job',
  'PodDisruptionBudget',
  'HorizontalPodAutoscaler',
  'ServiceMonitor',
] as const

/** An object's desired state, without generated fields and counters. */
function stripGeneratedFields({
  metadata: { name, labels, annotations },
  ...object
}: KubernetesObject): unknown {
  const generatedFields = new Set([
    'status',
    'clusterIP',
    'clusterIPs',
    'nodePort',
    'deployment.kubernetes.io/revision',
  ])
  return JSON.parse(
    JSON.stringify({ name, labels, annotations, ...object }, (key, value: unknown) =>
      generatedFields.has(key) ? undefined : value,
    ),
  )
}

interface LeaseSpec {
  readonly holderIdentity?: string
  readonly renewTime?: string
}

/** An expired Lease has no holder. */
const getLeaseHolder = ({ holderIdentity, renewTime = '' }: LeaseSpec): string =>
  Date.parse(renewTime) > Date.now() - 30_000 ? (holderIdentity ?? 'none') : 'none'

const comparedKinds = [
  'Namespace',
  ...releaseKinds,
  'Ingress',
  'TargetGroupBinding',
  'Lease',
] as const

/**
 * Everything in the cluster and in AWS except times and generated names. Equal for two runs that
 * leave the next run in the same situation.
 */
export function serializeState({ kubernetes, awsState: state }: Simulator): string {
  const objects = comparedKinds.flatMap((kind) =>
    kubernetes
      .list(kind)
      .map(
        ({
          metadata: { name, namespace, labels, annotations, finalizers, deletionTimestamp },
          ...object
        }) => {
          const release =
            parseRevisionLabels(labels) &&
            decodeRevision(
              (object as unknown as { data: { release: string } }).data.release,
              'Secret',
              name,
            )
          return {
            kind,
            name,
            namespace,
            labels,
            annotations,
            finalizers,
            isGoing: deletionTimestamp !== undefined,
            content: release ?? object,
          }
        },
      ),
  )
  const { certificates, loadBalancers, targetGroups } = state
  const serialized = JSON.stringify(
    {
      objects,
      account: [certificates, loadBalancers, targetGroups].map((map) => [...map.values()]),
    },
    (_key, value: unknown) =>
      value instanceof Map ? [...(value as Map<unknown, unknown>)] : value,
  )
  return generatedValuePatterns.reduce(
    (text, [pattern, name]) => text.replace(pattern, name),
    serialized,
  )
}

/**
 * Adds a value.
 * @returns whether it was absent before
 */
export function addIfAbsent(seenValues: Set<string>, value: string): boolean {
  const { size } = seenValues
  return seenValues.add(value).size > size
}

const generatedValuePatterns: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT[\d:.+-]+Z?/g, 'TIME'],
  [/"\d{10}"/g, '"TIME"'],
  [/[0-9a-f]{8}-[0-9a-f-]{27}/g, 'UUID'],
  [/(app|net|loadbalancer|targetgroup|listener|listener-rule)(\/[\w.-]+)*\/[0-9a-f]{16}/g, 'ARN'],
  // Derived from the Ingress' uid. Source: aws-load-balancer-controller,
  // model_build_target_group.go.
  [/(?<=k8s-\w+-\w+-)[0-9a-f]{10}/g, 'HASH'],
  [/-\d+(?=\.[a-z0-9-]+\.elb\.)/g, '-ID'],
  [/(?<=\.)[0-9a-f]{8}\b/g, 'RUN'],
  [/"nodePort":\d+/g, '"nodePort":"PORT"'],
  [/"(activeAt|healthyAt)":\d+/g, '"at":"TIME"'],
]
