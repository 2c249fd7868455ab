/**
 * What the API does for `kubectl apply --server-side`, under kubectl's own manager name only: it
 * ignores conflicts in fields that `kubectl apply` wrote earlier, and updates the annotation that
 * records them.
 */
import { formatField, collectFieldValues } from './field-sets.ts'
import { serverSideApply, type ApplyRequest, type ApplyResult } from './server-side-apply.ts'
import { ApiError } from './api-errors.ts'
import { getIn, asArray, asString, type Json, type JsonObject } from './types.ts'

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'

/** Server-side apply, with the exceptions for kubectl. */
export function applyConfiguration(request: ApplyRequest): ApplyResult {
  if (request.writer.manager !== 'kubectl') return serverSideApply(request)
  const result = applyWithKubectlTakeover(request)
  const { metadata } = result.object
  if (metadata.annotations?.[lastAppliedAnnotation] === undefined) return result
  const annotations = {
    ...metadata.annotations,
    [lastAppliedAnnotation]: `${JSON.stringify(request.configuration)}\n`,
  }
  return { ...result, object: { ...result.object, metadata: { ...metadata, annotations } } }
}

function applyWithKubectlTakeover(request: ApplyRequest): ApplyResult {
  try {
    return serverSideApply(request)
  } catch (error) {
    const { resource, live } = request
    const lastApplied = asString(getIn(live, 'metadata', 'annotations', lastAppliedAnnotation))
    if (!(error instanceof ApiError) || error.code !== 409 || lastApplied === '') throw error
    const values = collectFieldValues(resource, JSON.parse(lastApplied) as JsonObject, false)
    const lastAppliedFields = new Set([...values.keys()].map(formatField))
    const conflicts = asArray(getIn(error.details, 'causes')).map((cause: Json) =>
      asString(getIn(cause, 'field')),
    )
    if (!conflicts.every((field) => lastAppliedFields.has(field))) throw error
    return serverSideApply({ ...request, force: true })
  }
}
