/** Failures of the Kubernetes API: unreachable, or it rejects the identity or the request. */
import { ActionError } from './action-error.ts'

/** A request that the Kubernetes API rejected. */
export interface RejectedRequest {
  /** What was requested, as an infinitive: `read namespace milvus`. */
  readonly operation: string
  /** The message of the API's Status. */
  readonly message: string
  readonly cause: unknown
}

/** HTTP 401. */
export function clusterUnauthorized({ operation, message, cause }: RejectedRequest): ActionError {
  return new ActionError({
    code: 'cluster-unauthorized',
    problem: `The Kubernetes API does not accept the credentials, so the action could not ${operation}: ${message}`,
    remedy:
      'Give the role an EKS access entry on this cluster with the Kubernetes group milvus-alb-action (milvus-alb-action-check for a role that only reads), or an aws-auth entry with that group if the authentication mode is CONFIG_MAP; with a kubeconfig, renew its credentials. If earlier requests of this job succeeded, the credentials have expired.',
    cause,
  })
}

/** HTTP 403. */
export function clusterForbidden({ operation, message, cause }: RejectedRequest): ActionError {
  return new ActionError({
    code: 'cluster-forbidden',
    problem: `This identity is not allowed to ${operation}: ${message}`,
    remedy:
      'Bind the roles of docs/permissions.md to it: for mode check and dry runs of a deployment, those of docs/permissions/rbac-check.yaml.',
    cause,
  })
}

/**
 * Any other failure of a request.
 * @param request `httpStatus` is absent where the message already contains it, or where there was
 *   no response
 */
export function clusterRequestFailed({
  operation,
  message,
  httpStatus,
  cause,
}: RejectedRequest & { readonly httpStatus: number | undefined }): ActionError {
  const status = httpStatus === undefined ? '' : `HTTP ${httpStatus}, `
  return new ActionError({
    code: 'cluster-request-failed',
    problem: `The Kubernetes API could not ${operation}: ${status}${message}`,
    remedy:
      'Run the job again in a few minutes. If the failure persists, check the control plane ("kubectl get --raw \'/readyz?verbose\'").',
    cause,
  })
}

/** What the codes of connection errors mean. */
const connectionErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed',
  ENOTFOUND: 'its name does not resolve',
  EAI_AGAIN: 'the DNS server does not respond',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not trusted',
}

/** No connection, or no response. */
export function clusterUnreachable(failure: {
  readonly server: string
  /** Code of the error: `ECONNREFUSED`; empty without one. */
  readonly errorCode: string
  /** Message of the error. */
  readonly message: string
  /** Who can reach the endpoint, as a predicate: `is private`. Undefined when that is not known. */
  readonly accessRestriction: string | undefined
  readonly cause: unknown
}): ActionError {
  const { server, errorCode, message, accessRestriction, cause } = failure
  const explanation = connectionErrors[errorCode]
  const reason = explanation === undefined ? message : `${explanation} (${message})`
  const restriction = accessRestriction === undefined ? '' : `. This endpoint ${accessRestriction}.`
  return new ActionError({
    code: 'cluster-unreachable',
    problem: `The Kubernetes API at ${server} cannot be reached: ${reason}${restriction}`,
    remedy:
      "Check that this runner can reach the endpoint. A private endpoint requires a runner in the cluster's network; a public endpoint may be restricted to certain addresses.",
    cause,
  })
}

/** The namespace of input namespace. */
export function namespaceNotFound(name: string): ActionError {
  return new ActionError({
    code: 'namespace-not-found',
    problem: `Namespace ${name} does not exist in the cluster.`,
    remedy:
      'Set namespace to the namespace of Milvus, and check that cluster (or context) is the intended one.',
  })
}
