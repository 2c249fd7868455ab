/**
 * What only failed revisions of a release have put into the cluster. helm starts an upgrade from the revision that is deployed,
 * and takes away what that one has and the new one has not: objects that a failed one in between has created would stay, in no
 * revision at all, and so would fields that it has set where helm applies client-side.
 */
import { ActionError, asActionError } from '../core/errors.ts'
import type { Change, Context } from '../core/step.ts'
import { leftoverFields, type LeftoverField } from '../helm/leftover-fields.ts'
import { fieldsOf, readObjects, type ManifestObject } from '../helm/objects.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import { StatusError } from '../kubernetes/request.ts'
import type { AnyObject } from '../kubernetes/types.ts'
import { permission, type Permission } from './preflight/access.ts'
import type { Release } from './preflight/release.ts'

/** An object of the release of which all, or some fields, belong to no revision that counts. */
export interface Leftover {
  readonly kind: string
  readonly name: string
  /** Of the object in the API. */
  readonly path: string
  readonly uid: string
  /** What goes of it: undefined for all. */
  readonly fields: readonly LeftoverField[] | undefined
  /** What it takes to make it go. */
  readonly permissions: readonly Permission[]
}

/** An object of a failed revision, beside the same object in the manifests that count. */
interface Candidate {
  readonly object: ManifestObject
  readonly deployed: ManifestObject | undefined
  readonly next: ManifestObject | undefined
}

/**
 * Finds what is left of the failed revisions of runs of this action. Claims are never deleted, nor what is to be kept, nor what
 * belongs to others by now.
 * @param next the manifest that helm is about to apply
 */
export async function findLeftovers(context: Context, kubernetes: KubernetesClient, namespace: string, { current, last, ownFailed = [] }: Pick<Release, 'current' | 'last' | 'ownFailed'>, next: string): Promise<Leftover[]> {
  const place = { release: last.name, namespace }
  const [deployed, wanted] = [current.manifest, next].map((manifest) => new Map(readObjects(manifest).map((object) => [identity(object, place), object])))
  const candidates = new Map<string, Candidate>()
  for (const object of ownFailed.flatMap(({ manifest }) => readObjects(manifest))) {
    const id = identity(object, place)
    candidates.set(id, { object, deployed: deployed?.get(id), next: wanted?.get(id) })
  }
  const found = await Promise.all([...candidates.values()].map((each) => leftoverOf(context, kubernetes, place, each, last.serverSide)))
  return found.filter((each) => each !== undefined)
}

/** The changes that making them go is. */
export function leftoverChanges(namespace: string, leftovers: readonly Leftover[]): Change[] {
  const why = 'only a revision that failed has it, and helm would leave it behind'
  return leftovers.flatMap(({ kind, name, fields }) => (fields ?? [undefined]).map((field) => ({
    step: 'release' as const, object: `${kind} ${namespace}/${name}`, path: field === undefined ? 'object' : field.path.join('.'), before: '(not shown)', why,
  })))
}

/** Makes them go, each as long as it is what was found. @throws ActionError `helm-upgrade-failed` when the cluster refuses, `cluster-forbidden` */
export async function removeLeftovers(kubernetes: KubernetesClient, leftovers: readonly Leftover[]): Promise<void> {
  for (const leftover of leftovers) {
    const { kind, name, path, uid, fields } = leftover
    try {
      if (fields === undefined) await kubernetes.remove(path, uid, `delete ${kind} ${name}`)
      else await kubernetes.jsonPatch(path, fields.flatMap(removal), `patch ${kind} ${name}`)
    } catch (thrown) {
      // Somebody has changed it since it was found: it is left to them.
      if (thrown instanceof StatusError && [404, 409, 422].includes(thrown.status)) continue
      throw thrown instanceof StatusError ? refused(leftover, thrown) : thrown
    }
  }
}

/** Source: RFC 6902. */
const removal = ({ path, test }: LeftoverField): object[] => [{ op: 'test', path: pointer(test.path), value: test.value }, { op: 'remove', path: pointer(path) }]

const refused = ({ kind, name, fields }: Leftover, cause: StatusError): ActionError => new ActionError({
  code: 'helm-upgrade-failed',
  problem: `The cluster refuses to ${fields ? `take ${fields.map(({ path }) => path.join('.')).join(', ')} off` : 'delete'} ${kind} ${name}, which only a failed revision of the release has: ${cause.message}`,
  remedy: 'Make the policy or the webhook that says so allow it, or do it by hand; then run the job again.',
  cause,
})

