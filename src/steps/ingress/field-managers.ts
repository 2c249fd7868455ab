/** Which field managers own the fields of the Ingress. Pure. */
import { findFieldManagers, kubectlManager } from '../../clients/kubernetes/field-ownership.ts'
import type { Ingress, ManagedFieldsEntry } from '../../clients/kubernetes/types.ts'
import { fieldManager } from './manifest.ts'

/**
 * The managers with which an apply of a field conflicts, as `.spec.rules (owned by "argocd")`.
 * @param path as in a change
 */
export function listConflicts(ingress: Ingress, path: string): string[] {
  const conflictingManagers = findManagersOfPath(ingress, path).filter(
    (entry) => !isOwnManager(entry) && !isTransferable(entry),
  )
  return conflictingManagers.map(({ manager, time }) => {
    const since = time === undefined ? '' : ` since ${time}`
    return `.${path} (owned by "${manager}"${since})`
  })
}

/**
 * Who changed a field, as a suffix: `: changed by kubectl-edit at 2026-11-27T02:13:00Z`. Empty when
 * this action owns the field, so that its inputs have changed.
 * @param path as in a change
 */
export function describeLastManager(ingress: Ingress, path: string): string {
  const managers = findManagersOfPath(ingress, path)
  const [lastManager] = managers
  if (!lastManager || managers.some(isOwnManager)) return ''
  const { manager, time } = lastManager
  const timeNote = time === undefined ? '' : ` at ${time}`
  return `: changed by ${manager}${timeNote}`
}

/** @param path as in a change */
function findManagersOfPath(ingress: Ingress, path: string): ManagedFieldsEntry[] {
  const [, annotation] = /^metadata\.annotations\.(.+)$/.exec(path) ?? []
  const fields =
    annotation === undefined ? path.split('.') : ['metadata', 'annotations', annotation]
  return findFieldManagers(
    ingress,
    fields.map((field) => `f:${field}`),
  )
}

const isOwnManager = ({ manager }: ManagedFieldsEntry): boolean => manager === fieldManager

/** Whether a deploy transfers the ownership: from kubectl apply without --server-side. */
const isTransferable = ({ manager, operation }: ManagedFieldsEntry): boolean =>
  manager === kubectlManager && operation === 'Update'
