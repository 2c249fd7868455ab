/** The calls of a deep probe fail, although Milvus answers the others. */
import { describeError, type GrpcError, type MilvusError } from './milvus.ts'
import { ProbeFailure, once, propagationWindow, untilTimeout, never } from './probe-failure.ts'

const withoutDeepRemedy =
  'To probe without a collection, set probe: required, which makes calls that only read.'

const deepFailure = (problem: string, remedy: string, retryFor: number): ProbeFailure =>
  new ProbeFailure({ code: 'probe-deep-failed', problem, remedy, retryFor })

interface RejectedCall {
  /** Matches the description of the error. */
  readonly pattern: RegExp
  readonly explanation: string
  readonly remedy: string
  readonly retryFor: number
}

/** Source: milvus, pkg/util/merr/errors.go and internal/proxy/privilege_interceptor.go. */
const rejections: readonly RejectedCall[] = [
  {
    pattern: /permission ?deny|permission denied|privilege|grpc-status 7\b/i,
    explanation: 'the user of milvus-token lacks the privilege for this call',
    remedy: `Grant that user a role that may create, index, load, search and drop collections, and insert into them. ${withoutDeepRemedy}`,
    retryFor: never,
  },
  {
    pattern: /collection not found|can't find collection/i,
    explanation: 'the temporary collection is gone, as if another run with probe: deep dropped it',
    remedy: 'Run the probes of the same Milvus one after the other.',
    retryFor: once,
  },
  {
    pattern: /exceed(?:s|ed)? the limit|maximum number of collections|collection num/i,
    explanation: 'its number of collections is limited',
    remedy: `Drop collections that are not used, or raise the limit (quotaAndLimits in its configuration). ${withoutDeepRemedy}`,
    retryFor: never,
  },
  {
    pattern: /quota|rate limit|deny to write|memory limit|disk/i,
    explanation: 'one of its limits is reached',
    remedy:
      'Add memory or disk, or raise the limit (quotaAndLimits in its configuration). Clients are rejected in the same way.',
    retryFor: untilTimeout,
  },
]

/**
 * Milvus rejects a call with the temporary collection.
 * @param isRetriable whether a retry may succeed, according to Milvus
 */
export function deepCallRejected(
  error: GrpcError | MilvusError,
  isRetriable: boolean,
): ProbeFailure {
  const description = describeError(error)
  const rejection = rejections.find(({ pattern }) => pattern.test(description))
  const explanation = rejection ? `: ${rejection.explanation}` : ''
  return deepFailure(
    `${description}${explanation}.`,
    rejection?.remedy ??
      'Check the log of the Milvus proxy, and whether its data and query nodes are running ("kubectl get pods -n NAMESPACE").',
    rejection?.retryFor ?? (isRetriable ? untilTimeout : propagationWindow),
  )
}

export const deepNeedsToken = (): ProbeFailure =>
  deepFailure(
    'Milvus requires credentials, and milvus-token is empty.',
    `Set milvus-token to a user that may create and drop collections. ${withoutDeepRemedy}`,
    never,
  )

export const deepInsertIncomplete = (insertedCount: number, count: number): ProbeFailure =>
  deepFailure(
    `Milvus inserted ${insertedCount} of ${count} vectors.`,
    'Check the logs of the Milvus proxy and of its data nodes.',
    once,
  )

/** @param progress percent */
export const deepNotLoaded = (progress: number): ProbeFailure =>
  deepFailure(
    `Milvus loaded ${progress} % of the temporary collection in time.`,
    'Check that its query nodes are running and have free memory ("kubectl get pods -n NAMESPACE"), or increase probe-timeout.',
    untilTimeout,
  )

/** @param foundId undefined when the search found nothing */
export const deepNotFound = (insertedId: number, foundId: number | undefined): ProbeFailure =>
  deepFailure(
    `A search for inserted vector ${insertedId} found ${foundId === undefined ? 'nothing' : `vector ${foundId}`}.`,
    'Check the logs of the query nodes of Milvus, and that all its pods use the same storage and message queue.',
    once,
  )

/** A warning, because the next deep probe drops the collection. */
export const collectionRemains = (name: string, { message, remedy }: ProbeFailure): string =>
  `Temporary collection ${name} of the deep probe could not be dropped: ${message} The next run with probe: deep drops it, or drop it with a client of Milvus. ${remedy}`
