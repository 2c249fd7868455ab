/**
 * The messages of the three calls that the probe makes.
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

const service = '/milvus.proto.milvus.MilvusService'
export const connectPath = `${service}/Connect`
export const versionPath = `${service}/GetVersion`
export const healthPath = `${service}/CheckHealth`

/** The status inside an answer. `code` 0 is success. */
export interface MilvusStatus {
  readonly code: number
  readonly reason: string
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

/** common.Status: `error_code` is deprecated by `code`; a success has 0 in both. */
function parseStatus(fields: MessageFields): MilvusStatus {
  const statusFields = getMessageField(fields, 1)
  return {
    code: getNumberField(statusFields, 3) || getNumberField(statusFields, 1),
    reason: getTextField(statusFields, 2) || getTextField(statusFields, 5),
  }
}

/**
 * ConnectResponse.
 * @throws RangeError when the bytes are not a message
 */
export function parseConnectResponse(bytes: Buffer): { status: MilvusStatus; version: string } {
  const fields = decodeMessage(bytes)
  return { status: parseStatus(fields), version: getTextField(getMessageField(fields, 2), 1) }
}

/**
 * GetVersionResponse.
 * @throws RangeError when the bytes are not a message
 */
export function parseVersionResponse(bytes: Buffer): { status: MilvusStatus; version: string } {
  const fields = decodeMessage(bytes)
  return { status: parseStatus(fields), version: getTextField(fields, 2) }
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
    status: parseStatus(fields),
    isHealthy: getNumberField(fields, 2) !== 0,
    reasons: getRepeatedTextField(fields, 3),
    limits: [...new Set(restrictions)].map((state) => quotaStates[state] ?? `quota state ${state}`),
  }
}
