/** What Milvus answers in place of a success. */
import { ProbeFailure, never, propagationWindow, untilTimeout } from './probe-failure.ts'

const milvusPortRemedy =
  "Check that the Service and port of the Ingress are those of Milvus' gRPC API (19530)."
const checkLogRemedy = 'Check the log of the Milvus proxy'

/** An answer whose grpc-status is not 0. */
export interface GrpcError {
  readonly method: string
  readonly status: number
  /** The grpc-message; empty when there is none. */
  readonly message: string
}

/** A success of gRPC whose body has an error code. */
export interface MilvusError {
  readonly method: string
  readonly code: number
  readonly reason: string
}

function describeGrpcError({ method, status, message }: GrpcError): string {
  const quotedMessage = message === '' ? '' : ` (${message})`
  return `answered ${method} with grpc-status ${status}${quotedMessage}`
}

const describeMilvusError = ({ method, code, reason }: MilvusError): string =>
  `Milvus answered ${method} with error code ${code} (${reason || 'no reason given'})`

/** `Milvus answered Insert with error code 9 (quota exceeded)` */
export const describeError = (error: GrpcError | MilvusError): string =>
  'status' in error ? `Milvus ${describeGrpcError(error)}` : describeMilvusError(error)

interface GrpcStatusMeaning {
  readonly explanation: string
  readonly remedy: string
  readonly retryFor: number
}

/** Source: grpc.io, Status codes. 4, 8 and 14 are transient. */
const grpcStatusMeanings: Readonly<Record<number, GrpcStatusMeaning>> = {
  4: {
    explanation: 'its deadline was exceeded',
    remedy: `${checkLogRemedy}, and whether its components are overloaded.`,
    retryFor: untilTimeout,
  },
  7: {
    explanation: 'the user of milvus-token lacks the privilege for this call',
    remedy:
      'Grant that user a role with the privilege, or leave milvus-token empty; the probe then stops when Milvus asks for credentials.',
    retryFor: never,
  },
  8: {
    explanation: 'it is overloaded, or one of its limits is reached',
    remedy: `${checkLogRemedy}, and its quotaAndLimits.`,
    retryFor: untilTimeout,
  },
  14: {
    explanation: 'it is currently unavailable',
    remedy: `${checkLogRemedy}, and whether its pods keep running.`,
    retryFor: untilTimeout,
  },
}

/** Whether a retry may succeed. */
export const isTransientStatus = (status: number): boolean =>
  grpcStatusMeanings[status]?.retryFor === untilTimeout

export function grpcError(error: GrpcError): ProbeFailure {
  const meaning = grpcStatusMeanings[error.status]
  const explanation = meaning ? `: ${meaning.explanation}` : ''
  return new ProbeFailure({
    code: 'probe-grpc-error',
    problem: `Milvus ${describeGrpcError(error)}${explanation}.`,
    remedy: meaning?.remedy ?? `${checkLogRemedy}.`,
    retryFor: meaning?.retryFor ?? never,
  })
}

export function notMilvus(error: GrpcError): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-not-found',
    problem: `The server behind the ALB ${describeGrpcError(error)}: it speaks gRPC but is not Milvus.`,
    remedy: milvusPortRemedy,
    retryFor: never,
  })
}

/** Every Milvus since 2.2 has the methods that the probe requires. */
export function milvusTooOld(error: GrpcError): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-grpc-error',
    problem: `Milvus ${describeGrpcError(error)}: it is too old for this call.`,
    remedy: 'Upgrade Milvus, or set probe: off and verify the endpoint with a client.',
    retryFor: never,
  })
}

/** @param reason a phrase, such as "truncated varint" */
export function notMilvusMessage(method: string, reason: string, cause: unknown): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-not-found',
    problem: `The answer to ${method} is not a Milvus message (${reason}).`,
    remedy: milvusPortRemedy,
    retryFor: never,
    cause,
  })
}

function notReady(problem: string): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-not-ready',
    problem,
    remedy:
      'Increase probe-timeout, or check why the components of Milvus do not become healthy ("kubectl get pods -n NAMESPACE").',
    retryFor: untilTimeout,
  })
}

export const milvusStarting = (error: GrpcError | MilvusError): ProbeFailure =>
  notReady(`${describeError(error)}: it is still starting.`)

export function milvusError(error: MilvusError): ProbeFailure {
  return notReady(`${describeMilvusError(error)}.`)
}

export function defaultDatabaseMissing(error: MilvusError): ProbeFailure {
  return new ProbeFailure({
    code: 'probe-grpc-error',
    problem: `${describeMilvusError(error)}: database "default", which every Milvus has, is missing.`,
    remedy:
      'Check that the metadata of Milvus (etcd) is intact, and that nothing in between answers in its place.',
    retryFor: propagationWindow,
  })
}

/** @param reasons of Milvus */
export function milvusUnhealthy(reasons: readonly string[]): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-unhealthy',
    problem: `Milvus reports that it is unhealthy: ${reasons.join('; ') || 'no reason given'}.`,
    remedy:
      'Check the components that it names ("kubectl get pods -n NAMESPACE"). Increase probe-timeout if they are still starting.',
    retryFor: untilTimeout,
  })
}

/** @param reason of Milvus */
export function tokenRejected(reason: string): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-unauthenticated',
    problem: `Milvus rejects milvus-token: ${reason}.`,
    remedy:
      'Store user:password of a Milvus user, or an API key, in the secret behind milvus-token.',
    retryFor: never,
  })
}

/**
 * Milvus treats a token without a colon as an API key, which only a plugin of its operator can
 * verify. Source: authentication_interceptor.go
 * @param reason of Milvus
 */
export function apiKeyRejected(reason: string): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-unauthenticated',
    problem: `Milvus rejects milvus-token, which has no colon and is treated as an API key: ${reason}.`,
    remedy:
      'Store user:password of a Milvus user in the secret behind milvus-token. Milvus itself has no API keys; only services like Zilliz Cloud do.',
    retryFor: never,
  })
}
