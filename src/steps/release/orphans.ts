/**
 * What only failed revisions of a release have put into the cluster. helm starts an upgrade from
 * the revision that is deployed, and takes away what that one has and the new one has not: objects
 * that a failed one in between has created would stay, in no revision at all, and so would fields
 * that it has set where helm applies client-side.
 */
import { ActionError } from '../../failures/action-error.ts'
import { toActionError } from '../../failures/thrown.ts'
import type { Change, Context } from '../step.ts'
import { findOrphanedFields, type OrphanedField } from '../../clients/helm/orphaned-fields.ts'
import {
  parseManifestObject,
  parseManifest,
  type ManifestObject,
} from '../../clients/helm/manifest-objects.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import * as paths from '../../clients/kubernetes/paths.ts'
import { StatusError } from '../../clients/kubernetes/request.ts'
import type { KubernetesObject } from '../../clients/kubernetes/types.ts'
import { permissionsFor, type Permission } from '../preflight/permissions.ts'
import type { Release } from '../preflight/release.ts'

/** An object of the release of which all, or some fields, belong to no revision that counts. */
export interface OrphanedObject {
  readonly kind: string
  readonly name: string
  /** Of the object in the API. */
  readonly path: string
  readonly uid: string
  /** What goes of it: undefined for all. */
  readonly fields: readonly OrphanedField[] | undefined
  /** What it takes to make it go. */
  readonly permissions: readonly Permission[]
}

/** An object of a failed revision, beside the same object in the manifests that count. */
interface FailedObject {
  readonly object: ManifestObject
  readonly deployed: ManifestObject | undefined
  readonly next: ManifestObject | undefined
}

/**
 * Finds what is left of the failed revisions of runs of this action. Claims are never deleted, nor
 * what is to be kept, nor what belongs to others by now.
 * @param next the manifest that helm is about to apply
 */
export async function findOrphanedObjects(
  context: Context,
  kubernetes: KubernetesClient,
  namespace: string,
  {
    deployedRevision,
    latestRevision,
    failedOwnRevisions: ownFailedRevisions = [],
  }: Pick<Release, 'deployedRevision' | 'latestRevision' | 'failedOwnRevisions'>,
  next: string,
): Promise<OrphanedObject[]> {
  const releaseRef = { release: latestRevision.name, namespace }
  const [deployed, nextObjects] = [deployedRevision.manifest, next].map(
    (manifest) =>
      new Map(parseManifest(manifest).map((object) => [getObjectKey(object, releaseRef), object])),
  )
  const failedObjects = new Map<string, FailedObject>()
  for (const object of ownFailedRevisions.flatMap(({ manifest }) => parseManifest(manifest))) {
    const id = getObjectKey(object, releaseRef)
    failedObjects.set(id, { object, deployed: deployed?.get(id), next: nextObjects?.get(id) })
  }
  const orphanedObjects = await Promise.all(
    [...failedObjects.values()].map((each) =>
      toOrphanedObject(context, kubernetes, releaseRef, each, latestRevision.serverSide),
    ),
  )
  return orphanedObjects.filter((each) => each !== undefined)
}

/** The changes that making them go is. */
export function listOrphanRemovals(
  namespace: string,
  orphanedObjects: readonly OrphanedObject[],
): Change[] {
  const why = 'only a revision that failed has it, and helm would leave it behind'
  return orphanedObjects.flatMap(({ kind, name, fields }) =>
    (fields ?? [undefined]).map((field) => ({
      step: 'release' as const,
      object: `${kind} ${namespace}/${name}`,
      path: field === undefined ? 'object' : field.path.join('.'),
      before: '(not shown)',
      why,
    })),
  )
}

/**
 * Makes them go, each as long as it is what was found.
 * @throws ActionError `helm-upgrade-failed` when the cluster refuses, `cluster-forbidden`
 */
export async function removeOrphanedObjects(
  kubernetes: KubernetesClient,
  orphanedObjects: readonly OrphanedObject[],
): Promise<void> {
  for (const orphanedObject of orphanedObjects) {
    const { kind, name, path, uid, fields } = orphanedObject
    try {
      if (fields === undefined) await kubernetes.deleteObject(path, uid, `delete ${kind} ${name}`)
      else
        await kubernetes.jsonPatch(path, fields.flatMap(toPatchOperations), `patch ${kind} ${name}`)
    } catch (thrown) {
      // Somebody has changed it since it was found: it is left to them.
      if (thrown instanceof StatusError && [404, 409, 422].includes(thrown.status)) continue
      throw thrown instanceof StatusError ? removalError(orphanedObject, thrown) : thrown
    }
  }
}

