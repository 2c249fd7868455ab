/**
 * The subresource `scale`, which `kubectl scale` and autoscalers read and write instead of the
 * object. Sources: Kubernetes API reference, autoscaling/v1 Scale; apimachinery,
 * util/managedfields/scalehandler.go, for the ownership of `spec.replicas`.
 */
import { applyPatch } from './patches.ts'
import type { Registry } from './registry.ts'
import type { Patch, WriteOptions } from './writes.ts'
import { formatQualifiedName, type Resource } from './resources.ts'
import { ApiError, notImplemented } from './api-errors.ts'
import { getIn, asObject, asString, type JsonObject, type KubernetesObject } from './types.ts'

const scalableKinds = new Set(['Deployment', 'ReplicaSet', 'StatefulSet'])

/** Whether a resource has the subresource `scale`. */
export const hasScale = ({ group, kind }: Resource): boolean =>
  group === 'apps' && scalableKinds.has(kind)

/** A request for the scale of an object. */
export interface ScaleRequest {
  readonly method: string
  /** Of a PUT, its body is the whole Scale. */
  readonly patch: Patch
  readonly writeOptions: WriteOptions
}

/**
 * Reads or changes the number of pods of an object.
 * @returns the resulting Scale
 */
export function handleScale(
  registry: Registry,
  resource: Resource,
  live: KubernetesObject,
  request: ScaleRequest,
): JsonObject {
  if (request.method === 'GET') return toScale(live)
  const requested = parseRequestedScale(resource, live, request)
  const replicas = getIn(requested, 'spec', 'replicas') ?? 0
  if (typeof replicas !== 'number' || replicas < 0)
    throw new ApiError(
      422,
      'Invalid',
      `Scale.autoscaling "${live.metadata.name}" is invalid: spec.replicas: ` +
        `Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
    )
  const resourceVersion = asString(getIn(requested, 'metadata', 'resourceVersion'))
  const metadata = { ...live.metadata, ...(resourceVersion === '' ? {} : { resourceVersion }) }
  return toScale(
    registry.update(
      resource,
      { ...live, metadata, spec: { ...asObject(live['spec']), replicas } },
      { ...request.writeOptions, subresource: 'scale' },
    ),
  )
}

function parseRequestedScale(
  resource: Resource,
  live: KubernetesObject,
  { method, patch }: ScaleRequest,
): JsonObject {
  if (method === 'PUT') return asObject(patch.body)
  if (method === 'PATCH') return applyPatch(resource, toScale(live), patch.body, patch.mediaType)
  throw notImplemented(`${method} the scale of ${formatQualifiedName(resource)}`)
}

function toScale({ metadata, spec, status }: KubernetesObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  const selector = Object.entries(asObject(getIn(spec, 'selector', 'matchLabels')))
    .map(([key, value]) => `${key}=${asString(value)}`)
    .join(',')
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: getIn(spec, 'replicas') },
    status: { replicas: getIn(status, 'replicas') ?? 0, selector },
  }
}

/** The subresource in the discovery document. */
export const scaleDiscoveryEntries = (resource: Resource): JsonObject[] =>
  hasScale(resource)
    ? [
        {
          name: `${resource.plural}/scale`,
          singularName: '',
          namespaced: true,
          group: 'autoscaling',
          version: 'v1',
          kind: 'Scale',
          verbs: ['get', 'patch', 'update'],
        },
      ]
    : []
