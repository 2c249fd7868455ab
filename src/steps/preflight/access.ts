/** What this identity may do in the cluster, asked before anything is changed; all that is missing is one problem. */
import { ActionError, combine } from '../../core/errors.ts'
import type { KubernetesClient } from '../../kubernetes/client.ts'
import { accessReviewPath, rulesReviewPath } from '../../kubernetes/paths.ts'

/** One permission, as RBAC has it. */
export interface Permission {
  readonly verb: string
  readonly group: string
  readonly resource: string
  /** Of one object, where a role may be limited to it. */
  readonly name?: string
  /** What does as well: it is missing only when one of these is missing too. */
  readonly orAll?: readonly Permission[]
}

interface Rules {
  readonly status?: { readonly resourceRules?: readonly { readonly verbs: readonly string[]; readonly apiGroups?: readonly string[]; readonly resources?: readonly string[]; readonly resourceNames?: readonly string[] }[] }
}

interface Review {
  readonly status?: { readonly allowed?: boolean }
}

/** Permissions for one resource. */
export const permission = (group: string, resource: string, ...verbs: readonly string[]): Permission[] => verbs.map((verb) => ({ verb, group, resource }))

const ingresses = (...verbs: readonly string[]): Permission[] => permission('networking.k8s.io', 'ingresses', ...verbs)

/** What every run reads. @param storage where helm keeps releases; undefined without a release */
export function readPermissions(namespace: string, storage: 'Secret' | 'ConfigMap' | undefined): Permission[] {
  return [
    { verb: 'get', group: '', resource: 'namespaces', name: namespace },
    ...permission('', 'services', 'list'),
    ...permission('', 'events', 'list'),
    ...ingresses('list', 'get'),
    ...(storage === undefined ? [] : permission('', storage === 'Secret' ? 'secrets' : 'configmaps', 'list', 'get')),
  ]
}

/** A server-side apply is a patch, and for an object that is not there a create too. Source: Kubernetes, Server-Side Apply, "API access". */
export const ingressPermissions = (exists: boolean): Permission[] => ingresses('get', 'patch', ...(exists ? [] : ['create']))

/** What puts back an Ingress that was not there. */
export const ingressRemovalPermissions = (): Permission[] => ingresses('get', 'delete')

/** What a removal reads and deletes. @param storage where helm keeps releases; undefined when none has to be read */
export function removalPermissions(namespace: string, storage: 'Secret' | 'ConfigMap' | undefined): Permission[] {
  const releases = storage === undefined ? [] : [...permission('', 'services', 'list'), ...permission('', storage === 'Secret' ? 'secrets' : 'configmaps', 'list', 'get')]
  return [{ verb: 'get', group: '', resource: 'namespaces', name: namespace }, ...ingresses('list', 'get', 'delete'), ...releases]
}

/** Asks about access in one namespace: all rules at once, and one by one only what they do not settle. */
export class Access {
  private readonly kubernetes: KubernetesClient
  private readonly namespace: string
  private readonly rules: Promise<Rules>

  /** @param asks false for a run that writes nothing: its reads themselves tell what is denied */
  constructor(kubernetes: KubernetesClient, namespace: string, asks = true) {
    this.kubernetes = kubernetes
    this.namespace = namespace
    const review = { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace } }
    this.rules = asks ? kubernetes.review<Rules>(rulesReviewPath, review, 'ask what this identity may do') : Promise.reject(new Error('not asked'))
    this.rules.catch(() => undefined)
  }

  /** Those of `needed` that are missing. Nothing, when the cluster does not let this identity ask: the calls themselves will tell. */
  async missing(needed: readonly Permission[]): Promise<Permission[]> {
    try {
      const { status } = await this.rules
      const covers = (held: readonly string[] | undefined, wanted: string): boolean => (held ?? []).some((each) => each === '*' || each === wanted)
      const unsettled = needed.filter(({ verb, group, resource, name }) => !(status?.resourceRules ?? []).some((rule) =>
        covers(rule.verbs, verb) && covers(rule.apiGroups, group) && covers(rule.resources, resource) && ((rule.resourceNames ?? []).length === 0 || (name !== undefined && covers(rule.resourceNames, name)))))
      // Not among the rules is not yet forbidden: EKS' access policies are a webhook's, and do not show there.
      const answers = await Promise.all(unsettled.map(async (one) => await this.ask(one) || await this.hasAll(one.orAll)))
      return unsettled.filter((_, index) => answers[index] === false)
    } catch {
      return []
    }
  }

  /** @throws ActionError `cluster-forbidden` that names all of `needed` that is missing */
  async require(needed: readonly Permission[]): Promise<void> {
    const missing = await this.missing(needed)
    if (missing.length > 0) throw forbidden(this.namespace, missing)
  }

  /** A failure of reads, with all that they were refused for as one problem; `needed` is what the whole run may need. */
  async explain(failure: ActionError, needed: readonly Permission[]): Promise<ActionError> {
    const refused = failure.all.filter(({ code }) => code === 'cluster-forbidden')
    const missing = refused.length === 0 ? [] : await this.missing(needed)
    if (missing.length === 0) return failure
    return combine([forbidden(this.namespace, missing, refused[0]), ...failure.all.filter((each) => !refused.includes(each))])
  }

  private async hasAll(permissions: readonly Permission[] | undefined): Promise<boolean> {
    return permissions !== undefined && (await this.missing(permissions)).length === 0
  }

  private async ask({ verb, group, resource, name }: Permission): Promise<boolean> {
    const resourceAttributes = { namespace: this.namespace, verb, group, resource, ...(name !== undefined && { name }) }
    const { status } = await this.kubernetes.review<Review>(accessReviewPath, { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } }, 'ask what this identity may do')
    return status?.allowed ?? false
  }
}

function forbidden(namespace: string, missing: readonly Permission[], refused?: ActionError): ActionError {
  const user = /User "([^"]+)"/.exec(refused?.message ?? '')?.[1]
  const names = [...new Set(missing.map(({ verb, resource }) => `${verb} ${resource}`))]
  return new ActionError({
    code: 'cluster-forbidden',
    problem: `${user === undefined ? 'This identity' : `Identity ${user}`} may not do in namespace ${namespace} what this run needs: ${names.join(', ')}.`,
    remedy: 'Bind the roles of docs/permissions/rbac.yaml to it (docs/permissions.md says how).',
    cause: refused,
  })
}
