/** ingress: the Ingress matches the inputs, applied server-side by this action's field manager. */
import { isDeepStrictEqual } from 'node:util'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { kubectlManager } from '../../clients/kubernetes/field-ownership.ts'
import { eventsPath, ingressPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { Ingress } from '../../clients/kubernetes/types.ts'
import { parseResourceVersion } from '../../controller/events.ts'
import { ingressConflict } from '../../failures/ingress.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Target } from '../preflight/preflight.ts'
import type { Change, Context } from '../step.ts'
import { describeLastManager, listConflicts } from './field-managers.ts'
import {
  buildIngressManifest,
  diffIngress,
  fieldManager,
  reconcileRequestAnnotation,
  type IngressManifest,
} from './manifest.ts'
import { isOwnedByKubectl, transferOwnership } from './ownership.ts'
import { translateApplyError } from './rejections.ts'

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
  const reconcileRequest = target.ingress?.metadata.annotations?.[reconcileRequestAnnotation]
  return buildIngressManifest(settings, backend, reconcileRequest)
}

const managedFieldsPath = 'metadata.managedFields'

/**
 * The changes that an apply makes. Pure. Compares with the live Ingress, because even an apply
 * without effect is a write.
 */
export function plan(target: Target, settings: Settings, certificateArn: string): Change[] {
  const { ingress } = target
  const object = `Ingress ${settings.namespace}/${target.ingressName}`
  const manifest = buildDesiredManifest(settings, target, certificateArn)
  const changes: Change[] = []
  if (ingress && isOwnedByKubectl(ingress, manifest))
    changes.push({
      step: 'ingress',
      object,
      path: managedFieldsPath,
      before: kubectlManager,
      after: fieldManager,
      why: 'it was created with kubectl apply, and this action takes over the fields that it sets',
    })
  for (const difference of diffIngress(manifest, ingress)) {
    const why = ingress
      ? `differs from the inputs${describeLastManager(settings, ingress, difference.path)}`
      : 'the Ingress does not exist yet'
    changes.push({ step: 'ingress', object, ...difference, why })
  }
  return changes
}

/**
 * Finds the conflicts of an apply in preflight, before ACM and helm have changed anything.
 * @throws ActionError `ingress-conflict`
 */
export function checkIngressConflicts(
  target: Target,
  settings: Settings,
  certificateArn: string,
): void {
  const { ingress, ingressName } = target
  if (!ingress || settings.ingress.forceConflicts) return
  const manifest = buildDesiredManifest(settings, target, certificateArn)
  const conflicts = diffIngress(manifest, ingress)
    .filter(({ after }) => after !== undefined)
    .flatMap(({ path }) => listConflicts(ingress, path))
  if (conflicts.length > 0) throw ingressConflict(ingressName, conflicts)
}

/** What to apply. */
export interface IngressApplication {
  readonly target: Target
  readonly certificateArn: string
  readonly changes: readonly Change[]
}

/** The Ingress after an apply. */
export interface AppliedIngress {
  readonly ingress: Ingress
  /**
   * Set when the apply triggered a reconcile: events with a greater resourceVersion may report it.
   */
  readonly eventCursor: bigint | undefined
}

/** Applies the Ingress unless nothing changes. */
export async function apply(
  context: Context,
  settings: Settings,
  kubernetes: KubernetesClient,
  { target, certificateArn, changes }: IngressApplication,
): Promise<AppliedIngress> {
  if (changes.length === 0 && target.ingress)
    return { ingress: target.ingress, eventCursor: undefined }
  changes.forEach((change) => context.recordChange(change))
  const manifest = buildDesiredManifest(settings, target, certificateArn)
  // The ownership is transferred before the apply: while kubectl owns fields, a different value
  // would be a conflict, and a field that is removed later would remain.
  if (changes.some(({ path }) => path === managedFieldsPath))
    await transferOwnership(context, kubernetes, manifest)
  const eventCursor = await getEventCursor(kubernetes, settings.namespace)
  const ingress = await applyIngress(settings, kubernetes, target, manifest)
  // The controller emits no event about a change of ownership only, nor about one that something
  // reverted at once.
  const isReconciled = triggersReconcile(target.ingress, ingress)
  return { ingress, eventCursor: isReconciled ? eventCursor : undefined }
}

/**
 * The resourceVersion of the latest Event. Events are only compared with Events, because a cluster
 * may store them in a separate etcd, with its own revisions.
 */
export async function getEventCursor(
  kubernetes: KubernetesClient,
  namespace: string,
): Promise<bigint> {
  const purpose = `list Events in namespace ${namespace}`
  return parseResourceVersion(await kubernetes.getCollectionVersion(eventsPath(namespace), purpose))
}

/** Whether the controller reconciles a change: it looks at annotations and spec. */
function triggersReconcile(before: Ingress | undefined, after: Ingress): boolean {
  if (!before) return true
  const areAnnotationsEqual = isDeepStrictEqual(
    before.metadata.annotations,
    after.metadata.annotations,
  )
  return !areAnnotationsEqual || !isDeepStrictEqual(before.spec, after.spec)
}

/**
 * Writes the Ingress by server-side apply.
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `controller-webhook-unavailable`
 */
export async function applyIngress(
  settings: Settings,
  kubernetes: KubernetesClient,
  target: Target,
  manifest: IngressManifest,
): Promise<Ingress> {
  const name = target.ingressName
  try {
    return await kubernetes.apply<Ingress>(
      ingressPath(settings.namespace, name),
      manifest,
      { fieldManager, force: settings.ingress.forceConflicts },
      `apply Ingress ${name}`,
    )
  } catch (thrown) {
    throw thrown instanceof StatusError ? translateApplyError(name, thrown) : thrown
  }
}
