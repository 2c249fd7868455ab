/** Field ownership: what managedFields says. Source: Kubernetes, server-side apply. */
import type { AnyObject, FieldTree } from './types.ts'

/** The annotations that `manager` owns by server-side apply. */
export function ownedAnnotations(object: AnyObject, manager: string): Set<string> {
  const keys = appliedFields(object, manager)?.['f:metadata']?.['f:annotations'] ?? {}
  return new Set(Object.keys(keys).flatMap((field) => (field.startsWith('f:') ? [field.slice(2)] : [])))
}

/** Whether `manager` has applied this object before. */
export const hasApplied = (object: AnyObject, manager: string): boolean => appliedFields(object, manager) !== undefined

function appliedFields(object: AnyObject, manager: string): FieldTree | undefined {
  return object.metadata.managedFields?.find((entry) => entry.manager === manager && entry.operation === 'Apply' && !entry.subresource)?.fieldsV1
}
