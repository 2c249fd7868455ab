/**
 * What helm asks of the Kubernetes API in an upgrade. Measured with helm 3.17 and 4.1 against the
 * request log of the simulator.
 */
import {
  parseManifestObject,
  parseManifest,
  type ManifestObject,
} from '../../clients/helm/manifest-objects.ts'
import { permissionsFor, type Permission } from './permissions.ts'

type Storage = 'Secret' | 'ConfigMap'

/**
 * What `helm upgrade` needs at least: it keeps a new revision, marks the old one, reads every
 * object of the release and patches the Service.
 * @param manifest of the release
 */
export function helmUpgradePermissions(
  storage: Storage,
  namespace: string,
  manifest: string,
): Permission[] {
  const getPermissions = objectsInNamespace(namespace, manifest).flatMap((object) =>
    objectPermissions(object, 'get'),
  )
  return deduplicate([
    ...permissionsFor('', storage === 'Secret' ? 'secrets' : 'configmaps', 'create', 'update'),
    ...permissionsFor('', 'services', 'patch', 'get'),
    ...getPermissions,
  ])
}

/** An upgrade that was rendered. */
export interface RenderedUpgrade {
  readonly namespace: string
  /** The deployed manifest, and the one that replaces it. */
  readonly currentManifest: string
  readonly newManifest: string
  /** Of the program that upgrades. */
  readonly helmMajorVersion: number
  /** Whether it applies server-side. */
  readonly serverSide: boolean
  /** Whether it waits until the workloads are ready. */
  readonly wait: boolean
}

/** What an upgrade needs for its own changes, beside `helmPermissions`. */
export function renderedUpgradePermissions({
  namespace,
  currentManifest,
  newManifest,
  helmMajorVersion,
  serverSide,
  wait,
}: RenderedUpgrade): Permission[] {
  const [currentObjects, newObjects] = [currentManifest, newManifest].map(
    (manifest) =>
      new Map(objectsInNamespace(namespace, manifest).map((object) => [objectKey(object), object])),
  )
  if (!currentObjects || !newObjects) return []
  const needed: Permission[] = []
  for (const [id, object] of newObjects) {
    const currentObject = currentObjects.get(id)
    const isChanged = currentObject?.text !== object.text
    if (!currentObject) needed.push(...objectPermissions(object, 'get', 'create'))
    // A server-side apply sends every object, and the API server finds out whether it differs.
    if (isChanged || serverSide) needed.push(...objectPermissions(object, 'patch'))
    if (isChanged) needed.push(...escalationPermissions(object, newObjects))
    if (wait) needed.push(...waitPermissions(object, helmMajorVersion))
  }
  for (const [id, object] of currentObjects)
    if (!newObjects.has(id)) needed.push(...objectPermissions(object, 'get', 'delete'))
  return deduplicate(needed)
}

/** Those whose resource is known, in the namespace of the release: access is asked about there. */
const objectsInNamespace = (namespace: string, manifest: string): ManifestObject[] =>
  parseManifest(manifest).filter(
    (object) => object.resource !== undefined && (object.namespace ?? namespace) === namespace,
  )

const objectKey = ({ group, kind, name }: ManifestObject): string => `${group}/${kind}/${name}`

const objectPermissions = (
  { group, resource }: ManifestObject,
  ...verbNames: readonly string[]
): Permission[] => (resource === undefined ? [] : permissionsFor(group, resource, ...verbNames))

/**
 * helm 3 looks at ReplicaSets of Deployments, and reads the rest one by one. helm 4 watches every
 * kind of the release, and lists the pods of workloads. Source: helm 3, pkg/kube/ready.go; helm 4,
 * pkg/kube/statuswait.go and kstatus.
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
 * RBAC lets a Role be changed only by who holds all that it grants, or may escalate; a RoleBinding
 * by who holds all that its Role grants, or may bind. A write that changes nothing is not checked.
 * Source: Kubernetes, "Using RBAC Authorization", "Privilege escalation prevention and
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
        orAllOf: grantedPermissions(object),
      },
    ]
  if (object.kind !== 'RoleBinding') return []
  const name = parseRbacObject(object)?.roleRef?.name
  const role = newObjects.get(`${rbacGroup}/Role/${name ?? ''}`)
  // What a Role outside the release grants is not known here.
  return role && name !== undefined
    ? [
        {
          verb: 'bind',
          group: rbacGroup,
          resource: 'roles',
          name,
          orAllOf: grantedPermissions(role),
        },
      ]
    : []
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
  return (parseRbacObject(role)?.rules ?? []).flatMap(
    ({ apiGroups = [], resources = [], resourceNames = [], verbs = [] }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => {
          const rulePermissions = permissionsFor(group, resource, ...verbs)
          return resourceNames.length === 0
            ? rulePermissions
            : resourceNames.flatMap((name) =>
                rulePermissions.map((rulePermission) => ({ ...rulePermission, name })),
              )
        }),
      ),
  )
}

const deduplicate = (permissions: readonly Permission[]): Permission[] => [
  ...new Map(
    permissions.map((permissionEntry) => [
      [
        permissionEntry.verb,
        permissionEntry.group,
        permissionEntry.resource,
        permissionEntry.name,
        JSON.stringify(permissionEntry.orAllOf),
      ].join(' '),
      permissionEntry,
    ]),
  ).values(),
]
