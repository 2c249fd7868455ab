/**
 * What others changed in the live objects of a release, and what an upgrade would undo or fail at.
 * docs/decisions/live-objects.md explains why the API server is asked.
 */
import type { ActionError } from '../../failures/action-error.ts'
import { releaseConflict } from '../../failures/release.ts'
import type { Context } from '../step.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { horizontalPodAutoscalersPath } from '../../clients/kubernetes/paths.ts'
import type { HorizontalPodAutoscaler } from '../../clients/kubernetes/types.ts'
import { undefinedIfDenied } from '../../failures/optional-read.ts'
import {
  dryRunObjects,
  type DryRunResult,
  type FieldConflict,
  type RenderedRelease,
} from './object-dry-run.ts'

export type { FieldConflict, RenderedRelease } from './object-dry-run.ts'

/** What others changed in the live objects of a release. */
export interface ReleaseConflicts {
  /** Fields that the upgrade would overwrite, or fail at. */
  readonly conflicts: readonly FieldConflict[]
  /** Numbers of replicas that an autoscaler sets. A client-side Helm may overwrite them. */
  readonly autoscaled: readonly FieldConflict[]
  /** Objects that the API server did not try. */
  readonly unchecked: readonly DryRunResult[]
}

/** Finds what others changed. Writes nothing. */
export async function findReleaseConflicts(
  kubernetes: KubernetesClient,
  release: RenderedRelease,
): Promise<ReleaseConflicts> {
  const results = await dryRunObjects(kubernetes, release)
  const allConflicts = results.flatMap(({ conflicts }) => conflicts)
  const autoscaled = await findAutoscaled(kubernetes, release, allConflicts)
  return {
    conflicts: release.serverSide
      ? allConflicts
      : allConflicts.filter((conflict) => !autoscaled.includes(conflict)),
    autoscaled,
    unchecked: results.filter(({ rejectedStatus }) => rejectedStatus !== undefined),
  }
}

/** The conflicts in the replicas of workloads that an autoscaler scales. */
async function findAutoscaled(
  kubernetes: KubernetesClient,
  { namespace }: RenderedRelease,
  conflicts: readonly FieldConflict[],
): Promise<FieldConflict[]> {
  const replicas = conflicts.filter(({ field }) => field === '.spec.replicas')
  if (replicas.length === 0) return []
  const autoscalers = await undefinedIfDenied(
    kubernetes.list<HorizontalPodAutoscaler>(
      horizontalPodAutoscalersPath(namespace),
      {},
      `list HorizontalPodAutoscalers in namespace ${namespace}`,
    ),
  )
  const targets = (autoscalers ?? []).map(({ spec }) => spec.scaleTargetRef)
  return replicas.filter(
    ({ kind, name, manager, subresource }) =>
      (manager === 'kube-controller-manager' && subresource === 'scale') ||
      targets.some((target) => target.kind === kind && target.name === name),
  )
}

/** The failure of an upgrade that must not overwrite what others changed. */
export function checkReleaseConflicts(
  { name, serverSide }: RenderedRelease,
  { conflicts, autoscaled }: ReleaseConflicts,
): ActionError | undefined {
  if (conflicts.length === 0) return undefined
  return releaseConflict({
    release: name,
    conflicts: describeConflicts(conflicts),
    serverSide,
    isAutoscaled: autoscaled.length > 0,
  })
}

/**
 * Logs what could not be checked, and what Helm overwrites.
 * @param force whether Helm overwrites what others changed
 */
export function logConflictNotes(
  context: Context,
  release: RenderedRelease,
  { conflicts, autoscaled, unchecked }: ReleaseConflicts,
  force: boolean,
): void {
  logUncheckedObjects(context, release, unchecked)
  if (!release.serverSide) logAutoscaled(context, autoscaled)
  if (force && conflicts.length > 0)
    context.log.note(
      'Because force-conflicts is true, Helm overwrites what others changed in release ' +
        `${release.name}: ${describeConflicts(conflicts)}.`,
    )
}

function logAutoscaled(context: Context, autoscaled: readonly FieldConflict[]): void {
  for (const { kind, name, desired } of autoscaled) {
    const value = isScalar(desired) ? desired : 'the number in its manifest'
    context.log.info(
      `An autoscaler sets the replicas of ${kind} ${name}: Helm sets them to ${value}, and the ` +
        'autoscaler sets them again.',
    )
  }
}

function logUncheckedObjects(
  context: Context,
  { name }: RenderedRelease,
  unchecked: readonly DryRunResult[],
): void {
  const forbidden = unchecked.filter(({ rejectedStatus }) => rejectedStatus === 403)
  const rejected = unchecked.filter(({ rejectedStatus }) => rejectedStatus !== 403)
  const logNote = (objects: readonly string[], why: string): void => {
    if (objects.length === 0) return
    const objectList = [...new Set(objects)].join(', ')
    context.log.note(
      `Preflight did not check whether others changed ${objectList} of release ${name}: ${why}.`,
    )
  }
  logNote(
    forbidden.map(({ object }) => object.resource ?? object.kind),
    'this identity has no patch permission for them',
  )
  logNote(
    rejected.map(
      ({ object: { kind, name: objectName }, rejectedStatus }) =>
        `${kind} ${objectName} (HTTP ${rejectedStatus ?? 0})`,
    ),
    'the API server rejects their dry run',
  )
}

/** How many conflicts a message lists. */
const maxListed = 12

/** Fields whose values are not secret. */
const publicFields = /^\.spec\.(replicas|type)$|\.(initC|c)ontainers\[name="[^"]+"\]\.image$/

const isScalar = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number'

/** `Deployment milvus-demo-querynode: .spec.replicas is 5 (set by kubectl) and would become 1` */
export function describeConflicts(conflicts: readonly FieldConflict[]): string {
  const listed = conflicts.slice(0, maxListed).map(describeConflict).join('; ')
  const remaining = conflicts.length - maxListed
  return remaining > 0 ? `${listed}; and ${remaining} more fields` : listed
}

function describeConflict(conflict: FieldConflict): string {
  const { kind, name, field, manager, live, desired } = conflict
  const isShown = publicFields.test(field) && isScalar(live) && isScalar(desired)
  return isShown
    ? `${kind} ${name}: ${field} is ${live} (set by ${manager}) and would become ${desired}`
    : `${kind} ${name}: ${field} (set by ${manager})`
}
