/** The RESTful API does not answer, although gRPC does. */
import { ActionError } from './action-error.ts'
import { ProbeFailure, never, propagationWindow, untilTimeout } from './probe-failure.ts'
import { describeStatus } from './probe-http.ts'

interface StatusMeaning {
  /** The part of the route that fails, and how. */
  readonly explanation: string
  readonly remedy: string
  readonly retryFor: number
}

const runAgainRemedy =
  'Run mode deploy again: it restores the paths of the Ingress and the annotations of the Service for the RESTful API.'

/** A change reaches the nodes of an ALB after seconds. */
const statusMeanings: Readonly<Record<number, StatusMeaning>> = {
  404: {
    explanation: 'no listener rule matches the path',
    remedy: `${runAgainRemedy} In a group, check that no other Ingress claims the host.`,
    retryFor: propagationWindow,
  },
  464: {
    explanation: 'the protocol version of the target group is not HTTP1',
    remedy: runAgainRemedy,
    retryFor: propagationWindow,
  },
  502: {
    explanation: 'the target closed the connection, so Milvus serves no HTTP on this port',
    remedy:
      'Set proxy.http.enabled: true in the configuration of Milvus, and leave proxy.http.port empty.',
    retryFor: untilTimeout,
  },
  503: {
    explanation: 'no target is registered in the target group',
    remedy:
      'Check that the Service for the RESTful API exists and has ready endpoints ("kubectl get endpointslices -n NAMESPACE"), and check the events of its TargetGroupBinding.',
    retryFor: untilTimeout,
  },
  504: {
    explanation: 'the target did not answer in time',
    remedy: 'Check that Milvus is not overloaded, and the log of its proxy.',
    retryFor: untilTimeout,
  },
}

const restFailure = (problem: string, remedy: string, retryFor: number): ProbeFailure =>
  new ProbeFailure({
    code: 'probe-rest-failed',
    problem: `gRPC works, but the RESTful API does not: ${problem}`,
    remedy,
    retryFor,
  })

/** An answer that is not Milvus'. */
export function restAlbError(answer: {
  /** `POST /v2/vectordb/collections/list` */
  readonly operation: string
  readonly status: number
  /** The `server` header; empty when absent. */
  readonly server: string
}): ProbeFailure {
  const { operation, status, server } = answer
  const { explanation, remedy, retryFor } = statusMeanings[status] ?? describeStatus(status)
  const sender = server === '' ? '' : ` (${server})`
  return restFailure(
    `${operation} was answered with HTTP ${status}${sender}: ${explanation}.`,
    remedy,
    retryFor,
  )
}

/** Milvus answers, but has no path of the API. */
export const restNotServed = (operation: string): ProbeFailure =>
  restFailure(
    `Milvus does not know ${operation}.`,
    'Upgrade Milvus to 2.3 or later, or set rest: false.',
    never,
  )

/** @param answer `code` and `message` of Milvus */
export function restError(answer: {
  readonly operation: string
  readonly status: number
  readonly code: number
  readonly message: string
}): ProbeFailure {
  const { operation, status, code, message } = answer
  const reason = message === '' ? '' : ` (${message})`
  return restFailure(
    `Milvus answered ${operation} with HTTP ${status} and code ${code}${reason}.`,
    'Check the log of the Milvus proxy.',
    untilTimeout,
  )
}

/** @param answer `code` and `message` of Milvus */
export function restTokenRejected(answer: {
  readonly operation: string
  readonly code: number | undefined
  readonly message: string
}): ProbeFailure {
  const { operation, code, message } = answer
  const reason = message === '' ? '' : `, ${message}`
  return restFailure(
    `Milvus rejects milvus-token for ${operation} (code ${code ?? 'unknown'}${reason}).`,
    'Store user:password of a Milvus user in the secret behind milvus-token, and check that nothing between the ALB and Milvus removes the header Authorization.',
    never,
  )
}

/** @param reason a phrase, such as "connection reset (ECONNRESET)" */
export const restUnanswered = (operation: string, reason: string): ProbeFailure =>
  restFailure(
    `${operation} has no answer: ${reason}.`,
    'Check that Milvus is not overloaded, and that no proxy between this runner and the ALB rejects HTTP/1.1.',
    untilTimeout,
  )

/** Also a warning, when input require-authorization is false. */
export const restAuthorizationOffProblem =
  'The RESTful API answers without credentials, although gRPC requires them: anyone who can reach the ALB can read, change and drop every collection.'
export const restAuthorizationOffRemedy =
  'Set rest: false until the configuration of Milvus is corrected (common.security.authorizationEnabled on every proxy).'

export function restAuthorizationOff(): ActionError {
  return new ActionError({
    code: 'milvus-authorization-off',
    problem: restAuthorizationOffProblem,
    remedy: restAuthorizationOffRemedy,
  })
}
