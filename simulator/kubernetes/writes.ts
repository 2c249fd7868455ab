/** The targets, options and results of writes. */
import type { ApiError } from './api-errors.ts'
import type { Subresource } from './managed-fields.ts'
import type { Resource } from './resources.ts'
import type { Json, KubernetesObject } from './types.ts'

/** Identifies one object. */
export interface ObjectReference {
  readonly resource: Resource
  /** Empty for resources without a namespace. */
  readonly namespace: string
  readonly name: string
}

/** Options of every write. */
export interface WriteOptions {
  /** The field manager. */
  readonly manager: string
  readonly subresource?: '' | Subresource
  readonly dryRun?: boolean
}

/** Options of a server-side apply. */
export interface ApplyOptions extends WriteOptions {
  /** Whether to take over fields that another manager owns. */
  readonly force: boolean
}

/** A patch in one of the API's formats. */
export interface Patch {
  readonly body: Json
  readonly mediaType: string
}

/** What the object of a delete must match; empty or absent fields match anything. */
export interface Preconditions {
  readonly uid?: string
  readonly resourceVersion?: string
}

/** Options of a delete. */
export interface DeleteOptions {
  readonly preconditions?: Preconditions
  readonly dryRun?: boolean
}

/** The result of a write. */
export interface WriteResult {
  readonly object: KubernetesObject
  readonly created: boolean
}

/** A write as admission webhooks see it. */
export interface Admission {
  readonly operation: 'CREATE' | 'UPDATE'
  readonly object: KubernetesObject
  readonly previous: KubernetesObject | undefined
}

/** A validating webhook: returns an error to reject the write. */
export type ValidateAdmission = (admission: Admission) => ApiError | undefined

/** A mutating webhook for objects that are created. */
export type MutateCreate = (object: KubernetesObject) => KubernetesObject
