/** Transfers the ownership of the Ingress' fields from kubectl to this action, and back. */
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import {
  fieldsOwnedByKubectl,
  restoreManagedFields,
  transferManagedFields,
} from '../../clients/kubernetes/field-ownership.ts'
import { ingressPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { Ingress, ManagedFieldsEntry } from '../../clients/kubernetes/types.ts'
import { retry } from '../../util/retry.ts'
import type { Context } from '../step.ts'
import { buildFieldTree, fieldManager, type IngressManifest } from './manifest.ts'
import { translateApplyError } from './rejections.ts'

/** Whether fields that this action sets belong to kubectl apply. */
export const isOwnedByKubectl = (ingress: Ingress, manifest: IngressManifest): boolean =>
  Object.keys(fieldsOwnedByKubectl(ingress, buildFieldTree(manifest))).length > 0

/** Transfers the fields that this action sets from kubectl apply to this action. */
export async function transferOwnership(
  context: Context,
  kubernetes: KubernetesClient,
  manifest: IngressManifest,
): Promise<void> {
  const now = new Date(context.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  await updateOwnership(context, kubernetes, manifest.metadata, (live) =>
    isOwnedByKubectl(live, manifest)
      ? transferManagedFields(live, buildFieldTree(manifest), fieldManager, now)
      : undefined,
  )
}

/** Restores the ownership that an Ingress had before this action took it over. */
export async function restoreOwnership(
  context: Context,
  kubernetes: KubernetesClient,
  namespace: string,
  before: Ingress,
): Promise<void> {
  await updateOwnership(context, kubernetes, { namespace, name: before.metadata.name }, (live) =>
    restoreManagedFields(live, before, fieldManager),
  )
}

const maxConflictAttempts = 3

/** @param transform returns the desired managedFields; undefined when nothing changes */
async function updateOwnership(
  context: Context,
  kubernetes: KubernetesClient,
  { namespace, name }: { namespace: string; name: string },
  transform: (live: Ingress) => ManagedFieldsEntry[] | undefined,
): Promise<void> {
  const path = ingressPath(namespace, name)
  const attempt = async () => {
    // Read again: helm may have taken minutes since preflight, and the controller may have written.
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
