/** The shapes that all parts of the simulator's Kubernetes API share. */

/** Anything JSON can say. */
export type Json = string | number | boolean | null | Json[] | JsonObject

/** A JSON object; a field that is absent reads as undefined. */
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

/** `metadata` of an object; the API fills in what is left out. */
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

/** Any Kubernetes object. Use `at` to read deep into it. */
export interface KubernetesObject extends JsonObject {
  apiVersion: string
  kind: string
  metadata: Metadata
}

/** Who a bearer token stands for. */
export interface Identity {
  readonly username: string
  readonly groups: string[]
}

/** What a request wants to do, as RBAC sees it. */
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

/** Whether an identity may do something. */
export type Authorize = (
  identity: Identity,
  attributes: AuthorizationAttributes,
) => boolean | Promise<boolean>

/**
 * Reads deep into a JSON value: `at(service, 'spec', 'ports', 0, 'port')`; undefined where the way
 * ends.
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

/** Whether a value is a JSON object: no array, no null. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value when it is a string, and otherwise the empty string. */
export function asString(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** The value's items when it is a list, and otherwise none. */
export function asArray(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : []
}

/** The JSON object when it is one, and otherwise an empty one. */
export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** JSON with its keys sorted: equal for equal values, whatever order they were written in. */
export function canonicalJson(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value ?? null)
  const members = Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort()
  return `{${members.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(',')}}`
}

/**
 * Whether two values are equal, whatever order their keys were written in; a member that is
 * undefined is as good as absent.
 */
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

/** The time as Kubernetes writes it: whole seconds. */
export function formatTimestamp(milliseconds = Date.now()): string {
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
