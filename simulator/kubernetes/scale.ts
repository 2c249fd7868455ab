/**
 * The subresource `scale`: what `kubectl scale` and autoscalers read and write in place of the
 * object. Sources: Kubernetes API reference, autoscaling/v1 Scale; apimachinery,
 * util/managedfields/scalehandler.go, for who owns `spec.replicas` then.
 */
import { applyPatch } from './patches.ts'
import type { Registry, WriteOptions } from './registry.ts'
import { formatQualifiedName, type Resource } from './resources.ts'
import { ApiError, notImplemented } from './api-errors.ts'
import {
  getIn,
  asObject,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

const scalableKinds = new Set(['Deployment', 'ReplicaSet', 'StatefulSet'])

/** Whether objects of a resource can be scaled. */
export const hasScale = ({ group, kind }: Resource): boolean =>
  group === 'apps' && scalableKinds.has(kind)

/** A request for the scale of an object. */
export interface ScaleRequest {
  readonly method: string
  readonly mediaType: string
  readonly body: Json
  readonly writeOptions: WriteOptions
}

/**
 * Reads or changes how many pods an object wants.
 * @returns the Scale as it is then
 */
export function handleScale(
  registry: Registry,
  resource: Resource,
  live: KubernetesObject,
  { method, mediaType, body, writeOptions }: ScaleRequest,
): JsonObject {
  if (method === 'GET') return toScale(live)
  const requested = parseRequestedScale(resource, live, method, body, mediaType)
  const replicas = getIn(requested, 'spec', 'replicas') ?? 0
  if (typeof replicas !== 'number' || replicas < 0)
    throw new ApiError(
      422,
      'Invalid',
      `Scale.autoscaling "${live.metadata.name}" is invalid: spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`,
    )
  const resourceVersion = asString(getIn(requested, 'metadata', 'resourceVersion'))
  const metadata = { ...live.metadata, ...(resourceVersion === '' ? {} : { resourceVersion }) }
  return toScale(
    registry.update(
      resource,
      { ...live, metadata, spec: { ...asObject(live['spec']), replicas } },
      { ...writeOptions, subresource: 'scale' },
    ),
  )
}

function parseRequestedScale(
  resource: Resource,
  live: KubernetesObject,
  method: string,
  body: Json,
  mediaType: string,
): JsonObject {
  if (method === 'PUT') return asObject(body)
  if (method === 'PATCH') return applyPatch(resource, toScale(live), body, mediaType)
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

/** The subresource as discovery lists it. */
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
