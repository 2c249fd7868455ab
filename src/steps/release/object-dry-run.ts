/**
 * Tries an upgrade object by object: the API server's dry run of a server-side apply conflicts in
 * every field that another field manager set to another value.
 */
import { isDeepStrictEqual } from 'node:util'
import { ActionError } from '../../failures/action-error.ts'
import {
  isClusterScoped,
  parseManifest,
  parseManifestObject,
  type ManifestObject,
} from '../../clients/helm/manifest-objects.ts'
import { undefinedIfDenied } from '../../failures/optional-read.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { valueAtFieldPath } from '../../clients/kubernetes/field-path.ts'
import { objectPath } from '../../clients/kubernetes/paths.ts'
import { StatusError, type StatusCause } from '../../clients/kubernetes/request.ts'
import type { KubernetesObject } from '../../clients/kubernetes/types.ts'
import { runConcurrently } from '../../util/concurrency.ts'
import { fieldManager } from '../ingress/manifest.ts'
import { findResourceType } from './resource-type.ts'

/** A field that someone else set, and that an upgrade would set to another value. */
export interface FieldConflict {
  readonly kind: string
  readonly name: string
  /** As the API server names it: `.spec.replicas` */
  readonly field: string
  /** The field manager that set it. */
  readonly manager: string
  /** The subresource through which it was set, such as `scale`. */
  readonly subresource: string | undefined
  /** Its value in the cluster. May be secret. */
  readonly live: unknown
  /** Its value in the upgrade. May be secret. */
  readonly desired: unknown
}

/** An upgrade that was rendered. */
export interface RenderedRelease {
  readonly name: string
  readonly namespace: string
  /** The Service whose type the upgrade sets. */
  readonly service: string
  /**
   * The manifests that may be live: of the deployed revision, and of one that failed after it.
   */
  readonly before: readonly string[]
  readonly after: string
  /**
   * Whether Helm applies server-side, and so fails at a conflict. Otherwise it overwrites all
   * fields of its manifest.
   */
  readonly serverSide: boolean
}

/** The result of the dry run of one object. */
export interface DryRunResult {
  readonly object: ManifestObject
  readonly conflicts: readonly FieldConflict[]
  /** HTTP status, when the API server rejected the dry run for another reason than conflicts. */
  readonly rejectedStatus?: number
}

/** Field manager of Helm. Source: Helm 3, cmd/helm/helm.go; Helm 4, pkg/cmd/root.go. */
export const helmManager = 'helm'
/** A field manager that owns nothing, for releases that Helm applies client-side. */
const previewManager = 'milvus-alb-action-preview'
const maxConcurrentDryRuns = 8

/** Tries every existing object that Helm would write. Results are sorted by object. */
export async function dryRunObjects(
  kubernetes: KubernetesClient,
  release: RenderedRelease,
): Promise<DryRunResult[]> {
  const before = release.before.map(indexObjects)
  const objects = parseManifest(release.after).filter(
    (object) =>
      isWrittenByHelm(object, release) &&
      before.some((objectsByKey) => objectsByKey.has(getObjectKey(object))),
  )
  const results = await Promise.all(
    runConcurrently(objects, maxConcurrentDryRuns, (object) => {
      const key = getObjectKey(object)
      const earlierObjects = before.flatMap((objectsByKey) => objectsByKey.get(key) ?? [])
      return dryRunObject(kubernetes, release, object, earlierObjects)
    }),
  )
  const sortKey = (result: DryRunResult): string => getObjectKey(result.object)
  return results.sort((a, b) => sortKey(a).localeCompare(sortKey(b)))
}

const indexObjects = (manifest: string): Map<string, ManifestObject> =>
  new Map(parseManifest(manifest).map((object) => [getObjectKey(object), object]))

const getObjectKey = ({ group, kind, name }: ManifestObject): string => `${group}/${kind}/${name}`

/**
 * Whether Helm writes all fields of an object. A client-side Helm does so only for kinds that it
 * knows; for custom resources it sends only the differences between its two manifests. Source: Helm
 * 3, pkg/kube/client.go, createPatch.
 */
