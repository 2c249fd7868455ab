/**
 * What the API does for `kubectl apply --server-side` under kubectl's own manager name, and for no
 * other: conflicts in fields that `kubectl apply` wrote earlier are forgiven, and its record of
 * them is kept up to date.
 */
import { formatField, collectFieldValues } from './field-sets.ts'
import { serverSideApply, type ApplyResult } from './server-side-apply.ts'
import { ApiError } from './api-errors.ts'
import type { Resource } from './resources.ts'
import type { Writer } from './managed-fields.ts'
import {
  getIn,
  asArray,
  asString,
  type Json,
  type JsonObject,
  type KubernetesObject,
} from './types.ts'

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** Server-side apply, with kubectl's privileges when it is kubectl. */
export function applyConfiguration(
  resource: Resource,
  live: KubernetesObject | undefined,
  configuration: KubernetesObject,
  writer: Writer,
  force: boolean,
): ApplyResult {
  if (writer.manager !== 'kubectl')
    return serverSideApply(resource, live, configuration, writer, force)
  const result = applyWithKubectlTakeover(resource, live, configuration, writer, force)
  const { metadata } = result.object
  if (metadata.annotations?.[lastAppliedAnnotation] === undefined) return result
  const annotations = {
    ...metadata.annotations,
    [lastAppliedAnnotation]: `${JSON.stringify(configuration)}\n`,
  }
  return { ...result, object: { ...result.object, metadata: { ...metadata, annotations } } }
}

function applyWithKubectlTakeover(
  resource: Resource,
  live: KubernetesObject | undefined,
  configuration: KubernetesObject,
  writer: Writer,
  force: boolean,
): ApplyResult {
  try {
    return serverSideApply(resource, live, configuration, writer, force)
  } catch (error) {
    const lastApplied = asString(getIn(live, 'metadata', 'annotations', lastAppliedAnnotation))
    if (!(error instanceof ApiError) || error.code !== 409 || lastApplied === '') throw error
    const lastAppliedFields = new Set(
      [...collectFieldValues(resource, JSON.parse(lastApplied) as JsonObject, false).keys()].map(
        formatField,
      ),
    )
    const conflicts = asArray(getIn(error.details, 'causes')).map((cause: Json) =>
      asString(getIn(cause, 'field')),
    )
    if (!conflicts.every((field) => lastAppliedFields.has(field))) throw error
    return serverSideApply(resource, live, configuration, writer, true)
  }
}
