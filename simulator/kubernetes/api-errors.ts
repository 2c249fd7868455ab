/** The API's errors, worded as the real API words them. */
import { formatQualifiedName, type Resource } from './resources.ts'
import type { AuthorizationAttributes, Identity, Json, JsonObject } from './types.ts'

/** An error that is sent as a `Status` object. */
export class ApiError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: JsonObject | undefined

  constructor(code: number, reason: string, message: string, details?: JsonObject) {
    super(message)
    this.code = code
    this.reason = reason
    this.details = details
  }

  /** The body of the response. */
  status(): JsonObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : { reason: this.reason }),
      ...(this.details ? { details: this.details } : {}),
      code: this.code,
    }
  }
}

/** One cause of a 422, or of a 409 from server-side apply. */
export interface Cause extends JsonObject {
  reason: string
  message: string
  field: string
}

const buildDetails = (resource: Resource, name: string, extra: JsonObject = {}): JsonObject => ({
  ...(name === '' ? {} : { name }),
  ...(resource.group === '' ? {} : { group: resource.group }),
  kind: resource.plural,
  ...extra,
})

/** 404: the object does not exist. */
export const notFound = (resource: Resource, name: string) =>
  new ApiError(
    404,
    'NotFound',
    `${formatQualifiedName(resource)} "${name}" not found`,
    buildDetails(resource, name),
  )

/** 409: the name is in use. */
export const alreadyExists = (resource: Resource, name: string) =>
  new ApiError(
    409,
    'AlreadyExists',
    `${formatQualifiedName(resource)} "${name}" already exists`,
    buildDetails(resource, name),
  )

const createConflictError = (resource: Resource, name: string, reason: string): ApiError =>
  new ApiError(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${formatQualifiedName(resource)} "${name}": ${reason}`,
    buildDetails(resource, name),
  )

/** 409: the object changed since it was read. */
export const objectModified = (resource: Resource, name: string) =>
  createConflictError(
    resource,
    name,
    'the object has been modified; please apply your changes to the latest version and try again',
  )

/** A precondition of a write that the object does not meet. */
export interface FailedPrecondition {
  readonly field: 'UID' | 'ResourceVersion'
  readonly expected: string
  readonly actual: string
}

/** 409: the object does not meet a precondition of the write. */
export const preconditionFailed = (
  resource: Resource,
  name: string,
  { field, expected, actual }: FailedPrecondition,
) =>
  createConflictError(
    resource,
    name,
    `Precondition failed: ${field} in precondition: ${expected}, ` +
      `${field} in object meta: ${actual}`,
  )

/** 422, with one cause per field. */
export const invalid = (resource: Resource, name: string, causes: Cause[]) => {
  const messages = causes.map((cause) => `${cause.field}: ${cause.message}`)
  const list = messages.length === 1 ? messages.join('') : `[${messages.join(', ')}]`
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`, {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.kind,
    causes,
  })
}

/** 400. */
export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message)

/** 401. The real API does not say why either. */
export const unauthorized = () => new ApiError(401, 'Unauthorized', 'Unauthorized')

/** 403, as RBAC words it. */
export function forbidden(
  identity: Identity,
  { verb, group, resource, subresource, namespace, name }: AuthorizationAttributes,
): ApiError {
  const groupResource = group === '' ? resource : `${resource}.${group}`
  const quotedName = name === '' ? '' : ` "${name}"`
  const resourcePath = subresource === '' ? resource : `${resource}/${subresource}`
  const scopeClause = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  return new ApiError(
    403,
    'Forbidden',
    `${groupResource}${quotedName} is forbidden: User "${identity.username}" ` +
      `cannot ${verb} resource "${resourcePath}" in API group "${group}" ${scopeClause}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource },
  )
}

/** 410: a watch starts at a version that was compacted. */
export const expiredVersion = (requestedVersion: number, oldest: number) =>
  new ApiError(410, 'Expired', `too old resource version: ${requestedVersion} (${oldest})`)

/** Source: apiserver, storage/errors.go and etcd3/errors.go. */
const expiredContinueMessage = [
  'The provided continue parameter is too old to display a consistent list result.',
  'You can start a new list without the continue parameter,',
  'or use the continue token in this response to retrieve the remainder of the results.',
  'Continuing with the provided token results in an inconsistent list -',
  'objects that were created, modified, or deleted between the time the first chunk was returned',
  'and now may show up in the list.',
].join(' ')

/**
 * 410: the version of a list's continue token was compacted.
 * @param freshToken continues with the current objects instead
 */
export const expiredContinue = (freshToken: string) => {
  const error = new ApiError(410, 'Expired', expiredContinueMessage)
  return Object.assign(error, {
    status: () => ({
      ...ApiError.prototype.status.call(error),
      metadata: { continue: freshToken },
    }),
  })
}

/** 415: the resource does not accept the format of the body. */
export const unsupportedMediaType = (accepted: string[]) =>
  new ApiError(
    415,
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - ' +
      `accepted media types include: ${accepted.join(', ')}`,
  )

/** 501: the simulator rejects what it does not implement. */
export const notImplemented = (operation: string) =>
  new ApiError(
    501,
    'NotImplemented',
    `The simulator's Kubernetes API does not implement: ${operation}. A real cluster does.`,
  )

/** The answer to a DELETE that removed the object at once. */
export const createDeletedStatus = (resource: Resource, name: string, uid: string): JsonObject => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Success',
  details: buildDetails(resource, name, { uid } satisfies Record<string, Json>),
})