const isWrittenByHelm = (
  { group, resource }: ManifestObject,
  { serverSide }: RenderedRelease,
): boolean =>
  serverSide || (resource !== undefined && (!group.includes('.') || group.endsWith('.k8s.io')))

async function dryRunObject(
  kubernetes: KubernetesClient,
  release: RenderedRelease,
  object: ManifestObject,
  earlierObjects: readonly ManifestObject[],
): Promise<DryRunResult> {
  const { kind, name, text } = object
  const manager = release.serverSide ? helmManager : previewManager
  let path: string | undefined
  try {
    path = await findPath(kubernetes, release, object)
    // As the API answers below an unknown path. An apply itself creates what does not exist.
    if (path === undefined) return { object, conflicts: [], rejectedStatus: 404 }
    const options = { fieldManager: manager, force: false, dryRun: true }
    await kubernetes.apply(path, text, options, `try the upgrade of ${kind} ${name}`)
    return { object, conflicts: [] }
  } catch (thrown) {
    const error = toStatusError(thrown)
    if (!error) throw thrown
    const causes = error.causes.filter(({ reason }) => reason === 'FieldManagerConflict')
    if (path === undefined || causes.length === 0)
      return { object, conflicts: [], rejectedStatus: error.status }
    // Without the right to read it, the live values are unknown.
    const live = await undefinedIfDenied(
      kubernetes.get<KubernetesObject>(path, `read ${kind} ${name}`),
    )
    const conflicts = causes.map((cause) => toFieldConflict(object, live, cause))
    return {
      object,
      conflicts: conflicts.filter((conflict) => isRelevant(conflict, release, earlierObjects)),
    }
  }
}

/** The path of an object; undefined when the API does not serve its kind. */
async function findPath(
  kubernetes: KubernetesClient,
  release: RenderedRelease,
  object: ManifestObject,
): Promise<string | undefined> {
  const { apiVersion, resource, name, namespace = release.namespace } = object
  const type =
    resource === undefined
      ? await findResourceType(kubernetes, object)
      : { name: resource, namespaced: !isClusterScoped(object) }
  return type && objectPath(apiVersion, type.namespaced ? namespace : undefined, type.name, name)
}

/** The error of the API server; undefined for other errors. */
function toStatusError(thrown: unknown): StatusError | undefined {
  const isForbidden = thrown instanceof ActionError && thrown.code === 'cluster-forbidden'
  const error = isForbidden ? thrown.cause : thrown
  return error instanceof StatusError ? error : undefined
}

/** Source: apimachinery, util/managedfields/internal/conflict.go, printManager. */
function toFieldConflict(
  object: ManifestObject,
  live: KubernetesObject | undefined,
  { field = '', message = '' }: StatusCause,
): FieldConflict {
  const [, manager = 'someone else', subresource] =
    /conflict with "([^"]+)"(?: with subresource "([^"]+)")?/.exec(message) ?? []
  return {
    kind: object.kind,
    name: object.name,
    field,
    manager,
    subresource,
    live: valueAtFieldPath(live, field),
    desired: valueAtFieldPath(parseManifestObject(object), field),
  }
}

function isRelevant(
  conflict: FieldConflict,
  release: RenderedRelease,
  earlierObjects: readonly ManifestObject[],
): boolean {
  // A killed run may still own the type of the Service. Ownership is released before Helm starts.
  if (conflict.manager === fieldManager) return false
  if (release.serverSide) return true
  return isSetByOthers(conflict, earlierObjects) && !isRequested(conflict, release)
}

/** Whether the live value comes from someone else: Helm may overwrite what Helm itself wrote. */
function isSetByOthers(
  { field, manager, live }: FieldConflict,
  earlierObjects: readonly ManifestObject[],
): boolean {
  if (manager === helmManager) return false
  if (live === undefined) return true
  const isEarlierValue = (object: ManifestObject): boolean =>
    isDeepStrictEqual(valueAtFieldPath(parseManifestObject(object), field), live)
  return !earlierObjects.some(isEarlierValue)
}

/** The type of the Service is the purpose of the upgrade, and every run lists its change. */
const isRequested = ({ kind, name, field }: FieldConflict, { service }: RenderedRelease): boolean =>
  kind === 'Service' && name === service && field === '.spec.type'
