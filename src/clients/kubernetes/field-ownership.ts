/**
 * Field ownership: what managedFields says, and moving it. Source: Kubernetes, server-side apply;
 * client-go, util/csaupgrade.
 */
import type { KubernetesObject, FieldsV1, ManagedFieldsEntry } from './types.ts'

/** The manager of what `kubectl apply` without --server-side owns. */
export const kubectlManager = 'kubectl-client-side-apply'

/** The annotations that `manager` owns by server-side apply. */
export function ownedAnnotations(object: KubernetesObject, manager: string): Set<string> {
  const keys = findAppliedFields(object, manager)?.['f:metadata']?.['f:annotations'] ?? {}
  return new Set(
    Object.keys(keys).flatMap((field) => (field.startsWith('f:') ? [field.slice(2)] : [])),
  )
}

function findAppliedFields(object: KubernetesObject, manager: string): FieldsV1 | undefined {
  return object.metadata.managedFields?.find((entry) => isApplyEntry(entry, manager))?.fieldsV1
}

/**
 * Who holds a field, whoever set something last first.
 * @param path of the field, as managedFields has it: `['f:spec', 'f:rules']`
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
 * What `fields` and `kubectlManager` have in common: what an apply of ours could conflict with, or
 * never take away.
 */
export function fieldsOwnedByKubectl(object: KubernetesObject, fields: FieldsV1): FieldsV1 {
  return intersect(fields, findKubectlEntry(object)?.fieldsV1 ?? {})
}

/**
 * managedFields with the ownership of `fields` moved from `kubectl apply` to `manager`, as
 * kubectl's own upgrade to server-side apply moves all of it. What is not in `fields` stays with
 * kubectl: nobody asked us to take it away.
 * @param now ISO 8601
 */
export function transferManagedFields(
  object: KubernetesObject,
  fields: FieldsV1,
  manager: string,
  now: string,
): ManagedFieldsEntry[] {
  const kubectlOwned = findKubectlEntry(object)
  const ownEntry = object.metadata.managedFields?.find((entry) => isApplyEntry(entry, manager))
  const transferredFields = merge(ownEntry?.fieldsV1 ?? {}, fieldsOwnedByKubectl(object, fields))
  const otherEntries = (object.metadata.managedFields ?? []).filter(
    (entry) => entry !== kubectlOwned && entry !== ownEntry,
  )
  return [
    ...otherEntries,
    ...(kubectlOwned
      ? [{ ...kubectlOwned, fieldsV1: subtract(kubectlOwned.fieldsV1 ?? {}, fields) }]
      : []),
    {
      ...(ownEntry ?? {
        manager,
        operation: 'Apply',
        apiVersion: kubectlOwned?.apiVersion ?? '',
        fieldsType: 'FieldsV1',
      }),
      time: now,
      fieldsV1: transferredFields,
    },
  ]
}

/**
 * managedFields of `now` with what `kubectl apply` held in `before`, and nothing of `manager`: the
 * way back from `takeOver`.
 */
export function restoreManagedFields(
  current: KubernetesObject,
  previous: KubernetesObject,
  manager: string,
): ManagedFieldsEntry[] {
  const [currentKubectlEntry, previousKubectlEntry] = [
    findKubectlEntry(current),
    findKubectlEntry(previous),
  ]
  return [
    ...(current.metadata.managedFields ?? []).filter(
      (entry) => entry !== currentKubectlEntry && !isApplyEntry(entry, manager),
    ),
    ...(previousKubectlEntry ? [previousKubectlEntry] : []),
  ]
}

const findKubectlEntry = (object: KubernetesObject): ManagedFieldsEntry | undefined =>
  object.metadata.managedFields?.find(
    (entry) =>
      entry.manager === kubectlManager && entry.operation === 'Update' && !entry.subresource,
  )

const isApplyEntry = (entry: ManagedFieldsEntry, manager: string): boolean =>
  entry.manager === manager && entry.operation === 'Apply' && !entry.subresource

const isLeaf = (tree: FieldsV1): boolean => Object.keys(tree).length === 0

/** The leaves of `a` that `b` has too. */
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

/** `a` without the leaves of `b`, and without branches that this leaves bare. */
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
