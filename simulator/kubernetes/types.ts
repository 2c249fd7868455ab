/** The types and JSON helpers of the simulator's Kubernetes API. */

/** Any JSON value. */
export type Json = string | number | boolean | null | Json[] | JsonObject

/** A JSON object. */
export interface JsonObject {
  [field: string]: Json | undefined
}

/** One entry of `metadata.managedFields`. */
export interface ManagedFieldsEntry extends JsonObject {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  time?: string
  fieldsType: 'FieldsV1'
  fieldsV1: JsonObject
  subresource?: string
}

/** `metadata` of an object. The API sets absent fields. */
export interface Metadata extends JsonObject {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  managedFields?: ManagedFieldsEntry[]
}

/** Any Kubernetes object. Use `getIn` to read nested fields. */
export interface KubernetesObject extends JsonObject {
  apiVersion: string
  kind: string
  metadata: Metadata
}

/** An authenticated user. */
export interface Identity {
  readonly username: string
  readonly groups: string[]
}

/** The attributes of a request that RBAC decides on. */
export interface AuthorizationAttributes {
  /** get, list, watch, create, update, patch, delete. */
  readonly verb: string
  /** The API group; empty for core. */
  readonly group: string
  /** The plural name: `services`. */
  readonly resource: string
  /** `status`, or empty. */
  readonly subresource: string
  /** Empty for resources without a namespace, and for all namespaces at once. */
  readonly namespace: string
  /** Empty for collections. */
  readonly name: string
}

/** Whether an identity is allowed to make a request. */
export type Authorize = (
  identity: Identity,
  attributes: AuthorizationAttributes,
) => boolean | Promise<boolean>

/**
 * The nested value at a path, such as `getIn(service, 'spec', 'ports', 0, 'port')`; undefined when
 * there is none.
 */
export function getIn(value: Json | undefined, ...path: (string | number)[]): Json | undefined {
  let current = value
  for (const step of path) {
    if (Array.isArray(current)) current = typeof step === 'number' ? current[step] : undefined
    else if (isObject(current)) current = current[String(step)]
    else return undefined
  }
  return current
}

/** Whether a value is a JSON object, and neither an array nor null. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value if it is a string, otherwise the empty string. */
export function asString(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** The value if it is a list, otherwise an empty one. */
export function asArray(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

/** The value if it is an object, otherwise an empty one. */
export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** JSON with sorted keys: the same text for equal values. */
export function canonicalJson(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value ?? null)
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`)
  return `{${members.join(',')}}`
}

/** Whether two values are equal. The order of keys does not matter; undefined means absent. */
export function isDeepEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true
  if (Array.isArray(left) && Array.isArray(right))
    return (
      left.length === right.length && left.every((value, index) => isDeepEqual(value, right[index]))
    )
  if (!isObject(left) || !isObject(right)) return false
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    isDeepEqual(left[key], right[key]),
  )
}

/** A time as Kubernetes formats it, in whole seconds. */
export function formatTimestamp(milliseconds = Date.now()): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
