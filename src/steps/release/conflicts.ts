/**
 * What others changed in the live objects of a release, and an upgrade would undo or stop at. The
 * API server itself says it: a dry run of a server-side apply of each object is a conflict in every
 * field that another field manager set to another value. docs/decisions/live-objects.md says why.
 */
import { isDeepStrictEqual } from 'node:util'
import { ActionError } from '../../failures/action-error.ts'
import type { Context } from '../step.ts'
import {
  parseManifestObject,
  parseManifest,
  type ManifestObject,
} from '../../clients/helm/manifest-objects.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { valueAtFieldPath } from '../../clients/kubernetes/field-path.ts'
import { horizontalPodAutoscalersPath, objectPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { KubernetesObject, HorizontalPodAutoscaler } from '../../clients/kubernetes/types.ts'
import { undefinedIfDenied } from '../../failures/read-if-allowed.ts'
import { fieldManager } from '../ingress/manifest.ts'

/** A field that somebody else set, and that an upgrade would set to another value. */
export interface FieldConflict {
  readonly kind: string
  readonly name: string
  /** As the API server names it: `.spec.replicas`. */
  readonly field: string
  /** The field manager that set it. */
  readonly manager: string
  /** `scale` when it was set through that. */
  readonly subresource: string | undefined
  /** Its value now, and that of the upgrade. Secret, but for those that `isPublic` names. */
  readonly live: unknown
  readonly desired: unknown
}

/** An upgrade that was rendered. */
export interface RenderedRelease {
  readonly name: string
  readonly namespace: string
  /** The Service whose type the upgrade is for. */
  readonly service: string
  /**
   * The manifests by which the live objects may have come to be: of the deployed revision, and of
   * one that failed after it.
   */
  readonly before: readonly string[]
  readonly after: string
  /**
   * Whether helm applies it server-side, and so meets the conflicts itself; otherwise it sets every
   * field of its manifest, whoever changed it.
   */
  readonly serverSide: boolean
}

/** What trying an object came to. */
interface DryRunResult {
  readonly object: ManifestObject
  readonly conflicts: readonly FieldConflict[]
  /** Why the API server did not try it: an HTTP status. */
  readonly rejectedStatus?: number
}

/**
 * The field manager of helm, which its program sets. Source: helm 3, cmd/helm/helm.go; helm 4,
 * pkg/cmd/root.go.
 */
const helmManager = 'helm'
/** One that owns nothing, for a release whose objects helm does not apply server-side. */
const previewManager = 'milvus-alb-action-preview'
/** Objects that are tried at the same time. */
const maxConcurrentDryRuns = 8

/**
 * Why an upgrade may not be made over what others changed; undefined when nobody changed anything,
 * or when `force` says that it may. What could not be tried, and what is overwritten, is a note.
 */
export async function checkReleaseConflicts(
  context: Context,
  kubernetes: KubernetesClient,
  release: RenderedRelease,
  force: boolean,
): Promise<ActionError | undefined> {
  const results = await dryRunObjects(kubernetes, release)
  logUncheckedObjects(context, release, results)
  const allConflicts = results.flatMap(({ conflicts }) => conflicts)
  const autoscaled = await findAutoscaled(kubernetes, release, allConflicts)
  const conflicts = release.serverSide
    ? allConflicts
    : allConflicts.filter((conflict) => !autoscaled.includes(conflict))
  if (!release.serverSide)
    for (const { kind, name, desired } of autoscaled)
      context.log.info(
        `An autoscaler sets the replicas of ${kind} ${name}: helm sets them to ${isPrimitive(desired) ? desired : 'what its manifest has'}, and the autoscaler sets them again.`,
      )
  if (conflicts.length === 0) return undefined
  if (!force) return conflictError(release, conflicts, autoscaled.length > 0)
  context.log.note(
    `Because force-conflicts is true, helm overwrites what others changed in release ${release.name}: ${describeConflicts(conflicts)}.`,
  )
  return undefined
}

/** Tries every object that helm would write over one that is there. */
async function dryRunObjects(
  kubernetes: KubernetesClient,
  release: RenderedRelease,
): Promise<DryRunResult[]> {
  const before = release.before.map(
    (manifest) => new Map(parseManifest(manifest).map((object) => [getObjectKey(object), object])),
  )
  const queue = parseManifest(release.after).filter(
    (object) =>
      object.resource !== undefined &&
      isWrittenByHelm(object, release) &&
      before.some((objects) => objects.has(getObjectKey(object))),
  )
  const results: DryRunResult[] = []
  const worker = async (): Promise<void> => {
    for (let object = queue.shift(); object; object = queue.shift()) {
      const id = getObjectKey(object)
      results.push(
        await dryRunObject(
          kubernetes,
          release,
          object,
          before.flatMap((objects) => objects.get(id) ?? []),
        ),
      )
    }
  }
  await Promise.all(Array.from({ length: maxConcurrentDryRuns }, worker))
  const sortKey = (result: DryRunResult): string => getObjectKey(result.object)
  return results.sort((a, b) => sortKey(a).localeCompare(sortKey(b)))
}

const getObjectKey = ({ group, kind, name }: ManifestObject): string => `${group}/${kind}/${name}`

/**
 * Whether helm writes an object that its manifest has. A client-side helm sets back only kinds that
 * it knows; of custom resources it sends what differs between its two manifests. Source: helm 3,
 * pkg/kube/client.go, createPatch.
 */
const isWrittenByHelm = ({ group }: ManifestObject, { serverSide }: RenderedRelease): boolean =>
  serverSide || !group.includes('.') || group.endsWith('.k8s.io')

async function dryRunObject(
  kubernetes: KubernetesClient,
  release: RenderedRelease,
  object: ManifestObject,
  earlierObjects: readonly ManifestObject[],
): Promise<DryRunResult> {
  const { kind, name, text } = object
  const path = objectPath(
    object.apiVersion,
    object.namespace ?? release.namespace,
    object.resource ?? '',
    name,
  )
  try {
    await kubernetes.apply(
      path,
      text,
      {
        fieldManager: release.serverSide ? helmManager : previewManager,
        force: false,
        dryRun: true,
      },
      `try the upgrade of ${kind} ${name}`,
    )
    return { object, conflicts: [] }
  } catch (thrown) {
    const error = toStatusError(thrown)
    if (!error) throw thrown
    // An object that is gone is made anew.
    if (error.status === 404) return { object, conflicts: [] }
    const causes = error.causes.filter(({ reason }) => reason === 'FieldManagerConflict')
    if (causes.length === 0) return { object, conflicts: [], rejectedStatus: error.status }
    const live = await readLiveObject(kubernetes, path, `read ${kind} ${name}`)
    const fieldConflicts = causes
      .map(({ field = '', message = '' }) => ({
        kind,
        name,
        field,
        ...parseManager(message),
        live: valueAtFieldPath(live, field),
        desired: valueAtFieldPath(parseManifestObject(object), field),
      }))
      // Of the Service's type, when a run died that restored its class: it is given up before helm
      // begins.
      .filter(({ manager }) => manager !== fieldManager)
    return {
      object,
      conflicts: release.serverSide
        ? fieldConflicts
        : fieldConflicts.filter(
            (conflict) =>
              isSetByOthers(conflict, earlierObjects) && !isRequested(conflict, release),
          ),
    }
  }
}

/** The answer of the API server; undefined when there was none. */
function toStatusError(thrown: unknown): StatusError | undefined {
  const error =
    thrown instanceof ActionError && thrown.code === 'cluster-forbidden' ? thrown.cause : thrown
  return error instanceof StatusError ? error : undefined
}

/** Undefined when it may not be read: helm says so itself. */
async function readLiveObject(
  kubernetes: KubernetesClient,
  path: string,
  operation: string,
): Promise<KubernetesObject | undefined> {
  return undefinedIfDenied(kubernetes.get<KubernetesObject>(path, operation))
}

/** Source: apimachinery, util/managedfields/internal/conflict.go, printManager. */
function parseManager(message: string): Pick<FieldConflict, 'manager' | 'subresource'> {
  const [, manager = 'somebody else', subresource] =
    /conflict with "([^"]+)"(?: with subresource "([^"]+)")?/.exec(message) ?? []
  return { manager, subresource }
}

