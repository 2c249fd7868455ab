/**
 * What this identity may do in the cluster, asked before anything is changed; all that is missing
 * is one problem.
 */
import { ActionError, combineErrors } from '../../failures/action-error.ts'
import type { KubernetesClient } from '../../clients/kubernetes/client.ts'
import { accessReviewPath, rulesReviewPath } from '../../clients/kubernetes/paths.ts'

/** One permission, as RBAC has it. */
export interface Permission {
  readonly verb: string
  readonly group: string
  readonly resource: string
  /** Of one object, where a role may be limited to it. */
  readonly name?: string
  /** What does as well: it is missing only when one of these is missing too. */
  readonly orAllOf?: readonly Permission[]
}

interface RulesReview {
  readonly status?: {
    readonly resourceRules?: readonly {
      readonly verbs: readonly string[]
      readonly apiGroups?: readonly string[]
      readonly resources?: readonly string[]
      readonly resourceNames?: readonly string[]
    }[]
  }
}

interface AccessReview {
  readonly status?: { readonly allowed?: boolean }
}

/** Permissions for one resource. */
export const permissionsFor = (
  group: string,
  resource: string,
  ...verbs: readonly string[]
): Permission[] => verbs.map((verb) => ({ verb, group, resource }))

const ingresses = (...verbs: readonly string[]): Permission[] =>
  permissionsFor('networking.k8s.io', 'ingresses', ...verbs)

/**
 * What every run reads.
 * @param storage where helm keeps releases; undefined without a release
 */
export function requiredReadPermissions(
  namespace: string,
  storage: 'Secret' | 'ConfigMap' | undefined,
): Permission[] {
  return [
    { verb: 'get', group: '', resource: 'namespaces', name: namespace },
    ...permissionsFor('', 'services', 'list'),
    ...permissionsFor('', 'events', 'list'),
    ...ingresses('list', 'get'),
    ...(storage === undefined
      ? []
      : permissionsFor('', storage === 'Secret' ? 'secrets' : 'configmaps', 'list', 'get')),
  ]
}

/**
 * A server-side apply is a patch, and for an object that is not there a create too. Source:
 * Kubernetes, Server-Side Apply, "API access".
 */
export const ingressApplyPermissions = (exists: boolean): Permission[] =>
  ingresses('get', 'patch', ...(exists ? [] : ['create']))

/** What puts back an Ingress that was not there. */
export const ingressRollbackPermissions = (): Permission[] => ingresses('get', 'delete')

/**
 * What a removal reads and deletes.
 * @param storage where helm keeps releases; undefined when none has to be read
 */
export function removalPermissions(
  namespace: string,
  storage: 'Secret' | 'ConfigMap' | undefined,
): Permission[] {
  const releasePermissions =
    storage === undefined
      ? []
      : [
          ...permissionsFor('', 'services', 'list'),
          ...permissionsFor('', storage === 'Secret' ? 'secrets' : 'configmaps', 'list', 'get'),
        ]
  return [
    { verb: 'get', group: '', resource: 'namespaces', name: namespace },
    ...ingresses('list', 'get', 'delete'),
    ...releasePermissions,
  ]
}

/**
 * Asks about access in one namespace: all rules at once, and one by one only what they do not
 * settle.
 */
export class PermissionChecker {
  private readonly kubernetes: KubernetesClient
  private readonly namespace: string
  private readonly rules: Promise<RulesReview>

  /**
   * @param shouldReview false for a run that writes nothing: its reads themselves tell what is
   *   denied
   */
  constructor(kubernetes: KubernetesClient, namespace: string, shouldReview = true) {
    this.kubernetes = kubernetes
    this.namespace = namespace
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectRulesReview',
      spec: { namespace },
    }
    this.rules = shouldReview
      ? kubernetes.createReview<RulesReview>(
          rulesReviewPath,
          review,
          'ask what this identity may do',
        )
      : Promise.reject(new Error('not asked'))
    this.rules.catch(() => undefined)
  }

  /**
   * Those of `needed` that are missing. Nothing, when the cluster does not let this identity ask:
   * the calls themselves will tell.
   */
  async findMissing(required: readonly Permission[]): Promise<Permission[]> {
    try {
      const { status } = await this.rules
      const covers = (granted: readonly string[] | undefined, value: string): boolean =>
        (granted ?? []).some((each) => each === '*' || each === value)
      const uncoveredPermissions = required.filter(
        ({ verb, group, resource, name }) =>
          !(status?.resourceRules ?? []).some(
            (rule) =>
              covers(rule.verbs, verb) &&
              covers(rule.apiGroups, group) &&
              covers(rule.resources, resource) &&
              ((rule.resourceNames ?? []).length === 0 ||
                (name !== undefined && covers(rule.resourceNames, name))),
          ),
      )
      // Not among the rules is not yet forbidden: EKS' access policies are a webhook's, and do not
      // show there.
      const results = await Promise.all(
        uncoveredPermissions.map(
          async (candidate) =>
            (await this.isAllowed(candidate)) || (await this.hasAll(candidate.orAllOf)),
        ),
      )
      return uncoveredPermissions.filter((_, index) => results[index] === false)
    } catch {
      return []
    }
  }

  /** @throws ActionError `cluster-forbidden` that names all of `needed` that is missing */
  async requireAll(required: readonly Permission[]): Promise<void> {
    const missingPermissions = await this.findMissing(required)
    if (missingPermissions.length > 0) throw forbiddenError(this.namespace, missingPermissions)
  }

  /**
   * A failure of reads, with all that they were refused for as one problem; `needed` is what the
   * whole run may need.
   */
  async explainForbidden(
    failure: ActionError,
    required: readonly Permission[],
  ): Promise<ActionError> {
    const forbiddenErrors = failure.allErrors.filter(({ code }) => code === 'cluster-forbidden')
    const missingPermissions = forbiddenErrors.length === 0 ? [] : await this.findMissing(required)
    if (missingPermissions.length === 0) return failure
    return combineErrors([
      forbiddenError(this.namespace, missingPermissions, forbiddenErrors[0]),
      ...failure.allErrors.filter((each) => !forbiddenErrors.includes(each)),
    ])
  }

  private async hasAll(permissions: readonly Permission[] | undefined): Promise<boolean> {
    return permissions !== undefined && (await this.findMissing(permissions)).length === 0
  }

  private async isAllowed({ verb, group, resource, name }: Permission): Promise<boolean> {
    const resourceAttributes = {
      namespace: this.namespace,
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
      'ask what this identity may do',
    )
    return status?.allowed ?? false
  }
}

function forbiddenError(
  namespace: string,
  missingPermissions: readonly Permission[],
  cause?: ActionError,
): ActionError {
  const user = /User "([^"]+)"/.exec(cause?.message ?? '')?.[1]
  const operations = [
    ...new Set(missingPermissions.map(({ verb, resource }) => `${verb} ${resource}`)),
  ]
  return new ActionError({
    code: 'cluster-forbidden',
    problem: `${user === undefined ? 'This identity' : `Identity ${user}`} may not do in namespace ${namespace} what this run needs: ${operations.join(', ')}.`,
    remedy: 'Bind the roles of docs/permissions/rbac.yaml to it (docs/permissions.md says how).',
    cause,
  })
}
