/** Whether Milvus' RESTful API answers: collections are listed over HTTP/1.1, as curl would. */
import {
  restAlbError,
  restError,
  restNotServed,
  restTokenRejected,
} from '../../failures/probe-rest.ts'
import type { Endpoint } from './endpoint.ts'
import { requestOverHttp1, type Http1Request, type Http1Response } from './http1.ts'

/** What a successful attempt found. */
export interface RestResult {
  /** The newest version of the API that this Milvus has. */
  readonly api: 'v1' | 'v2'
  /** Whether calls without a token are rejected. */
  readonly requiresCredentials: boolean
  /** One line per call, for the log. */
  readonly trace: readonly string[]
}

/** A call, and its answer. */
interface RestCall {
  readonly api: 'v1' | 'v2'
  readonly operation: string
  readonly response: Http1Response
  /** Of Milvus; undefined when the answer is not Milvus' JSON. */
  readonly code: number | undefined
  /** Of Milvus; empty when there is none. */
  readonly message: string
}

/** Since 2.4 and since 2.3. Source: milvus, httpserver/handler_v2.go and handler_v1.go. */
const requests = {
  v2: { method: 'POST', path: '/v2/vectordb/collections/list', body: '{}' },
  v1: { method: 'GET', path: '/v1/vector/collections', body: '' },
} as const

/**
 * Calls with the token, if there is one, and without.
 * @throws ProbeFailure
 */
export async function probeRest(
  endpoint: Endpoint,
  token: string | undefined,
  signal: AbortSignal,
): Promise<RestResult> {
  const call = (credential: string | undefined) => callNewest(endpoint, credential, signal)
  const [anonymousCall, ownCall] = await Promise.all([
    call(undefined),
    token === undefined ? undefined : call(token),
  ])
  if (ownCall && !isAccepted(ownCall)) throw restTokenRejected(ownCall)
  // A web ACL may block calls without a token, which should be rejected anyway.
  const isBlocked = ownCall !== undefined && isBlockedByAlb(anonymousCall)
  const isAnonymousAccepted = !isBlocked && isAccepted(anonymousCall)
  const calls = ownCall ? [ownCall, anonymousCall] : [anonymousCall]
  return {
    api: (ownCall ?? anonymousCall).api,
    requiresCredentials: !isAnonymousAccepted,
    trace: calls.map(formatTrace),
  }
}

async function callNewest(
  endpoint: Endpoint,
  token: string | undefined,
  signal: AbortSignal,
): Promise<RestCall> {
  const newest = await callApi('v2', endpoint, token, signal)
  return isUnknownPath(newest) ? callApi('v1', endpoint, token, signal) : newest
}

async function callApi(
  api: 'v1' | 'v2',
  endpoint: Endpoint,
  token: string | undefined,
  signal: AbortSignal,
): Promise<RestCall> {
  const { method, path, body } = requests[api]
  const request: Http1Request = {
    method,
    path,
    body,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
  }
  const response = await requestOverHttp1(endpoint, request, signal)
  return { api, operation: `${method} ${path}`, response, ...parseAnswer(response) }
}

/** The `code` comes first in an answer that is too long to be read. */
function parseAnswer({ body, isTruncated }: Http1Response): Pick<RestCall, 'code' | 'message'> {
  if (isTruncated) {
    const [, code] = /^\{"code":(\d+),/.exec(body) ?? []
    return { code: code === undefined ? undefined : Number(code), message: '' }
  }
  try {
    const { code, message } = JSON.parse(body) as { code?: unknown; message?: unknown }
    return {
      code: typeof code === 'number' ? code : undefined,
      message: typeof message === 'string' ? message : '',
    }
  } catch {
    return { code: undefined, message: '' }
  }
}

const isAnsweredByAlb = ({ server }: Http1Response): boolean => server.startsWith('awselb')

const isBlockedByAlb = ({ response }: RestCall): boolean =>
  response.status === 403 && isAnsweredByAlb(response)

/** Milvus does not have the path: it answers text. That of an ALB without a rule is its own. */
const isUnknownPath = ({ response, code }: RestCall): boolean =>
  response.status === 404 && code === undefined && !isAnsweredByAlb(response)

/** Of merr.ErrNeedAuthenticate. Source: milvus, pkg/util/merr/errors.go. */
const needsAuthenticationCode = 1800

/** A success has code 0, in v1 200. Source: milvus, httpserver/handler_v1.go. */
const successCodes: readonly number[] = [0, 200]

/**
 * @returns false when credentials are missing or wrong
 * @throws ProbeFailure when the API does not answer
 */
function isAccepted(call: RestCall): boolean {
  const { response, code } = call
  const { status } = response
  if (code === undefined && isUnknownPath(call)) throw restNotServed(call.operation)
  if (code === undefined) throw restAlbError({ ...call, ...response })
  if (code === needsAuthenticationCode || status === 401) return false
  // The user may not list collections: Milvus knows who it is, so the API answers.
  if (status === 403) return true
  if (status === 200 && successCodes.includes(code)) return true
  throw restError({ operation: call.operation, status, code, message: call.message })
}

const formatTrace = ({ operation, response, code }: RestCall, index: number): string =>
  `REST: HTTP ${response.status}, code ${code ?? 'none'} to ${operation}` +
  (index === 1 ? ' without a token' : '')
