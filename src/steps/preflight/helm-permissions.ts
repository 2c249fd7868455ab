/**
 * The permissions that a Helm upgrade needs. Measured with Helm 3.17 and 4.1 from the request log
 * of the simulator.
 */
import {
  isClusterScoped,
  parseManifestObject,
  parseManifest,
  type ManifestObject,
} from '../../clients/helm/manifest-objects.ts'
import type { Settings } from '../../inputs/types.ts'
import { helmStoragePermissions, permissionsFor, type Permission } from './permissions.ts'

/**
 * What every `helm upgrade` needs: it stores a new revision, marks the old one, reads every object
 * of the release and patches the Service.
 * @param manifest of the release
 */
export function helmUpgradePermissions(
  storage: Settings['helmStorage'],
  namespace: string,
  manifest: string,
): Permission[] {
  const getPermissions = reviewedObjects(namespace, manifest).flatMap((object) =>
    objectPermissions(object, 'get'),
  )
  return deduplicate([
    ...helmStoragePermissions(storage, 'create', 'update'),
    ...permissionsFor('', 'services', 'patch', 'get'),
    ...getPermissions,
  ])
}

/** An upgrade whose manifests are known. */
export interface RenderedUpgrade {
  readonly namespace: string
  /** The deployed manifest. */
  readonly currentManifest: string
  /** The manifest that replaces it. */
  readonly newManifest: string
  readonly helmMajorVersion: number
  /** Whether it uses server-side apply. */
  readonly serverSide: boolean
  /** Whether it waits until the workloads are ready. */
  readonly wait: boolean
}

/** What an upgrade needs for its changes, in addition to `helmUpgradePermissions`. */
export function renderedUpgradePermissions({
  namespace,
  currentManifest,
  newManifest,
  helmMajorVersion,
  serverSide,
  wait,
}: RenderedUpgrade): Permission[] {
  const currentObjects = objectsByKey(namespace, currentManifest)
  const newObjects = objectsByKey(namespace, newManifest)
  const needed: Permission[] = []
  for (const [id, object] of newObjects) {
    const currentObject = currentObjects.get(id)
    const isChanged = currentObject?.text !== object.text
    if (!currentObject) needed.push(...objectPermissions(object, 'get', 'create'))
    // Server-side apply sends every object: the API server determines whether it differs.
    if (isChanged || serverSide) needed.push(...objectPermissions(object, 'patch'))
    if (isChanged) needed.push(...escalationPermissions(object, newObjects))
    if (wait) needed.push(...waitPermissions(object, helmMajorVersion))
  }
  for (const [id, object] of currentObjects)
    if (!newObjects.has(id)) needed.push(...objectPermissions(object, 'get', 'delete'))
  return deduplicate(needed)
}

/**
 * Objects of known resources in the namespace of the release and outside of namespaces, where
 * access is reviewed.
 */
const reviewedObjects = (namespace: string, manifest: string): ManifestObject[] =>
  parseManifest(manifest).filter(
    (object) =>
      object.resource !== undefined &&
      (isClusterScoped(object) || (object.namespace ?? namespace) === namespace),
  )

/** The same objects by group, kind and name. */
const objectsByKey = (namespace: string, manifest: string): Map<string, ManifestObject> =>
  new Map(reviewedObjects(namespace, manifest).map((object) => [objectKey(object), object]))

const objectKey = ({ group, kind, name }: ManifestObject): string => `${group}/${kind}/${name}`

function objectPermissions(object: ManifestObject, ...verbs: readonly string[]): Permission[] {
  const { group, resource } = object
  if (resource === undefined) return []
  const permissions = permissionsFor(group, resource, ...verbs)
  if (!isClusterScoped(object)) return permissions
  return permissions.map((permission) => ({ ...permission, isClusterScoped: true }))
}

/**
 * Helm 3 lists the ReplicaSets of Deployments and gets other objects one by one. Helm 4 watches
 * every kind of the release and lists the pods of workloads. Source: Helm 3, pkg/kube/ready.go;
 * Helm 4, pkg/kube/statuswait.go and kstatus.
 */
function waitPermissions(object: ManifestObject, helmMajorVersion: number): Permission[] {
  const replicaSets =
    object.kind === 'Deployment' ? permissionsFor('apps', 'replicasets', 'list') : []
  if (helmMajorVersion < 4) return replicaSets
  const pods = ['Deployment', 'StatefulSet'].includes(object.kind)
    ? permissionsFor('', 'pods', 'list')
    : []
  return [...objectPermissions(object, 'list', 'watch'), ...replicaSets, ...pods]
}

const rbacGroup = 'rbac.authorization.k8s.io'

/**
 * RBAC permits a change of a Role to identities that have everything it grants, or `escalate`; of a
 * RoleBinding to those that have everything its Role grants, or `bind`. A write without a change is
 * not checked. Source: Kubernetes, "Using RBAC Authorization", "Privilege escalation prevention and
 * bootstrapping".
 */
function escalationPermissions(
  object: ManifestObject,
  newObjects: ReadonlyMap<string, ManifestObject>,
): Permission[] {
  if (object.group !== rbacGroup) return []
  if (object.kind === 'Role')
    return [
      {
        verb: 'escalate',
        group: rbacGroup,
        resource: 'roles',
        alternative: grantedPermissions(object),
      },
    ]
  if (object.kind !== 'RoleBinding') return []
  const name = parseRbacObject(object)?.roleRef?.name
  const role = newObjects.get(`${rbacGroup}/Role/${name ?? ''}`)
  // The permissions of a Role outside the release are not known.
  if (!role || name === undefined) return []
  return [
    {
      verb: 'bind',
      group: rbacGroup,
      resource: 'roles',
      name,
      alternative: grantedPermissions(role),
    },
  ]
}

interface RbacObject {
  readonly rules?:
    | readonly {
        readonly apiGroups?: readonly string[]
        readonly resources?: readonly string[]
        readonly resourceNames?: readonly string[]
        readonly verbs?: readonly string[]
      }[]
    | null
  readonly roleRef?: { readonly name?: string }
}

const parseRbacObject = (object: ManifestObject): RbacObject | undefined =>
  parseManifestObject(object) as RbacObject | undefined

/** What a Role grants. */
function grantedPermissions(role: ManifestObject): Permission[] {
  const permissions: Permission[] = []
  for (const rule of parseRbacObject(role)?.rules ?? []) {
    const { apiGroups = [], resources = [], resourceNames = [], verbs = [] } = rule
    for (const group of apiGroups)
      for (const resource of resources) {
        const unrestricted = permissionsFor(group, resource, ...verbs)
        if (resourceNames.length === 0) permissions.push(...unrestricted)
        for (const name of resourceNames)
          permissions.push(...unrestricted.map((permission) => ({ ...permission, name })))
      }
  }
  return permissions
}

const deduplicate = (permissions: readonly Permission[]): Permission[] => [
  ...new Map(
    permissions.map((permission) => {
      const { verb, group, resource, name, alternative } = permission
      return [[verb, group, resource, name, JSON.stringify(alternative)].join(' '), permission]
    }),
  ).values(),
]
