/**
 * The subresource `scale`: what `kubectl scale` and autoscalers read and write in place of the object. Sources: Kubernetes API
 * reference, autoscaling/v1 Scale; apimachinery, util/managedfields/scalehandler.go, for who owns `spec.replicas` then.
 */
import { patched } from './patches.ts'
import type { Registry, Write } from './registry.ts'
import { qualified, type Resource } from './resources.ts'
import { ApiError, notInSandbox } from './status.ts'
import { at, fields, text, type Json, type JsonObject, type KubernetesObject } from './types.ts'

const scalable = new Set(['Deployment', 'ReplicaSet', 'StatefulSet'])

/** Whether objects of a resource can be scaled. */
export const hasScale = ({ group, kind }: Resource): boolean => group === 'apps' && scalable.has(kind)

/** A request for the scale of an object. */
export interface ScaleRequest {
  readonly method: string
  readonly mediaType: string
  readonly body: Json
  readonly write: Write
}

/** Reads or changes how many pods an object wants. @returns the Scale as it is then */
export function serveScale(registry: Registry, resource: Resource, live: KubernetesObject, { method, mediaType, body, write }: ScaleRequest): JsonObject {
  if (method === 'GET') return scaleOf(live)
  const wanted = wantedScale(resource, live, method, body, mediaType)
  const replicas = at(wanted, 'spec', 'replicas') ?? 0
  if (typeof replicas !== 'number' || replicas < 0) throw new ApiError(422, 'Invalid', `Scale.autoscaling "${live.metadata.name}" is invalid: spec.replicas: Invalid value: ${JSON.stringify(replicas)}: must be greater than or equal to 0`)
  const resourceVersion = text(at(wanted, 'metadata', 'resourceVersion'))
  const metadata = { ...live.metadata, ...(resourceVersion === '' ? {} : { resourceVersion }) }
  return scaleOf(registry.update(resource, { ...live, metadata, spec: { ...fields(live['spec']), replicas } }, { ...write, subresource: 'scale' }))
}

function wantedScale(resource: Resource, live: KubernetesObject, method: string, body: Json, mediaType: string): JsonObject {
  if (method === 'PUT') return fields(body)
  if (method === 'PATCH') return patched(resource, scaleOf(live), body, mediaType)
  throw notInSandbox(`${method} the scale of ${qualified(resource)}`)
}

function scaleOf({ metadata, spec, status }: KubernetesObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata
  const selector = Object.entries(fields(at(spec, 'selector', 'matchLabels'))).map(([key, value]) => `${key}=${text(value)}`).join(',')
  return {
    kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: at(spec, 'replicas') }, status: { replicas: at(status, 'replicas') ?? 0, selector },
  }
}

/** The subresource as discovery lists it. */
export const scaleInDiscovery = (resource: Resource): JsonObject[] => (hasScale(resource)
  ? [{ name: `${resource.plural}/scale`, singularName: '', namespaced: true, group: 'autoscaling', version: 'v1', kind: 'Scale', verbs: ['get', 'patch', 'update'] }]
  : [])