/** Source: RFC 6901. */
const pointer = (path: readonly string[]): string => path.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** The release and its namespace, as helm marks its objects with them. */
interface Place {
  readonly release: string
  readonly namespace: string
}

const identity = ({ group, kind, name, namespace }: ManifestObject, place: Place): string => [group, kind, namespace ?? place.namespace, name].join('/')

async function leftoverOf(context: Context, kubernetes: KubernetesClient, place: Place, { object, deployed, next }: Candidate, serverSide: boolean): Promise<Leftover | undefined> {
  const { group, kind, name } = object
  // helm itself deletes what only the deployed revision has beside, and server-side it knows which fields it had set.
  if (next ? serverSide || next.text === object.text : deployed !== undefined || kind === 'PersistentVolumeClaim') return undefined
  const live = await findLive(context, kubernetes, object, place)
  if (!live || !isOfRelease(live.object, place)) return undefined
  const { path, resource, namespaced } = live
  const fields = next && fieldsLeft(live.object, object, [deployed, next])
  if (fields?.length === 0 || (!fields && live.object.metadata.annotations?.['helm.sh/resource-policy'] === 'keep')) return undefined
  // Access is asked about in the namespace of the release: of others the write itself tells.
  const permissions = namespaced ? permission(group, resource, fields ? 'patch' : 'delete') : []
  return { kind, name, path, uid: live.object.metadata.uid, fields, permissions }
}

/** Nothing, where one of the manifests is no YAML to us. */
function fieldsLeft(live: AnyObject, failed: ManifestObject, kept: readonly (ManifestObject | undefined)[]): LeftoverField[] {
  const objects = kept.flatMap((each) => (each ? [fieldsOf(each)] : []))
  if (objects.includes(undefined)) return []
  return leftoverFields(live, fieldsOf(failed), objects).filter(({ path }) => path.join('.') !== 'metadata.namespace')
}

interface Live {
  readonly object: AnyObject
  readonly path: string
  /** The plural of its kind. */
  readonly resource: string
  readonly namespaced: boolean
}

/** The object in the cluster; undefined when there is none, or it may not be read. */
async function findLive(context: Context, kubernetes: KubernetesClient, object: ManifestObject, place: Place): Promise<Live | undefined> {
  const { kind, name, namespace = place.namespace } = object
  try {
    const type = await typeOf(kubernetes, object)
    if (!type) return undefined
    const path = paths.objectPath(object.apiVersion, type.namespaced ? namespace : undefined, type.name, name)
    const live = await kubernetes.get<AnyObject>(path, `read ${kind} ${name}`)
    return live && { object: live, path, resource: type.name, namespaced: type.namespaced }
  } catch (thrown) {
    if (asActionError(thrown).code !== 'cluster-forbidden') throw thrown
    context.log.note(`${kind} ${name} may be left of an upgrade that failed: this identity may not read it.`)
    return undefined
  }
}

/** What the API says of a kind. Source: Kubernetes API concepts, "API discovery". */
interface ResourceType {
  /** The plural. */
  readonly name: string
  readonly namespaced: boolean
}

/** Asks the API, which alone knows the plurals of custom resources, and which kinds are in namespaces. @returns undefined for a kind that is not known any more */
async function typeOf(kubernetes: KubernetesClient, { apiVersion, kind }: ManifestObject): Promise<ResourceType | undefined> {
  const list = await kubernetes.get<{ readonly resources?: readonly { readonly name: string; readonly kind: string; readonly namespaced: boolean }[] }>(paths.apiPath(apiVersion), `ask for the kinds of ${apiVersion}`)
  // A subresource has the kind of what it belongs to.
  const found = list?.resources?.find((each) => each.kind === kind && !each.name.includes('/'))
  return found && { name: found.name, namespaced: found.namespaced }
}

/** Whether helm marked it as this release's. Source: helm, pkg/action/validate.go. */
function isOfRelease({ metadata: { labels = {}, annotations = {} } }: AnyObject, { release, namespace }: Place): boolean {
  return labels['app.kubernetes.io/managed-by'] === 'Helm' && annotations['meta.helm.sh/release-name'] === release && annotations['meta.helm.sh/release-namespace'] === namespace
}
