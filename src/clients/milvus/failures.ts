/**
 * A failed probe, and what gRPC's and Milvus' own refusals mean. What an ALB answers is in
 * http-answers.ts, HTTP/2's codes in http2-errors.ts.
 */
import type { FailureCode } from '../../failures/codes.ts'
import { truncate } from '../../util/text.ts'

/** Characters: what Milvus says is part of it, and what is known besides comes after it. */
const maxProblemLength = 1_000

/** A probe that failed. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
  readonly code: FailureCode
  readonly remedy: string
  /** How long, in milliseconds, time may still heal this; 0 for never. */
  readonly retryFor: number

  constructor(failure: {
    code: FailureCode
    problem: string
    remedy: string
    retryFor: number
    cause?: unknown
  }) {
    super(truncate(failure.problem, maxProblemLength), { cause: failure.cause })
    this.code = failure.code
    this.remedy = failure.remedy
    this.retryFor = failure.retryFor
  }
}

/** `heals` of what time can heal, until probe-timeout is over. */
export const untilTimeout = Infinity

/**
 * `heals` of an answer that an ALB may give while a change reaches its nodes, which takes seconds.
 */
export const propagationWindow = 20_000

/**
 * Whether a text says that Milvus, its proxy or a component, is still starting, from 2.1 to 2.6.
 * Source: milvus, internal/proxy and pkg/util/merr.
 */
const isStarting = (message: string): boolean =>
  /not ready|not healthy|unhealthy|isn't healthy|service unavailable/i.test(message)

/**
 * Milvus before 2.4 says with status 2, later ones with 16, that credentials are missing or wrong.
 * Source: authentication_interceptor.go
 */
export const isUnauthenticated = (status: number, message: string): boolean =>
  status === 16 || (status === 2 && /missing authorization|auth check failure/.test(message))

const proxyLogRemedy = "Look into the log of Milvus' proxy"

/**
 * What a grpc-status means when no text says more: 4, 8 and 14 are what time can heal. Source:
 * grpc.io, Status codes.
 */
const grpcStatuses: Readonly<
  Record<number, { explanation: string; remedy: string; retryFor: number }>
> = {
  4: {
    explanation: 'it took too long',
    remedy: `${proxyLogRemedy}, and whether its components are overloaded.`,
    retryFor: untilTimeout,
  },
  7: {
    explanation: 'the user of milvus-token may not call this',
    remedy:
      'Give that user a role with the right to, or leave milvus-token empty: the probe then stops where Milvus asks for credentials.',
    retryFor: 0,
  },
  8: {
    explanation: 'it has too much to do, or a limit of its own is reached',
    remedy: `${proxyLogRemedy}, and its quotaAndLimits.`,
    retryFor: untilTimeout,
  },
  14: {
    explanation: 'it is not available now',
    remedy: `${proxyLogRemedy}, and whether its pods keep running.`,
    retryFor: untilTimeout,
  },
}

/** The failure for a grpc-status that is neither success nor about credentials. */
export function grpcStatusFailure(method: string, status: number, message: string): ProbeFailure {
  const description = `grpc-status ${status}${message ? ` (${message})` : ''} to ${method}`
  if (isStarting(message))
    return notReadyFailure(`Milvus answered ${description}: it is still starting.`)
  if (status === 12) {
    return new ProbeFailure({
      code: 'milvus-not-found',
      problem: `The server behind the ALB answered ${description}: it speaks gRPC, but is not Milvus.`,
      remedy: "Check that the Ingress' Service and port are those of Milvus' gRPC API (19530).",
      retryFor: 0,
    })
  }
  const knownStatus = grpcStatuses[status]
  return new ProbeFailure({
    code: 'probe-grpc-error',
    problem: `Milvus answered ${description}${knownStatus ? `: ${knownStatus.explanation}` : ''}.`,
    remedy: knownStatus?.remedy ?? `${proxyLogRemedy}.`,
    retryFor: knownStatus?.retryFor ?? 0,
  })
}

function notReadyFailure(problem: string): ProbeFailure {
  return new ProbeFailure({
    code: 'milvus-not-ready',
    problem,
    remedy:
      'Give probe-timeout more time, or look why its components do not become healthy ("kubectl get pods").',
    retryFor: untilTimeout,
  })
}

/** Of merr.ErrDatabaseNotFound. Source: milvus, pkg/util/merr/errors.go. */
const databaseNotFoundCode = 800

/** The failure for a code in the body of an answer whose grpc-status is 0. */
export function milvusStatusFailure(method: string, code: number, reason: string): ProbeFailure {
  const description = `Milvus answered ${method} with its own code ${code} (${reason || 'no reason given'})`
  if (code === databaseNotFoundCode) {
    return new ProbeFailure({
      code: 'probe-grpc-error',
      problem: `${description}: it has no database "default", which every Milvus has.`,
      remedy:
        'Look whether its metadata (etcd) is whole, or what stands between that answers in its place.',
      retryFor: propagationWindow,
    })
  }
  return notReadyFailure(`${description}${isStarting(reason) ? ': it is still starting' : ''}.`)
}

/** The failure for credentials that Milvus does not take. */
export function rejectedTokenFailure(token: string, status: number, message: string): ProbeFailure {
  // Without a colon Milvus takes it for an API key, which only a hook of its operator can check.
  // Source: authentication_interceptor.go
  const isApiKey = !token.includes(':')
  return new ProbeFailure({
    code: 'milvus-unauthenticated',
    problem: `Milvus does not accept milvus-token${isApiKey ? ', which has no colon and is taken for an API key' : ''}: ${message || `grpc-status ${status}`}.`,
    remedy: isApiKey
      ? 'Give user:password of a Milvus user as the secret behind milvus-token: Milvus itself knows no API keys, only services like Zilliz Cloud do.'
      : 'Give user:password of a Milvus user, or an API key, as the secret behind milvus-token.',
    retryFor: 0,
  })
}
