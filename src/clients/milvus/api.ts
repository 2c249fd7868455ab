/**
 * The messages of the three calls that each probe makes. collection-api.ts has those of a deep one.
 * Source: milvus-proto, milvus.proto and common.proto.
 */
import { hostname } from 'node:os'
import {
  decodeMessage,
  encodeLengthDelimited,
  getMessageField,
  getNumberField,
  getRepeatedNumberField,
  getRepeatedTextField,
  getTextField,
  type MessageFields,
} from './protobuf.ts'

/** The path of a method, such as `GetVersion`. */
export const methodPath = (method: string): string => `/milvus.proto.milvus.MilvusService/${method}`

export const connectPath = methodPath('Connect')
export const versionPath = methodPath('GetVersion')
export const healthPath = methodPath('CheckHealth')

/** The status inside an answer. `code` 0 is success. */
export interface MilvusStatus {
  readonly code: number
  readonly reason: string
  /** Whether Milvus says that a retry may succeed. Milvus before 2.3 never does. */
  readonly isRetriable: boolean
}

/** ConnectRequest { client_info { sdk_type, sdk_version, local_time, host } }. */
export function encodeConnectRequest(now: Date): Buffer {
  const clientInfo = [
    encodeLengthDelimited(1, 'milvus-alb-action'),
    encodeLengthDelimited(2, '1'),
    encodeLengthDelimited(3, now.toISOString()),
    encodeLengthDelimited(5, hostname()),
  ]
  return encodeLengthDelimited(2, Buffer.concat(clientInfo))
}

/** The fields of common.Status: `error_code` is deprecated by `code`; a success has 0 in both. */
export function parseStatus(fields: MessageFields): MilvusStatus {
  return {
    code: getNumberField(fields, 3) || getNumberField(fields, 1),
    reason: getTextField(fields, 2) || getTextField(fields, 5),
    isRetriable: getNumberField(fields, 4) !== 0,
  }
}

/**
 * ConnectResponse.
 * @throws RangeError when the bytes are not a message
 */
export function parseConnectResponse(bytes: Buffer): { status: MilvusStatus; version: string } {
  const fields = decodeMessage(bytes)
  return {
    status: parseStatus(getMessageField(fields, 1)),
    version: getTextField(getMessageField(fields, 2), 1),
  }
}

/**
 * GetVersionResponse.
 * @throws RangeError when the bytes are not a message
 */
export function parseVersionResponse(bytes: Buffer): { status: MilvusStatus; version: string } {
  const fields = decodeMessage(bytes)
  return { status: parseStatus(getMessageField(fields, 1)), version: getTextField(fields, 2) }
}

/** What a healthy Milvus restricts, by QuotaState. */
const quotaStates: Readonly<Record<number, string>> = {
  2: 'reads are throttled',
  3: 'writes are throttled',
  4: 'reads are denied',
  5: 'writes are denied',
  6: 'collection changes are denied',
}

/**
 * CheckHealthResponse. `reasons` explain the limits when Milvus is healthy.
 * @throws RangeError when the bytes are not a message
 */
export function parseHealthResponse(bytes: Buffer): {
  status: MilvusStatus
  isHealthy: boolean
  reasons: readonly string[]
  limits: readonly string[]
} {
  const fields = decodeMessage(bytes)
  const restrictions = getRepeatedNumberField(fields, 4).filter((state) => state !== 0)
  return {
    status: parseStatus(getMessageField(fields, 1)),
    isHealthy: getNumberField(fields, 2) !== 0,
    reasons: getRepeatedTextField(fields, 3),
    limits: [...new Set(restrictions)].map((state) => quotaStates[state] ?? `quota state ${state}`),
  }
}