/**
 * Whether a field was set by somebody else, and not by an upgrade: what helm wrote is what it may
 * write again.
 */
function isSetByOthers(
  { field, manager, live }: FieldConflict,
  earlierObjects: readonly ManifestObject[],
): boolean {
  return (
    manager !== helmManager &&
    (live === undefined ||
      !earlierObjects.some((object) =>
        isDeepStrictEqual(valueAtFieldPath(parseManifestObject(object), field), live),
      ))
  )
}

/** The type of the Service is what an upgrade is for, and a change that every run lists. */
const isRequested = ({ kind, name, field }: FieldConflict, { service }: RenderedRelease): boolean =>
  kind === 'Service' && name === service && field === '.spec.type'

/** Conflicts about the number of pods of what an autoscaler scales. */
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
  const isScaled = ({ kind, name }: FieldConflict): boolean =>
    (autoscalers ?? []).some(
      ({ spec: { scaleTargetRef: target } }) => target.kind === kind && target.name === name,
    )
  return replicas.filter(
    (conflict) =>
      (conflict.manager === 'kube-controller-manager' && conflict.subresource === 'scale') ||
      isScaled(conflict),
  )
}

function logUncheckedObjects(
  context: Context,
  { name }: RenderedRelease,
  results: readonly DryRunResult[],
): void {
  const logNote = (objects: readonly string[], why: string): void => {
    if (objects.length > 0)
      context.log.note(
        `Preflight did not check whether others changed ${[...new Set(objects)].join(', ')} of release ${name}: ${why}.`,
      )
  }
  const unchecked = results.filter((result) => result.rejectedStatus !== undefined)
  logNote(
    unchecked
      .filter((result) => result.rejectedStatus === 403)
      .map(({ object }) => object.resource ?? object.kind),
    'this identity has no patch permission for them',
  )
  logNote(
    unchecked
      .filter((result) => result.rejectedStatus !== 403)
      .map(
        (result) =>
          `${result.object.kind} ${result.object.name} (HTTP ${result.rejectedStatus ?? 0})`,
      ),
    'the API server rejects their dry run',
  )
}

