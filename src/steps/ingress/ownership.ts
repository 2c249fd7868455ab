/** Transfers the ownership of the Ingress' fields from kubectl to this action, and back. */
import {
  fieldsOwnedByKubectl,
  restoreManagedFields,
  transferManagedFields,
} from '../../clients/kubernetes/field-ownership.ts'
import { ingressPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { FieldsV1, Ingress, ManagedFieldsEntry } from '../../clients/kubernetes/types.ts'
import { retry } from '../../util/retry.ts'
import type { ClusterRun } from '../run.ts'
import { fieldManager } from './manifest.ts'
import type { TransferOwnership } from './operations.ts'
import { translateApplyError } from './rejections.ts'

/** @param fields in the format of managedFields */
export const isOwnedByKubectl = (ingress: Ingress, fields: FieldsV1): boolean =>
  Object.keys(fieldsOwnedByKubectl(ingress, fields)).length > 0

/** Transfers fields from kubectl apply to this action. */
export async function transferOwnership(
  run: ClusterRun,
  { namespace, name, fields }: TransferOwnership,
): Promise<void> {
  const now = new Date(run.context.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  await updateOwnership(run, { namespace, name }, (live) =>
    isOwnedByKubectl(live, fields)
      ? transferManagedFields(live, fields, fieldManager, now)
      : undefined,
  )
}

/** Restores the ownership that an Ingress had before this action took it over. */
export async function restoreOwnership(run: ClusterRun, before: Ingress): Promise<void> {
  const { namespace } = run.settings
  await updateOwnership(run, { namespace, name: before.metadata.name }, (live) =>
    restoreManagedFields(live, before, fieldManager),
  )
}

const maxConflictAttempts = 3

/** @param transform returns the desired managedFields; undefined when nothing changes */
async function updateOwnership(
  { context, clients: { kubernetes } }: ClusterRun,
  { namespace, name }: { namespace: string; name: string },
  transform: (live: Ingress) => ManagedFieldsEntry[] | undefined,
): Promise<void> {
  const path = ingressPath(namespace, name)
  const attempt = async () => {
    // Read again: Helm may have taken minutes since preflight, and the controller may have written.
    const live = await kubernetes.get<Ingress>(path, `read Ingress ${name}`)
    const managedFields = live && transform(live)
    if (!managedFields) return
    await kubernetes.replaceManagedFields(
      path,
      live.metadata.resourceVersion,
      managedFields,
      `change the field managers of Ingress ${name}`,
    )
  }
  const isConflict = (thrown: unknown) => thrown instanceof StatusError && thrown.status === 409
  try {
    await retry(attempt, {
      maxAttempts: (thrown) => (isConflict(thrown) ? maxConflictAttempts : 1),
      signal: context.signal,
      clock: context.clock,
    })
  } catch (thrown) {
    throw thrown instanceof StatusError ? translateApplyError(name, thrown) : thrown
  }
}
