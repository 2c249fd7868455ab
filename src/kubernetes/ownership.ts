/** Field ownership: what managedFields says, and moving it. Source: Kubernetes, server-side apply; client-go, util/csaupgrade. */
import type { AnyObject, FieldTree, ManagedFields } from './types.ts'

/** The manager of what `kubectl apply` without --server-side owns. */
export const kubectlManager = 'kubectl-client-side-apply'

/** The annotations that `manager` owns by server-side apply. */
export function ownedAnnotations(object: AnyObject, manager: string): Set<string> {
  const keys = appliedFields(object, manager)?.['f:metadata']?.['f:annotations'] ?? {}
  return new Set(Object.keys(keys).flatMap((field) => (field.startsWith('f:') ? [field.slice(2)] : [])))
}

function appliedFields(object: AnyObject, manager: string): FieldTree | undefined {
  return object.metadata.managedFields?.find((entry) => isApply(entry, manager))?.fieldsV1
}

/**
 * Who holds a field, whoever set something last first.
 * @param path of the field, as managedFields has it: `['f:spec', 'f:rules']`
 */
export function holders(object: AnyObject, path: readonly string[]): ManagedFields[] {
  const holds = ({ fieldsV1 }: ManagedFields): boolean => path.reduce<FieldTree | undefined>((tree, field) => tree?.[field], fieldsV1) !== undefined
  return (object.metadata.managedFields ?? []).filter((entry) => !entry.subresource && holds(entry)).sort((a, b) => (b.time ?? '').localeCompare(a.time ?? ''))
}

/** What `fields` and `kubectlManager` have in common: what an apply of ours could conflict with, or never take away. */
export function heldByKubectl(object: AnyObject, fields: FieldTree): FieldTree {
  return common(fields, kubectlEntry(object)?.fieldsV1 ?? {})
}

/**
 * managedFields with the ownership of `fields` moved from `kubectl apply` to `manager`, as kubectl's own upgrade to server-side
 * apply moves all of it. What is not in `fields` stays with kubectl: nobody asked us to take it away.
 * @param now ISO 8601
 */
export function takeOver(object: AnyObject, fields: FieldTree, manager: string, now: string): ManagedFields[] {
  const kubectl = kubectlEntry(object)
  const ours = object.metadata.managedFields?.find((entry) => isApply(entry, manager))
  const moved = union(ours?.fieldsV1 ?? {}, heldByKubectl(object, fields))
  const rest = (object.metadata.managedFields ?? []).filter((entry) => entry !== kubectl && entry !== ours)
  return [
    ...rest,
    ...(kubectl ? [{ ...kubectl, fieldsV1: without(kubectl.fieldsV1 ?? {}, fields) }] : []),
    { ...(ours ?? { manager, operation: 'Apply', apiVersion: kubectl?.apiVersion ?? '', fieldsType: 'FieldsV1' }), time: now, fieldsV1: moved },
  ]
}

/** managedFields of `now` with what `kubectl apply` held in `before`, and nothing of `manager`: the way back from `takeOver`. */
export function withoutTakeOver(now: AnyObject, before: AnyObject, manager: string): ManagedFields[] {
  const [kubectlNow, kubectl] = [kubectlEntry(now), kubectlEntry(before)]
  return [...(now.metadata.managedFields ?? []).filter((entry) => entry !== kubectlNow && !isApply(entry, manager)), ...(kubectl ? [kubectl] : [])]
}

const kubectlEntry = (object: AnyObject): ManagedFields | undefined =>
  object.metadata.managedFields?.find((entry) => entry.manager === kubectlManager && entry.operation === 'Update' && !entry.subresource)

const isApply = (entry: ManagedFields, manager: string): boolean => entry.manager === manager && entry.operation === 'Apply' && !entry.subresource

const isLeaf = (tree: FieldTree): boolean => Object.keys(tree).length === 0

/** The leaves of `a` that `b` has too. */
function common(a: FieldTree, b: FieldTree): FieldTree {
  return Object.fromEntries(Object.entries(a).flatMap(([key, below]) => {
    const other = b[key]
    if (other === undefined) return []
    const shared = common(below, other)
    return isLeaf(below) || !isLeaf(shared) ? [[key, shared] as const] : []
  }))
}

function union(a: FieldTree, b: FieldTree): FieldTree {
  return Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => [key, union(a[key] ?? {}, b[key] ?? {})]))
}

/** `a` without the leaves of `b`, and without branches that this leaves bare. */
function without(a: FieldTree, b: FieldTree): FieldTree {
  return Object.fromEntries(Object.entries(a).flatMap(([key, below]) => {
    const taken = b[key]
    if (taken === undefined) return [[key, below] as const]
    const left = without(below, taken)
    return isLeaf(taken) || (isLeaf(left) && !isLeaf(below)) ? [] : [[key, left] as const]
  }))
}
