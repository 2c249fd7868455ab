/** Which failure an answer of gRPC or of Milvus is. HTTP answers are in http-responses.ts. */
import {
  apiKeyRejected,
  defaultDatabaseMissing,
  grpcError,
  milvusError,
  milvusStarting,
  milvusTooOld,
  notMilvus,
  tokenRejected,
} from '../../failures/milvus.ts'
import type { ProbeFailure } from '../../failures/probe-failure.ts'

/** Source: grpc.io, Status codes. */
export const grpcStatus = { ok: 0, unknown: 2, unimplemented: 12, unauthenticated: 16 } as const

/**
 * Whether a message says that Milvus, its proxy or another component is still starting.
 * Source: milvus 2.1 to 2.6, internal/proxy and pkg/util/merr.
 */
export const isStarting = (message: string): boolean =>
  /not ready|not healthy|unhealthy|isn't healthy|service unavailable/i.test(message)

/**
 * Whether credentials are missing or wrong. Milvus answers status 2 before 2.4, and 16 since then.
 * Source: authentication_interceptor.go
 */
export const isUnauthenticated = (status: number, message: string): boolean =>
  status === grpcStatus.unauthenticated ||
  (status === grpcStatus.unknown && /missing authorization|auth check failure/.test(message))

/** The failure for a grpc-status that is neither success nor about credentials. */
export function grpcStatusFailure(method: string, status: number, message: string): ProbeFailure {
  const error = { method, status, message }
  if (isStarting(message)) return milvusStarting(error)
  if (status !== grpcStatus.unimplemented) return grpcError(error)
  // Source: grpc-go, server.go: a server without Milvus' service answers "unknown service".
  return message.startsWith('unknown method') ? milvusTooOld(error) : notMilvus(error)
}

/** Of merr.ErrDatabaseNotFound. Source: milvus, pkg/util/merr/errors.go. */
const databaseNotFoundCode = 800

/** The failure for an error code in the body of an answer whose grpc-status is 0. */
export function milvusStatusFailure(method: string, code: number, reason: string): ProbeFailure {
  const error = { method, code, reason }
  if (code === databaseNotFoundCode) return defaultDatabaseMissing(error)
  return isStarting(reason) ? milvusStarting(error) : milvusError(error)
}

/** The failure for a token that Milvus rejects. */
export function rejectedTokenFailure(token: string, status: number, message: string): ProbeFailure {
  const reason = message || `grpc-status ${status}`
  return token.includes(':') ? tokenRejected(reason) : apiKeyRejected(reason)
}
