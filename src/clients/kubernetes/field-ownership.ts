/**
 * Field ownership: reading managedFields and transferring entries. Source: Kubernetes, server-side
 * apply; client-go, util/csaupgrade.
 */
import type { KubernetesObject, FieldsV1, ManagedFieldsEntry } from './types.ts'

/** The field manager of `kubectl apply` without --server-side. */
export const kubectlManager = 'kubectl-client-side-apply'

/** The annotations that `manager` owns by server-side apply. */
export function ownedAnnotations(object: KubernetesObject, manager: string): Set<string> {
  const keys = findAppliedFields(object, manager)?.['f:metadata']?.['f:annotations'] ?? {}
  return new Set(
    Object.keys(keys).flatMap((field) => (field.startsWith('f:') ? [field.slice(2)] : [])),
  )
}

/** The annotations that stay when `manager` applies the object without them. */
export function foreignAnnotations(
  object: KubernetesObject | undefined,
  manager: string,
): Record<string, string> {
  if (!object) return {}
  const ownedKeys = ownedAnnotations(object, manager)
  const isRemovable = (key: string): boolean =>
    ownedKeys.has(key) &&
    findFieldManagers(object, ['f:metadata', 'f:annotations', `f:${key}`]).length === 1
  const annotations = Object.entries(object.metadata.annotations ?? {})
  return Object.fromEntries(annotations.filter(([key]) => !isRemovable(key)))
}

function findAppliedFields(object: KubernetesObject, manager: string): FieldsV1 | undefined {
  return object.metadata.managedFields?.find((entry) => isApplyEntry(entry, manager))?.fieldsV1
}

/**
 * The owners of a field, the most recent first.
 * @param path of the field in the notation of managedFields: `['f:spec', 'f:rules']`
 */
export function findFieldManagers(
  object: KubernetesObject,
  path: readonly string[],
): ManagedFieldsEntry[] {
  const hasField = ({ fieldsV1 }: ManagedFieldsEntry): boolean =>
    path.reduce<FieldsV1 | undefined>((tree, field) => tree?.[field], fieldsV1) !== undefined
  return (object.metadata.managedFields ?? [])
    .filter((entry) => !entry.subresource && hasField(entry))
    .sort((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))
}

/**
 * Those of `fields` that `kubectl apply` owns: our apply would conflict with them, or could never
 * remove them.
 */
export function fieldsOwnedByKubectl(object: KubernetesObject, fields: FieldsV1): FieldsV1 {
  return intersect(fields, findKubectlEntry(object)?.fieldsV1 ?? {})
}

/**
 * The managedFields of an object after the ownership of `fields` moves from `kubectl apply` to
 * `manager`. kubectl's own migration to server-side apply moves everything; here, kubectl keeps all
 * other fields, because removing them was not requested.
 * @param now ISO 8601
 */
export function transferManagedFields(
  object: KubernetesObject,
  fields: FieldsV1,
  manager: string,
  now: string,
): ManagedFieldsEntry[] {
  const kubectlEntry = findKubectlEntry(object)
  const ownEntry = object.metadata.managedFields?.find((entry) => isApplyEntry(entry, manager))
  const entries = (object.metadata.managedFields ?? []).filter(
    (entry) => entry !== kubectlEntry && entry !== ownEntry,
  )
  if (kubectlEntry)
    entries.push({ ...kubectlEntry, fieldsV1: subtract(kubectlEntry.fieldsV1 ?? {}, fields) })
  const newEntry: ManagedFieldsEntry = {
    manager,
    operation: 'Apply',
    apiVersion: kubectlEntry?.apiVersion ?? '',
    fieldsType: 'FieldsV1',
  }
  entries.push({
    ...(ownEntry ?? newEntry),
    time: now,
    fieldsV1: merge(ownEntry?.fieldsV1 ?? {}, fieldsOwnedByKubectl(object, fields)),
  })
  return entries
}

/**
 * Reverts `transferManagedFields`: the managedFields of `current` with the entry that `kubectl
 * apply` had in `previous`, and without the one of `manager`.
 */
export function restoreManagedFields(
  current: KubernetesObject,
  previous: KubernetesObject,
  manager: string,
): ManagedFieldsEntry[] {
  const currentKubectlEntry = findKubectlEntry(current)
  const previousKubectlEntry = findKubectlEntry(previous)
  const entries = (current.metadata.managedFields ?? []).filter(
    (entry) => entry !== currentKubectlEntry && !isApplyEntry(entry, manager),
  )
  if (previousKubectlEntry) entries.push(previousKubectlEntry)
  return entries
}

const findKubectlEntry = (object: KubernetesObject): ManagedFieldsEntry | undefined =>
  object.metadata.managedFields?.find(
    (entry) =>
      entry.manager === kubectlManager && entry.operation === 'Update' && !entry.subresource,
  )

const isApplyEntry = (entry: ManagedFieldsEntry, manager: string): boolean =>
  entry.manager === manager && entry.operation === 'Apply' && !entry.subresource

const isLeaf = (tree: FieldsV1): boolean => Object.keys(tree).length === 0

/** The leaves of `a` that `b` contains too. */
function intersect(a: FieldsV1, b: FieldsV1): FieldsV1 {
  return Object.fromEntries(
    Object.entries(a).flatMap(([key, subtree]) => {
      const other = b[key]
      if (other === undefined) return []
      const intersection = intersect(subtree, other)
      return isLeaf(subtree) || !isLeaf(intersection) ? [[key, intersection] as const] : []
    }),
  )
}

function merge(a: FieldsV1, b: FieldsV1): FieldsV1 {
  return Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [
      key,
      merge(a[key] ?? {}, b[key] ?? {}),
    ]),
  )
}

/** `a` without the leaves of `b`, and without branches that become empty. */
function subtract(a: FieldsV1, b: FieldsV1): FieldsV1 {
  return Object.fromEntries(
    Object.entries(a).flatMap(([key, subtree]) => {
      const removed = b[key]
      if (removed === undefined) return [[key, subtree] as const]
      const remaining = subtract(subtree, removed)
      return isLeaf(removed) || (isLeaf(remaining) && !isLeaf(subtree))
        ? []
        : [[key, remaining] as const]
    }),
  )
}
