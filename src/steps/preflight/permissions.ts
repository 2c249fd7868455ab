/**
 * The permissions of this identity in the cluster, reviewed before anything is changed; everything
 * that is missing is one failure.
 */
import { combineErrors, type ActionError } from '../../failures/action-error.ts'
import { permissionsMissing } from '../../failures/permissions.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { accessReviewPath, rulesReviewPath } from '../../clients/kubernetes/paths.ts'
import type { Settings } from '../../inputs/types.ts'
import type { Context } from '../step.ts'

/** One permission, in the terms of RBAC. */
export interface Permission {
  readonly verb: string
  readonly group: string
  readonly resource: string
  /** Name of the object, where a role can be limited to it. */
  readonly name?: string
  /** Whether it is for the whole cluster, and not for one namespace. */
  readonly isClusterScoped?: boolean
  /** An alternative: the permission is missing only when one of these is missing too. */
  readonly alternative?: readonly Permission[]
}

/** authorization.k8s.io/v1 ResourceRule. */
interface ResourceRule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
}

interface RulesReview {
  readonly status?: { readonly resourceRules?: readonly ResourceRule[] }
}

interface AccessReview {
  readonly status?: { readonly allowed?: boolean }
}

type HelmStorage = Settings['helmStorage']

/** Permissions for the verbs of one resource. */
export const permissionsFor = (
  group: string,
  resource: string,
  ...verbs: readonly string[]
): Permission[] => verbs.map((verb) => ({ verb, group, resource }))

const ingresses = (...verbs: readonly string[]): Permission[] =>
  permissionsFor('networking.k8s.io', 'ingresses', ...verbs)

/** Permissions for the objects in which Helm stores releases. */
export const helmStoragePermissions = (
  storage: HelmStorage,
  ...verbs: readonly string[]
): Permission[] => permissionsFor('', storage === 'Secret' ? 'secrets' : 'configmaps', ...verbs)

/**
 * What every run reads.
 * @param storage undefined without a release
 */
export function requiredReadPermissions(
  namespace: string,
  storage: HelmStorage | undefined,
): Permission[] {
  const permissions = [
    { verb: 'get', group: '', resource: 'namespaces', name: namespace },
    ...permissionsFor('', 'services', 'list'),
    ...permissionsFor('', 'events', 'list'),
    ...ingresses('list', 'get'),
  ]
  if (storage !== undefined) permissions.push(...helmStoragePermissions(storage, 'list', 'get'))
  return permissions
}

/**
 * A server-side apply requires patch, and create too when the object does not exist. Source:
 * Kubernetes, Server-Side Apply, "API access".
 */
export const ingressApplyPermissions = (exists: boolean): Permission[] =>
  ingresses('get', 'patch', ...(exists ? [] : ['create']))

/** As ingressApplyPermissions, for the Service of the RESTful API. */
export const restServiceApplyPermissions = (exists: boolean): Permission[] =>
  permissionsFor('', 'services', 'patch', ...(exists ? [] : ['create']))

/**
 * What the rollback of the Service of the RESTful API needs, in addition to its apply.
 * @param exists whether the Service is restored, not deleted
 */
export const restServiceRollbackPermissions = (exists: boolean): Permission[] =>
  permissionsFor('', 'services', 'get', ...(exists ? [] : ['delete']))

export const restServiceDeletionPermissions = (): Permission[] =>
  permissionsFor('', 'services', 'delete')

/** What the rollback of a new Ingress needs. */
export const ingressRollbackPermissions = (): Permission[] => ingresses('get', 'delete')

/**
 * What a removal reads and deletes.
 * @param storage undefined when no release has to be read
 */
export function removalPermissions(
  namespace: string,
  storage: HelmStorage | undefined,
): Permission[] {
  const permissions = [
    { verb: 'get', group: '', resource: 'namespaces', name: namespace },
    ...ingresses('list', 'get', 'delete'),
  ]
  if (storage !== undefined) {
    permissions.push(...permissionsFor('', 'services', 'list'))
    permissions.push(...helmStoragePermissions(storage, 'list', 'get'))
  }
  return permissions
}

const reviewOperation = 'review the permissions of this identity'

/**
 * Reviews access in one namespace: all rules in one request, and single permissions only where the
 * rules do not grant them. The rules do not tell which of them hold in the whole cluster.
 */
export class PermissionChecker {
  private readonly kubernetes: KubernetesClient
  private readonly namespace: string
  /** Undefined when access is not reviewed. */
  private readonly rules: Promise<RulesReview> | undefined

  /**
   * @param shouldReview false for a run that writes nothing: its reads themselves show what is
   *   denied
   */
  constructor(kubernetes: KubernetesClient, namespace: string, shouldReview = true) {
    this.kubernetes = kubernetes
    this.namespace = namespace
    this.rules = shouldReview ? this.requestRules() : undefined
    // findMissing handles the failure; until it is called, nothing else does.
    this.rules?.catch(() => undefined)
  }

