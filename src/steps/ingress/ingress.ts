/** ingress: the Ingress is what was asked, applied server-side under our own field manager. */
import { isDeepStrictEqual } from 'node:util'
import { ActionError } from '../../failures/action-error.ts'
import { retry } from '../../util/retry.ts'
import type { Change, Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import {
  fieldsOwnedByKubectl,
  findFieldManagers,
  kubectlManager,
  transferManagedFields,
  restoreManagedFields,
} from '../../clients/kubernetes/field-ownership.ts'
import { eventsPath, ingressPath } from '../../clients/kubernetes/paths.ts'
import type { Ingress, ManagedFieldsEntry } from '../../clients/kubernetes/types.ts'
import type { Settings } from '../../inputs/types.ts'
import { parseResourceVersion } from '../../controller/events.ts'
import {
  buildIngressManifest,
  diffIngress,
  fieldManager,
  buildFieldTree,
  reconcileRequestAnnotation,
  type IngressManifest,
} from './manifest.ts'
import type { Target } from '../preflight/preflight.ts'

/** @returns the Ingress to apply for a certificate */
export function buildDesiredManifest(
  settings: Settings,
  target: Target,
  certificateArn: string,
): IngressManifest {
  const backend = {
    name: target.ingressName,
    service: target.service.name,
    port: target.service.port,
    certificateArn,
  }
  return buildIngressManifest(
    settings,
    backend,
    target.ingress?.metadata.annotations?.[reconcileRequestAnnotation],
  )
}

/**
 * What the apply will change. Pure. Compared with what is there, because even an apply that changes
 * nothing is a write.
 */
export function plan(target: Target, settings: Settings, certificateArn: string): Change[] {
  const object = `Ingress ${settings.namespace}/${target.ingressName}`
  const { ingress } = target
  const manifest = buildDesiredManifest(settings, target, certificateArn)
  const why = (path: string): string =>
    ingress
      ? `differs from the inputs${describeLastManager(settings, ingress, path)}`
      : 'there is no such Ingress yet'
  const fieldChanges = diffIngress(manifest, ingress).map((difference): Change => ({
    step: 'ingress',
    object,
    ...difference,
    why: why(difference.path),
  }))
  if (!ingress || !isOwnedByKubectl(ingress, manifest)) return fieldChanges
  return [
    {
      step: 'ingress',
      object,
      path: managedFieldsPath,
      before: kubectlManager,
      after: fieldManager,
      why: 'it was made with kubectl apply, and this action takes over the fields that it sets',
    },
    ...fieldChanges,
  ]
}

const managedFieldsPath = 'metadata.managedFields'

/**
 * `: changed by kubectl-edit at 2026-11-27T02:13:00Z`; empty when the field is ours, and the inputs
 * are what changed.
 */
function describeLastManager(
  { ingress: { forceConflicts } }: Settings,
  ingress: Ingress,
  path: string,
): string {
  const managers = findManagersOfPath(ingress, path)
  const [lastManager] = managers
  if (!lastManager || managers.some(isOwnManager)) return ''
  const condition =
    forceConflicts || isKubectlClientSideApply(lastManager)
      ? ''
      : ', and a deploy takes it back only with force-conflicts: true'
  return `: changed by ${lastManager.manager}${lastManager.time === undefined ? '' : ` at ${lastManager.time}`}${condition}`
}

/** @param path as a change has it */
function findManagersOfPath(ingress: Ingress, path: string): ManagedFieldsEntry[] {
  const annotation = /^metadata\.annotations\.(.+)$/.exec(path)?.[1]
  const fields =
    annotation === undefined ? path.split('.') : ['metadata', 'annotations', annotation]
  return findFieldManagers(
    ingress,
    fields.map((field) => `f:${field}`),
  )
}

const isOwnManager = ({ manager }: ManagedFieldsEntry): boolean => manager === fieldManager
/** Of kubectl apply, as far as an apply of ours has it too. */
const isKubectlClientSideApply = ({ manager, operation }: ManagedFieldsEntry): boolean =>
  manager === kubectlManager && operation === 'Update'

/**
 * The apply would be refused for the same fields, after ACM and helm have changed what they should.
 * @throws ActionError `ingress-conflict`
 */
export function checkIngressConflicts(
  target: Target,
  settings: Settings,
  certificateArn: string,
): void {
  const { ingress, ingressName } = target
  if (!ingress || settings.ingress.forceConflicts) return
  const conflictingFields = diffIngress(
    buildDesiredManifest(settings, target, certificateArn),
    ingress,
  ).flatMap(({ path, after }) =>
    findManagersOfPath(ingress, path)
      .filter(
        (entry) => after !== undefined && !isOwnManager(entry) && !isKubectlClientSideApply(entry),
      )
      .map(
        ({ manager, time }) =>
          `.${path} (held by "${manager}"${time === undefined ? '' : ` since ${time}`})`,
      ),
  )
  if (conflictingFields.length > 0) throw conflictError(ingressName, conflictingFields)
}

const conflictError = (name: string, fields: readonly string[], cause?: unknown): ActionError =>
  new ActionError({
    code: 'ingress-conflict',
    step: 'ingress',
    problem: `Others hold fields of Ingress ${name} with other values: ${fields.join('; ')}.`,
    remedy: 'Change them where they are managed, or set force-conflicts: true to take them over.',
    cause,
  })

const isOwnedByKubectl = (ingress: Ingress, manifest: IngressManifest): boolean =>
  Object.keys(fieldsOwnedByKubectl(ingress, buildFieldTree(manifest))).length > 0

/** The Ingress as it is now. */
export interface AppliedIngress {
  readonly ingress: Ingress
  /**
   * Set when the controller has something new to take up: events after this resourceVersion of the
   * Events are its word on it.
   */
  readonly eventCursor: bigint | undefined
}

/** Applies when there is something to change. */
export async function apply(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  target: Target,
  certificateArn: string,
  changes: readonly Change[],
): Promise<AppliedIngress> {
  if (changes.length === 0 && target.ingress)
    return { ingress: target.ingress, eventCursor: undefined }
  changes.forEach((change) => context.recordChange(change))
  const manifest = buildDesiredManifest(settings, target, certificateArn)
  // Before the apply: a value that differs would be a conflict with kubectl, and one that is
  // dropped later would stay for ever.
  if (changes.some(({ path }) => path === managedFieldsPath))
    await transferOwnershipFromKubectl(context, kubernetes, settings.namespace, manifest)
  const eventCursor = await getEventCursor(kubernetes, settings.namespace)
  const ingress = await applyIngress(settings, kubernetes, target, manifest)
  // The controller says nothing about a change of ownership only, nor about one that something put
  // back at once.
  return {
    ingress,
    eventCursor: triggersReconcile(target.ingress, ingress) ? eventCursor : undefined,
  }
}

/**
 * Events are compared with events only: a cluster may keep them in an etcd of their own, with a
 * count of its own.
 */
export async function getEventCursor(
  kubernetes: KubernetesClient,
  namespace: string,
): Promise<bigint> {
  return parseResourceVersion(
    await kubernetes.getCollectionVersion(
      eventsPath(namespace),
      `list Events in namespace ${namespace}`,
    ),
  )
}

/** Whether the controller takes this up: it looks at annotations and spec. */
const triggersReconcile = (before: Ingress | undefined, after: Ingress): boolean =>
  !isDeepStrictEqual(
    [before?.metadata.annotations, before?.spec],
    [after.metadata.annotations, after.spec],
  )

const maxOwnershipAttempts = 3

async function transferOwnershipFromKubectl(
  context: Context,
  kubernetes: KubernetesClient,
  namespace: string,
  manifest: IngressManifest,
): Promise<void> {
  const now = new Date(context.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  await updateOwnership(context, kubernetes, namespace, manifest.metadata.name, (live) =>
    isOwnedByKubectl(live, manifest)
      ? transferManagedFields(live, buildFieldTree(manifest), fieldManager, now)
      : undefined,
  )
}

/** Leaves an Ingress to whoever had it before this action took it over. */
export async function restoreOwnership(
  context: Context,
  kubernetes: KubernetesClient,
  namespace: string,
  before: Ingress,
): Promise<void> {
  await updateOwnership(context, kubernetes, namespace, before.metadata.name, (live) =>
    restoreManagedFields(live, before, fieldManager),
  )
}

/** @param transform managedFields as they shall be; undefined when they are so */
async function updateOwnership(
  context: Context,
  kubernetes: KubernetesClient,
  namespace: string,
  name: string,
  transform: (live: Ingress) => ManagedFieldsEntry[] | undefined,
): Promise<void> {
  const path = ingressPath(namespace, name)
  const attempt = async () => {
    // Read again: since preflight, helm may have taken minutes, and the controller may have
    // written.
    const live = await kubernetes.get<Ingress>(path, `read Ingress ${name}`)
    const managedFields = live && transform(live)
    if (managedFields)
      await kubernetes.replaceManagedFields(
        path,
        live.metadata.resourceVersion,
        managedFields,
        `change who holds the fields of Ingress ${name}`,
      )
  }
  try {
    await retry(attempt, {
      maxAttempts: (thrown) =>
        thrown instanceof StatusError && thrown.status === 409 ? maxOwnershipAttempts : 1,
      signal: context.signal,
      clock: context.clock,
    })
  } catch (thrown) {
    throw thrown instanceof StatusError ? toApplyError(name, thrown) : thrown
  }
}

/** The apply itself; the load-balancer step nudges with it. */
export async function applyIngress(
  settings: Settings,
  kubernetes: KubernetesClient,
  target: Target,
  object: IngressManifest,
): Promise<Ingress> {
  const name = target.ingressName
  try {
    return await kubernetes.apply<Ingress>(
      ingressPath(settings.namespace, name),
      object,
      { fieldManager, force: settings.ingress.forceConflicts },
      `apply Ingress ${name}`,
    )
  } catch (thrown) {
    throw thrown instanceof StatusError ? toApplyError(name, thrown) : thrown
  }
}

function toApplyError(name: string, error: StatusError): ActionError {
  const conflicts = error.causes.filter(({ reason }) => reason === 'FieldManagerConflict')
  if (conflicts.length > 0)
    return conflictError(
      name,
      conflicts.map(({ field, message }) => `${field ?? ''} (${message ?? ''})`),
      error,
    )
  const [, webhook] = /failed calling webhook "([^"]+)"/.exec(error.message) ?? []
  if (webhook !== undefined) {
    return new ActionError({
      code: 'controller-webhook-unavailable',
      problem: `The Kubernetes API could not ask webhook ${webhook}, which must agree to Ingress ${name}: ${error.message}`,
      remedy: webhook.endsWith('.elbv2.k8s.aws')
        ? 'Make the AWS Load Balancer Controller run ("kubectl -n kube-system get deployment aws-load-balancer-controller"), then run the job again.'
        : 'Make whatever serves that webhook run ("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"), then run the job again.',
      cause: error,
    })
  }
  return new ActionError({
    code: 'ingress-refused',
    problem: `The Kubernetes API refused Ingress ${name}: ${error.message}`,
    remedy:
      error.status === 409
        ? 'Somebody else writes it at the same time: run the job again.'
        : 'Change what the message names (an input of this action, or a policy of the cluster), then run the job again.',
    cause: error,
  })
}