/** Source: RFC 6902. */
const toPatchOperations = ({ path, test }: OrphanedField): object[] => [
  { op: 'test', path: toJsonPointer(test.path), value: test.value },
  { op: 'remove', path: toJsonPointer(path) },
]

const removalError = ({ kind, name, fields }: OrphanedObject, cause: StatusError): ActionError =>
  new ActionError({
    code: 'helm-upgrade-failed',
    problem: `The cluster refuses to ${fields ? `take ${fields.map(({ path }) => path.join('.')).join(', ')} off` : 'delete'} ${kind} ${name}, which only a failed revision of the release has: ${cause.message}`,
    remedy:
      'Make the policy or the webhook that says so allow it, or do it by hand; then run the job again.',
    cause,
  })

/** Source: RFC 6901. */
const toJsonPointer = (path: readonly string[]): string =>
  path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The release and its namespace, as helm marks its objects with them. */
interface ReleaseRef {
  readonly release: string
  readonly namespace: string
}

const getObjectKey = (
  { group, kind, name, namespace }: ManifestObject,
  releaseRef: ReleaseRef,
): string => [group, kind, namespace ?? releaseRef.namespace, name].join('/')

async function toOrphanedObject(
  context: Context,
  kubernetes: KubernetesClient,
  releaseRef: ReleaseRef,
  { object, deployed, next }: FailedObject,
  serverSide: boolean,
): Promise<OrphanedObject | undefined> {
  const { group, kind, name } = object
  // helm itself deletes what only the deployed revision has beside, and server-side it knows which
  // fields it had set.
  if (
    next
      ? serverSide || next.text === object.text
      : deployed !== undefined || kind === 'PersistentVolumeClaim'
  )
    return undefined
  const live = await findLiveObject(context, kubernetes, object, releaseRef)
  if (!live || !isManagedByRelease(live.object, releaseRef)) return undefined
  const { path, resource, namespaced } = live
  const fields = next && collectOrphanedFields(live.object, object, [deployed, next])
  if (
    fields?.length === 0 ||
    (!fields && live.object.metadata.annotations?.['helm.sh/resource-policy'] === 'keep')
  )
    return undefined
  // Access is asked about in the namespace of the release: of others the write itself tells.
  const permissions = namespaced ? permissionsFor(group, resource, fields ? 'patch' : 'delete') : []
  return { kind, name, path, uid: live.object.metadata.uid, fields, permissions }
}

/** Nothing, where one of the manifests is no YAML to us. */
function collectOrphanedFields(
  live: KubernetesObject,
  failed: ManifestObject,
  remaining: readonly (ManifestObject | undefined)[],
): OrphanedField[] {
  const objects = remaining.flatMap((each) => (each ? [parseManifestObject(each)] : []))
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

/** The object in the cluster; undefined when there is none, or it may not be read. */
async function findLiveObject(
  context: Context,
  kubernetes: KubernetesClient,
  object: ManifestObject,
  releaseRef: ReleaseRef,
): Promise<LiveObject | undefined> {
  const { kind, name, namespace = releaseRef.namespace } = object
  try {
    const type = await findResourceType(kubernetes, object)
    if (!type) return undefined
    const path = paths.objectPath(
      object.apiVersion,
      type.namespaced ? namespace : undefined,
      type.name,
      name,
    )
    const live = await kubernetes.get<KubernetesObject>(path, `read ${kind} ${name}`)
    return live && { object: live, path, resource: type.name, namespaced: type.namespaced }
  } catch (thrown) {
    if (toActionError(thrown).code !== 'cluster-forbidden') throw thrown
    context.log.note(
      `${kind} ${name} may be left of an upgrade that failed: this identity may not read it.`,
    )
    return undefined
  }
}

/** What the API says of a kind. Source: Kubernetes API concepts, "API discovery". */
interface ResourceType {
  /** The plural. */
  readonly name: string
  readonly namespaced: boolean
}

/**
 * Asks the API, which alone knows the plurals of custom resources, and which kinds are in
 * namespaces.
 * @returns undefined for a kind that is not known any more
 */
async function findResourceType(
  kubernetes: KubernetesClient,
  { apiVersion, kind }: ManifestObject,
): Promise<ResourceType | undefined> {
  const list = await kubernetes.get<{
    readonly resources?: readonly {
      readonly name: string
      readonly kind: string
      readonly namespaced: boolean
    }[]
  }>(paths.apiPath(apiVersion), `ask for the kinds of ${apiVersion}`)
  // A subresource has the kind of what it belongs to.
  const resource = list?.resources?.find((each) => each.kind === kind && !each.name.includes('/'))
  return resource && { name: resource.name, namespaced: resource.namespaced }
}

/** Whether helm marked it as this release's. Source: helm, pkg/action/validate.go. */
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
