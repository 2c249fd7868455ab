/**
 * Finds and removes what only failed revisions of a release created. An upgrade removes what the
 * deployed revision contains and the new one does not. Objects of a failed revision in between
 * would remain, outside of any revision, and so would its fields where Helm applies client-side.
 */
import { orphanRemovalRejected } from '../../failures/release.ts'
import type { ClusterRun } from '../run.ts'
import { findOrphanedFields, type OrphanedField } from '../../clients/helm/orphaned-fields.ts'
import {
  parseManifestObject,
  parseManifest,
  type ManifestObject,
} from '../../clients/helm/manifest-objects.ts'
import { readOptional } from '../../failures/optional-read.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { objectPath } from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { KubernetesObject } from '../../clients/kubernetes/types.ts'
import { permissionsFor, type Permission } from '../preflight/permissions.ts'
import type { Release } from '../preflight/release.ts'
import { findResourceType } from './resource-type.ts'

/** An object of the release that only failed revisions contain, or that has fields of theirs. */
export interface OrphanedObject {
  readonly kind: string
  readonly name: string
  /** Path of the object in the API. */
  readonly path: string
  readonly uid: string
  /** The fields to remove; undefined for the whole object. */
  readonly fields: readonly OrphanedField[] | undefined
  /** What the removal requires. */
  readonly permissions: readonly Permission[]
}

/** An object of a failed revision, and the same object in the manifests before and after it. */
interface FailedObject {
  readonly object: ManifestObject
  readonly deployed: ManifestObject | undefined
  readonly next: ManifestObject | undefined
}

/**
 * Finds what the failed revisions of this action left behind. It never includes a
 * PersistentVolumeClaim, an object with the resource policy "keep", or one that belongs to others.
 * @param nextManifest the one that Helm is about to apply
 */
export async function findOrphanedObjects(
  run: ClusterRun,
  revisions: Pick<Release, 'deployedRevision' | 'latestRevision' | 'failedOwnRevisions'>,
  nextManifest: string,
): Promise<OrphanedObject[]> {
  const { deployedRevision, latestRevision, failedOwnRevisions = [] } = revisions
  const { name: release, serverSide } = latestRevision
  const releaseRef = { release, namespace: run.settings.namespace, serverSide }
  const deployedObjects = indexObjects(deployedRevision.manifest, releaseRef)
  const nextObjects = indexObjects(nextManifest, releaseRef)
  const failedObjects = new Map<string, FailedObject>()
  for (const { manifest } of failedOwnRevisions)
    for (const [key, object] of indexObjects(manifest, releaseRef))
      failedObjects.set(key, {
        object,
        deployed: deployedObjects.get(key),
        next: nextObjects.get(key),
      })
  const orphanedObjects = await Promise.all(
    [...failedObjects.values()].map((failedObject) =>
      toOrphanedObject(run, releaseRef, failedObject),
    ),
  )
  return orphanedObjects.filter((orphanedObject) => orphanedObject !== undefined)
}

/**
 * Removes them, except for those that changed since they were found.
 * @throws ActionError `helm-upgrade-failed` when the cluster rejects it, `cluster-forbidden`
 */
export async function removeOrphanedObjects(
  kubernetes: KubernetesClient,
  orphanedObjects: readonly OrphanedObject[],
): Promise<void> {
  for (const { kind, name, path, uid, fields } of orphanedObjects) {
    const object = `${kind} ${name}`
    try {
      if (fields === undefined) await kubernetes.deleteObject(path, { uid }, `delete ${object}`)
      else await kubernetes.jsonPatch(path, fields.flatMap(toPatchOperations), `patch ${object}`)
    } catch (thrown) {
      if (!(thrown instanceof StatusError)) throw thrown
      // Someone changed it since it was found, and is responsible for it now.
      if ([404, 409, 422].includes(thrown.status)) continue
      const fieldPaths = fields?.map((field) => field.path.join('.'))
      throw orphanRemovalRejected({ object, fields: fieldPaths, cause: thrown })
    }
  }
}

/** Source: RFC 6902. */
const toPatchOperations = ({ path, test }: OrphanedField): object[] => [
  { op: 'test', path: toJsonPointer(test.path), value: test.value },
  { op: 'remove', path: toJsonPointer(path) },
]

/** Source: RFC 6901. */
const toJsonPointer = (path: readonly string[]): string =>
  path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The release to which Helm's annotations on an object refer. */
