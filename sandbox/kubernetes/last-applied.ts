/**
 * What the API does for `kubectl apply --server-side` under kubectl's own manager name, and for no other: conflicts in
 * fields that `kubectl apply` wrote earlier are forgiven, and its record of them is kept up to date.
 */
import { fieldName, fieldValues } from './fields.ts'
import { serverSideApply, type Applied } from './apply.ts'
import { ApiError } from './status.ts'
import type { Resource } from './resources.ts'
import type { Writer } from './ownership.ts'
import { at, items, text, type Json, type JsonObject, type KubernetesObject } from './types.ts'

const record = 'kubectl.kubernetes.io/last-applied-configuration'

/** Server-side apply, with kubectl's privileges when it is kubectl. */
export function applyAs(resource: Resource, live: KubernetesObject | undefined, configuration: KubernetesObject, writer: Writer, force: boolean): Applied {
  if (writer.manager !== 'kubectl') return serverSideApply(resource, live, configuration, writer, force)
  const applied = forgiving(resource, live, configuration, writer, force)
  const { metadata } = applied.object
  if (metadata.annotations?.[record] === undefined) return applied
  const annotations = { ...metadata.annotations, [record]: `${JSON.stringify(configuration)}\n` }
  return { ...applied, object: { ...applied.object, metadata: { ...metadata, annotations } } }
}

function forgiving(resource: Resource, live: KubernetesObject | undefined, configuration: KubernetesObject, writer: Writer, force: boolean): Applied {
  try {
    return serverSideApply(resource, live, configuration, writer, force)
  } catch (error) {
    const last = text(at(live, 'metadata', 'annotations', record))
    if (!(error instanceof ApiError) || error.code !== 409 || last === '') throw error
    const forgiven = new Set([...fieldValues(resource, JSON.parse(last) as JsonObject, false).keys()].map(fieldName))
    const conflicts = items(at(error.details, 'causes')).map((cause: Json) => text(at(cause, 'field')))
    if (!conflicts.every((field) => forgiven.has(field))) throw error
    return serverSideApply(resource, live, configuration, writer, true)
  }
}