  private requestRules(): Promise<RulesReview> {
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace: this.namespace },
    }
    return this.kubernetes.createReview<RulesReview>(rulesReviewPath, review, reviewOperation)
  }

  /**
   * Those of `required` that are missing; none when the cluster does not permit a review, because
   * the requests themselves then show what is denied.
   */
  async findMissing(required: readonly Permission[]): Promise<Permission[]> {
    if (!this.rules) return []
    try {
      const { status } = await this.rules
      const rules = status?.resourceRules ?? []
      const ungranted = required.filter(
        (permission) =>
          permission.isClusterScoped === true || !rules.some((rule) => grants(rule, permission)),
      )
      // The rules are not complete: permissions of EKS access policies come from a webhook and do
      // not appear in them.
      const isGranted = await Promise.all(
        ungranted.map(
          async (permission) =>
            (await this.isAllowed(permission)) || (await this.hasAll(permission.alternative)),
        ),
      )
      return ungranted.filter((_, index) => isGranted[index] === false)
    } catch {
      return []
    }
  }

  /** @throws ActionError `cluster-forbidden` that lists everything missing */
  async requireAll(required: readonly Permission[]): Promise<void> {
    const missing = await this.findMissing(required)
    if (missing.length > 0) throw this.createError(missing)
  }

  /** Whether this identity may not write the Ingress at all, as a role for checks. */
  async mayOnlyRead(): Promise<boolean> {
    const writes = ingresses('create', 'patch')
    return (await this.findMissing(writes)).length === writes.length
  }

  /**
   * Like requireAll, unless this identity may only read: a dry run by a role for checks is no
   * mistake, and notes what the deployment needs.
   * @throws ActionError `cluster-forbidden`
   */
  async requireForDryRun(
    { log }: Pick<Context, 'log'>,
    required: readonly Permission[],
  ): Promise<void> {
    if (!(await this.mayOnlyRead())) return this.requireAll(required)
    const missing = await this.findMissing(required)
    if (missing.length === 0) return
    log.note(
      'This identity may not write the Ingress. The deployment also needs, in namespace ' +
        `${this.namespace}: ${listPermissions(missing).join(', ')}.`,
    )
  }

  /**
   * Merges the denied reads of a failure into one error that lists everything missing.
   * @param required permissions of the whole run
   */
  async explainForbidden(
    failure: ActionError,
    required: readonly Permission[],
  ): Promise<ActionError> {
    const denials = failure.allErrors.filter(({ code }) => code === 'cluster-forbidden')
    const missing = denials.length === 0 ? [] : await this.findMissing(required)
    if (missing.length === 0) return failure
    return combineErrors([
      this.createError(missing, denials[0]),
      ...failure.allErrors.filter((error) => !denials.includes(error)),
    ])
  }

  private createError(missing: readonly Permission[], cause?: ActionError): ActionError {
    return permissionsMissing({
      namespace: this.namespace,
      user: userOf(cause),
      permissions: listPermissions(missing),
      cause,
    })
  }

  private async hasAll(permissions: readonly Permission[] | undefined): Promise<boolean> {
    return permissions !== undefined && (await this.findMissing(permissions)).length === 0
  }

  private async isAllowed(permission: Permission): Promise<boolean> {
    const { verb, group, resource, name, isClusterScoped = false } = permission
    const resourceAttributes = {
      ...(!isClusterScoped && { namespace: this.namespace }),
      verb,
      group,
      resource,
      ...(name !== undefined && { name }),
    }
    const { status } = await this.kubernetes.createReview<AccessReview>(
      accessReviewPath,
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes },
      },
      reviewOperation,
    )
    return status?.allowed ?? false
  }
}

/** `patch services`, each once. */
const listPermissions = (permissions: readonly Permission[]): string[] => [
  ...new Set(
    permissions.map(
      ({ verb, resource, isClusterScoped = false }) =>
        `${verb} ${resource}${isClusterScoped ? ' (cluster-wide)' : ''}`,
    ),
  ),
]

const covers = (granted: readonly string[] | undefined, value: string): boolean =>
  (granted ?? []).some((each) => each === '*' || each === value)

/** Whether a rule grants a permission. */
function grants(rule: ResourceRule, { verb, group, resource, name }: Permission): boolean {
  const isForEveryObject = (rule.resourceNames ?? []).length === 0
  return (
    covers(rule.verbs, verb) &&
    covers(rule.apiGroups, group) &&
    covers(rule.resources, resource) &&
    (isForEveryObject || (name !== undefined && covers(rule.resourceNames, name)))
  )
}

/** The user that the API server names in a message about a denied request. */
const userOf = (failure: ActionError | undefined): string | undefined =>
  /User "([^"]+)"/.exec(failure?.message ?? '')?.[1]