interface ReleaseRef {
  readonly release: string
  readonly namespace: string
  /** Whether Helm applies the release server-side. */
  readonly serverSide: boolean
}

const indexObjects = (manifest: string, releaseRef: ReleaseRef): Map<string, ManifestObject> =>
  new Map(parseManifest(manifest).map((object) => [getObjectKey(object, releaseRef), object]))

const getObjectKey = (
  { group, kind, name, namespace }: ManifestObject,
  releaseRef: ReleaseRef,
): string => [group, kind, namespace ?? releaseRef.namespace, name].join('/')

async function toOrphanedObject(
  run: ClusterRun,
  releaseRef: ReleaseRef,
  failedObject: FailedObject,
): Promise<OrphanedObject | undefined> {
  if (isHandledByHelm(failedObject, releaseRef)) return undefined
  const { object, deployed, next } = failedObject
  const live = await findLiveObject(run, object, releaseRef)
  if (!live || !isManagedByRelease(live.object, releaseRef)) return undefined
  const { path, resource, namespaced } = live
  const fields = next && collectOrphanedFields(live.object, object, [deployed, next])
  if (fields ? fields.length === 0 : isKept(live.object)) return undefined
  // Access reviews are made for the namespace of the release; elsewhere the write itself tells.
  const verb = fields ? 'patch' : 'delete'
  const permissions = namespaced ? permissionsFor(object.group, resource, verb) : []
  const { kind, name } = object
  return { kind, name, path, uid: live.object.metadata.uid, fields, permissions }
}

/**
 * Whether the upgrade itself removes what is left of an object, or must not delete it: Helm deletes
 * objects of the deployed revision, and server-side it knows the fields that it set.
 */
function isHandledByHelm(
  { object, deployed, next }: FailedObject,
  { serverSide }: ReleaseRef,
): boolean {
  if (next) return serverSide || next.text === object.text
  return deployed !== undefined || object.kind === 'PersistentVolumeClaim'
}

/** Source: Helm, "Tell Helm Not To Uninstall a Resource". */
const isKept = ({ metadata }: KubernetesObject): boolean =>
  metadata.annotations?.['helm.sh/resource-policy'] === 'keep'

/** None when js-yaml cannot parse one of the manifests. */
function collectOrphanedFields(
  live: KubernetesObject,
  failed: ManifestObject,
  remaining: readonly (ManifestObject | undefined)[],
): OrphanedField[] {
  const objects = remaining.filter((each) => each !== undefined).map(parseManifestObject)
  if (objects.includes(undefined)) return []
  return findOrphanedFields(live, parseManifestObject(failed), objects).filter(
    ({ path }) => path.join('.') !== 'metadata.namespace',
  )
}

interface LiveObject {
  readonly object: KubernetesObject
  readonly path: string
  /** The plural of its kind. */
  readonly resource: string
  readonly namespaced: boolean
}

/** The object in the cluster; undefined when it does not exist or is not readable. */
async function findLiveObject(
  { context, clients }: ClusterRun,
  object: ManifestObject,
  releaseRef: ReleaseRef,
): Promise<LiveObject | undefined> {
  const { kind, name } = object
  const read = await readOptional(readLiveObject(clients.kubernetes, object, releaseRef))
  if (read.available) return read.value
  context.log.note(
    `${kind} ${name} may be left over from a failed upgrade: this identity is not allowed to ` +
      'read it.',
  )
  return undefined
}

async function readLiveObject(
  kubernetes: KubernetesClient,
  object: ManifestObject,
  releaseRef: ReleaseRef,
): Promise<LiveObject | undefined> {
  const { apiVersion, kind, name, namespace = releaseRef.namespace } = object
  const type = await findResourceType(kubernetes, object)
  if (!type) return undefined
  const { name: resource, namespaced } = type
  const path = objectPath(apiVersion, namespaced ? namespace : undefined, resource, name)
  const live = await kubernetes.get<KubernetesObject>(path, `read ${kind} ${name}`)
  return live && { object: live, path, resource, namespaced }
}

/** Whether Helm's metadata names this release. Source: Helm, pkg/action/validate.go. */
function isManagedByRelease(
  { metadata: { labels = {}, annotations = {} } }: KubernetesObject,
  { release, namespace }: ReleaseRef,
): boolean {
  return (
    labels['app.kubernetes.io/managed-by'] === 'Helm' &&
    annotations['meta.helm.sh/release-name'] === release &&
    annotations['meta.helm.sh/release-namespace'] === namespace
  )
}
