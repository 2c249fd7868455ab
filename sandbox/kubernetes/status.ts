/** The API's refusals, in the words of the real one. */
import { qualified, type Resource } from './resources.ts'
import type { Attributes, Identity, Json, JsonObject } from './types.ts'

/** A refusal that becomes a `Status` body. */
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

  /** The body that goes over the wire. */
  status(): JsonObject {
    return {
      kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message: this.message,
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

const about = (resource: Resource, name: string, more: JsonObject = {}): JsonObject => ({
  ...(name === '' ? {} : { name }), ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.plural, ...more,
})

/** 404 for an object. */
export const notFound = (resource: Resource, name: string) =>
  new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, about(resource, name))

/** 409 for a name that is taken. */
export const alreadyExists = (resource: Resource, name: string) =>
  new ApiError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, about(resource, name))

const unfulfilled = (resource: Resource, name: string, why: string): ApiError =>
  new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`, about(resource, name))

/** 409 for an object that changed since it was read. */
export const modified = (resource: Resource, name: string) =>
  unfulfilled(resource, name, 'the object has been modified; please apply your changes to the latest version and try again')

/** 409 for a precondition of a write that does not hold. */
export const precondition = (resource: Resource, name: string, what: string, wanted: string, found: string) =>
  unfulfilled(resource, name, `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${found}`)

/** 422, with one cause for each field. */
export const invalid = (resource: Resource, name: string, causes: Cause[]) => {
  const said = causes.map((cause) => `${cause.field}: ${cause.message}`)
  const list = said.length === 1 ? said.join('') : `[${said.join(', ')}]`
  const kind = resource.group === '' ? resource.kind : `${resource.kind}.${resource.group}`
  return new ApiError(422, 'Invalid', `${kind} "${name}" is invalid: ${list}`,
    { name, ...(resource.group === '' ? {} : { group: resource.group }), kind: resource.kind, causes })
}

/** 400. */
export const badRequest = (message: string) => new ApiError(400, 'BadRequest', message)

/** 401, which says no more than this. */
export const unauthorized = () => new ApiError(401, 'Unauthorized', 'Unauthorized')

/** 403, as RBAC words it. */
export function forbidden(identity: Identity, { verb, group, resource, subresource, namespace, name }: Attributes): ApiError {
  const what = group === '' ? resource : `${resource}.${group}`
  const which = name === '' ? '' : ` "${name}"`
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  return new ApiError(403, 'Forbidden',
    `${what}${which} is forbidden: User "${identity.username}" cannot ${verb} resource "${whole}" in API group "${group}" ${scope}`,
    { ...(name === '' ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource })
}

/** 410 for a watch that starts too far back. */
export const expired = (wanted: number, oldest: number) =>
  new ApiError(410, 'Expired', `too old resource version: ${wanted} (${oldest})`)

/** 410 for a list that is gone on with too late; `anew` goes on with what is there now. Source: apiserver, storage/errors.go and etcd3/errors.go. */
export const expiredContinue = (anew: string) => {
  const error = new ApiError(410, 'Expired', 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.')
  return Object.assign(error, { status: () => ({ ...ApiError.prototype.status.call(error), metadata: { continue: anew } }) })
}

/** 415 for a body in a format that the resource does not take. */
export const unsupportedMediaType = (accepted: string[]) =>
  new ApiError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`)

/** 501: the sandbox refuses what it would only do by halves. */
export const notInSandbox = (what: string) =>
  new ApiError(501, 'NotImplemented', `The sandbox's Kubernetes API does not do this: ${what}. A real cluster does.`)

/** What DELETE answers when the object is gone at once. */
export const deleted = (resource: Resource, name: string, uid: string): JsonObject => ({
  kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details: about(resource, name, { uid } satisfies Record<string, Json>),
})
