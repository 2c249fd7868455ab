/** What helm asks of the Kubernetes API in an upgrade. Measured with helm 3.17 and 4.1 against the request log of the sandbox. */
import { fieldsOf, readObjects, type ManifestObject } from '../../helm/objects.ts'
import { permission, type Permission } from './access.ts'

type Storage = 'Secret' | 'ConfigMap'

/**
 * What `helm upgrade` needs at least: it keeps a new revision, marks the old one, reads every object of the release and patches the Service.
 * @param manifest of the release
 */
export function helmPermissions(storage: Storage, namespace: string, manifest: string): Permission[] {
  const read = objectsIn(namespace, manifest).flatMap((object) => verbs(object, 'get'))
  return distinct([...permission('', storage === 'Secret' ? 'secrets' : 'configmaps', 'create', 'update'), ...permission('', 'services', 'patch', 'get'), ...read])
}

/** An upgrade that was rendered. */
export interface RenderedUpgrade {
  readonly namespace: string
  /** The deployed manifest, and the one that replaces it. */
  readonly before: string
  readonly after: string
  /** Of the program that upgrades. */
  readonly helmMajor: number
  /** Whether it applies server-side. */
  readonly serverSide: boolean
  /** Whether it waits until the workloads are ready. */
  readonly wait: boolean
}

/** What an upgrade needs for its own changes, beside `helmPermissions`. */
export function upgradePermissions({ namespace, before, after, helmMajor, serverSide, wait }: RenderedUpgrade): Permission[] {
  const [old, wanted] = [before, after].map((manifest) => new Map(objectsIn(namespace, manifest).map((object) => [identity(object), object])))
  if (!old || !wanted) return []
  const needed: Permission[] = []
  for (const [id, object] of wanted) {
    const present = old.get(id)
    const changes = present?.text !== object.text
    if (!present) needed.push(...verbs(object, 'get', 'create'))
    // A server-side apply sends every object, and the API server finds out whether it differs.
    if (changes || serverSide) needed.push(...verbs(object, 'patch'))
    if (changes) needed.push(...grantingPermissions(object, wanted))
    if (wait) needed.push(...waitPermissions(object, helmMajor))
  }
  for (const [id, object] of old) if (!wanted.has(id)) needed.push(...verbs(object, 'get', 'delete'))
  return distinct(needed)
}

/** Those whose resource is known, in the namespace of the release: access is asked about there. */
const objectsIn = (namespace: string, manifest: string): ManifestObject[] =>
  readObjects(manifest).filter((object) => object.resource !== undefined && (object.namespace ?? namespace) === namespace)

const identity = ({ group, kind, name }: ManifestObject): string => `${group}/${kind}/${name}`

const verbs = ({ group, resource }: ManifestObject, ...names: readonly string[]): Permission[] => (resource === undefined ? [] : permission(group, resource, ...names))

/**
 * helm 3 looks at ReplicaSets of Deployments, and reads the rest one by one. helm 4 watches every kind of the release, and
 * lists the pods of workloads. Source: helm 3, pkg/kube/ready.go; helm 4, pkg/kube/statuswait.go and kstatus.
 */
function waitPermissions(object: ManifestObject, helmMajor: number): Permission[] {
  const replicaSets = object.kind === 'Deployment' ? permission('apps', 'replicasets', 'list') : []
  if (helmMajor < 4) return replicaSets
  const pods = ['Deployment', 'StatefulSet'].includes(object.kind) ? permission('', 'pods', 'list') : []
  return [...verbs(object, 'list', 'watch'), ...replicaSets, ...pods]
}

const rbac = 'rbac.authorization.k8s.io'

/**
 * RBAC lets a Role be changed only by who holds all that it grants, or may escalate; a RoleBinding by who holds all that its Role
 * grants, or may bind. A write that changes nothing is not checked. Source: Kubernetes, "Using RBAC Authorization", "Privilege
 * escalation prevention and bootstrapping".
 */
function grantingPermissions(object: ManifestObject, wanted: ReadonlyMap<string, ManifestObject>): Permission[] {
  if (object.group !== rbac) return []
  if (object.kind === 'Role') return [{ verb: 'escalate', group: rbac, resource: 'roles', orAll: granted(object) }]
  if (object.kind !== 'RoleBinding') return []
  const name = parsed(object)?.roleRef?.name
  const role = wanted.get(`${rbac}/Role/${name ?? ''}`)
  // What a Role outside the release grants is not known here.
  return role && name !== undefined ? [{ verb: 'bind', group: rbac, resource: 'roles', name, orAll: granted(role) }] : []
}

interface RbacObject {
  readonly rules?: readonly { readonly apiGroups?: readonly string[]; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[]; readonly verbs?: readonly string[] }[] | null
  readonly roleRef?: { readonly name?: string }
}

const parsed = (object: ManifestObject): RbacObject | undefined => fieldsOf(object) as RbacObject | undefined

/** What a Role grants. */
function granted(role: ManifestObject): Permission[] {
  return (parsed(role)?.rules ?? []).flatMap(({ apiGroups = [], resources = [], resourceNames = [], verbs: held = [] }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => {
      const all = permission(group, resource, ...held)
      return resourceNames.length === 0 ? all : resourceNames.flatMap((name) => all.map((one) => ({ ...one, name })))
    })))
}

const distinct = (permissions: readonly Permission[]): Permission[] =>
  [...new Map(permissions.map((one) => [[one.verb, one.group, one.resource, one.name, JSON.stringify(one.orAll)].join(' '), one])).values()]
