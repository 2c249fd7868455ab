/**
 * Manual operations in the cluster, with kubectl as its administrator. Those on Ingresses and load
 * balancers, with Helm and in ACM are in the files ending in `-manual-operations.ts`.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestEnvironment } from '../../testing/environment.ts'

/** An object of the cluster, with the fields that scenarios inspect. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly labels?: Readonly<Record<string, string>>
    readonly finalizers?: readonly string[]
  }
  readonly [field: string]: unknown
}

/** @returns undefined when the object does not exist */
export async function getObject(
  environment: TestEnvironment,
  kind: string,
  name: string,
): Promise<KubernetesObject | undefined> {
  const text = await environment.kubectl('get', kind, name, '--ignore-not-found', '-o', 'json')
  return text === '' ? undefined : (JSON.parse(text) as KubernetesObject)
}

/** The kinds of objects in a release and its Ingress. */
const releaseKinds = [
  'configmaps',
  'persistentvolumeclaims',
  'serviceaccounts',
  'roles',
  'rolebindings',
  'services',
  'deployments',
  'statefulsets',
  'jobs',
  'poddisruptionbudgets',
  'horizontalpodautoscalers',
  'servicemonitors',
  'ingresses',
  'secrets',
]

/**
 * The desired state of every object in the namespace, by kind and name, without generated fields,
 * counters and Helm's own Secrets.
 */
export async function listNormalizedObjects(
  environment: TestEnvironment,
): Promise<Record<string, object>> {
  const { items } = JSON.parse(
    await environment.kubectl('get', releaseKinds.join(','), '-o', 'json'),
  ) as { items: KubernetesObject[] }
  const normalized = items
    .filter(({ metadata }) => metadata.labels?.['owner'] !== 'helm')
    .map(({ kind, metadata: { name, labels, annotations }, ...object }) => {
      const generatedFields = new Set([
        'apiVersion',
        'status',
        'clusterIP',
        'clusterIPs',
        'nodePort',
        'healthCheckNodePort',
        'deployment.kubernetes.io/revision',
        'milvus-alb-action/reconcile-requested-at',
      ])
      const text = JSON.stringify({ ...object, labels, annotations }, (key, value: unknown) =>
        generatedFields.has(key) ? undefined : value,
      )
      return [
        `${kind} ${name}`,
        JSON.parse(text.replace(/(?<=:certificate\/)[0-9a-f-]+/g, 'ID')) as object,
      ] as const
    })
  return Object.fromEntries(normalized)
}

/** Creates objects, in the namespace of Milvus when the first one has none. */
export async function createObjects(
  environment: TestEnvironment,
  ...objects: readonly KubernetesObject[]
): Promise<void> {
  await environment.kubectl(
    'create',
    '--namespace',
    objects[0]?.metadata.namespace ?? environment.namespace,
    '-f',
    await writeManifest(environment, objects),
  )
}

/** Replaces the object of the same name. */
export async function replaceObject(
  environment: TestEnvironment,
  object: KubernetesObject,
): Promise<void> {
  await environment.kubectl('replace', '-f', await writeManifest(environment, [object]))
}

/** @returns the path of a file with these objects */
export async function writeManifest(
  environment: TestEnvironment,
  objects: readonly KubernetesObject[],
): Promise<string> {
  const path = join(environment.directory, 'by-hand.yaml')
  await writeFile(path, objects.map((object) => JSON.stringify(object)).join('\n---\n'))
  return path
}

/** The Lease that prevents concurrent runs. */
export const leaseName = 'milvus-alb-action'

export async function updateLease(environment: TestEnvironment, spec: object): Promise<void> {
  const live = await getObject(environment, 'lease', leaseName)
  if (!live) throw new Error(`there is no Lease ${leaseName}`)
  await replaceObject(environment, {
    ...live,
    metadata: { ...live.metadata, namespace: environment.namespace },
    spec: { ...(live['spec'] as object), ...spec },
  })
}

/** Simulates half a minute in which no run renews the Lease. */
export const expireLease = (environment: TestEnvironment): Promise<void> =>
  updateLease(environment, { renewTime: '2026-01-01T00:00:00.000000Z' })

/**
 * Creates what the Milvus Operator or plain manifests create: a Deployment and a Service without
 * Helm's labels.
 */
export async function createMilvusObjects(
  environment: TestEnvironment,
  name: string,
): Promise<void> {
  const labels = { app: name }
  const container = {
    name: 'milvus',
    image: 'milvusdb/milvus',
    ports: [{ name: 'milvus', containerPort: 19530 }],
  }
  await createObjects(
    environment,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, labels },
      spec: {
        replicas: 1,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [container] } },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, labels },
      spec: {
        type: 'ClusterIP',
        selector: labels,
        ports: [{ name: 'milvus', port: 19530, targetPort: 'milvus' }],
      },
    },
  )
}

/** Sets the number of pods of a Deployment. */
export const scaleDeployment = (
  environment: TestEnvironment,
  deployment: string,
  replicas: number,
): Promise<string> =>
  environment.kubectl('scale', 'deployment', deployment, `--replicas=${replicas}`)

/** Sets the image of a container of a Deployment. */
export const setDeploymentImage = (
  environment: TestEnvironment,
  deployment: string,
  container: string,
  image: string,
): Promise<string> =>
  environment.kubectl('set', 'image', `deployment/${deployment}`, `${container}=${image}`)

/**
 * Changes an object with a merge patch.
 * @param manager field manager of the changed fields; kubectl's own when absent
 */
export async function patchObject(
  environment: TestEnvironment,
  object: string,
  change: object,
  manager?: string,
): Promise<void> {
  await environment.kubectl(
    'patch',
    object,
    '--type',
    'merge',
    '--patch',
    JSON.stringify(change),
    ...(manager === undefined ? [] : ['--field-manager', manager]),
  )
}

/** Changes an object with a JSON patch. */
export async function applyJsonPatch(
  environment: TestEnvironment,
  object: string,
  operations: readonly object[],
): Promise<void> {
  await environment.kubectl('patch', object, '--type', 'json', '-p', JSON.stringify(operations))
}

/** Sets annotations with kubectl, or removes those that end with `-`. */
export async function annotateObject(
  environment: TestEnvironment,
  object: string,
  ...annotations: readonly string[]
): Promise<void> {
  await environment.kubectl('annotate', '--overwrite', object, ...annotations)
}

/** The type of a Service. */
export const getServiceType = async (
  environment: TestEnvironment,
  name = 'milvus-demo',
): Promise<unknown> =>
  ((await getObject(environment, 'service', name))?.['spec'] as { type?: string } | undefined)?.type

/** Creates an autoscaler for a Deployment, and sets the number of pods as that autoscaler would. */
export async function createAutoscaler(
  environment: TestEnvironment,
  deployment: string,
  replicas: number,
): Promise<void> {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: deployment }
  await createObjects(environment, {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name: deployment },
    spec: { scaleTargetRef, minReplicas: replicas, maxReplicas: replicas },
  })
  await environment.kubectl(
    'patch',
    'deployment',
    deployment,
    '--subresource',
    'scale',
    '--type',
    'merge',
    '--patch',
    JSON.stringify({ spec: { replicas } }),
    '--field-manager',
    'kube-controller-manager',
  )
}