/** Conflicts that a message names; more than a person reads are counted. */
const maxListed = 12

/** Fields whose values are no secrets. */
const publicFields = /^\.spec\.(replicas|type)$|\.(initC|c)ontainers\[name="[^"]+"\]\.image$/

const isPrimitive = (value: unknown): value is string | number =>
  typeof value === 'string' || typeof value === 'number'

/** `Deployment milvus-demo-querynode: .spec.replicas is 5 (set by kubectl) and would become 1`. */
export function describeConflicts(conflicts: readonly FieldConflict[]): string {
  const named = conflicts
    .slice(0, maxListed)
    .map(({ kind, name, field, manager, live, desired }) => {
      const isShown = publicFields.test(field) && isPrimitive(live) && isPrimitive(desired)
      return `${kind} ${name}: ${field} ${isShown ? `is ${live} (set by ${manager}) and would become ${desired}` : `(set by ${manager})`}`
    })
  return `${named.join('; ')}${conflicts.length > maxListed ? `; and ${conflicts.length - maxListed} more fields` : ''}`
}

function conflictError(
  { name, serverSide }: RenderedRelease,
  conflicts: readonly FieldConflict[],
  isAutoscaled: boolean,
): ActionError {
  const hint = isAutoscaled
    ? ' For what an autoscaler scales, set replicas: -1 in values, so that the chart leaves them out.'
    : ''
  return new ActionError({
    code: 'release-conflict',
    problem: `Others changed objects of release ${name}, and ${serverSide ? 'helm would stop at them in the middle of the upgrade' : 'the upgrade would undo it'}: ${describeConflicts(conflicts)}.`,
    remedy: `Put into values what should stay, or undo it where it was changed; to have helm overwrite it, set force-conflicts: true.${hint}`,
  })
}
