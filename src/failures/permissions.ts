/** Missing permissions in the cluster, all in one failure. */
import { ActionError } from './action-error.ts'

/** RBAC does not grant what the run needs. */
export function permissionsMissing(missing: {
  readonly namespace: string
  /** Name of the identity; undefined when it is not known. */
  readonly user: string | undefined
  /** `patch services` */
  readonly permissions: readonly string[]
  readonly cause: ActionError | undefined
}): ActionError {
  const { namespace, user, permissions, cause } = missing
  const identity = user === undefined ? 'This identity' : `Identity ${user}`
  return new ActionError({
    code: 'cluster-forbidden',
    problem: `${identity} lacks permissions that this run needs in namespace ${namespace}: ${permissions.join(', ')}.`,
    remedy:
      'Bind the roles of docs/permissions/rbac.yaml to it, as docs/permissions.md describes. The file is for namespace milvus and IngressClass alb: replace these if yours differ.',
    cause,
  })
}
