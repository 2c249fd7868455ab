/**
 * The three calls of Milvus' API that prove it works. Source: milvus-proto, milvus.proto and
 * common.proto.
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

/** Milvus' own verdict inside an answer. `code` 0 is success. */
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

/** common.Status: `error_code` is the old field, `code` the new; a success has 0 in both. */
function status(fields: MessageFields): MilvusStatus {
  const statusFields = getMessageField(fields, 1)
  return {
    code: getNumberField(statusFields, 3) || getNumberField(statusFields, 1),
    reason: getTextField(statusFields, 2) || getTextField(statusFields, 5),
  }
}

/** @throws RangeError when the bytes are no such message; so do the two below */
export function parseConnectResponse(bytes: Buffer): {
  status: MilvusStatus
  version: string
  identifier: string
} {
  const fields = decodeMessage(bytes)
  const identifier = fields.get(3)?.at(-1)
  return {
    status: status(fields),
    version: getTextField(getMessageField(fields, 2), 1),
    identifier: typeof identifier === 'bigint' ? BigInt.asIntN(64, identifier).toString() : '',
  }
}

/** GetVersionResponse. */
export function parseVersionResponse(bytes: Buffer): { status: MilvusStatus; version: string } {
  const fields = decodeMessage(bytes)
  return { status: status(fields), version: getTextField(fields, 2) }
}

/** What a proxy that is healthy may still not do, by QuotaState. */
const limits: Readonly<Record<number, string>> = {
  2: 'reads are slowed down',
  3: 'writes are slowed down',
  4: 'reads are denied',
  5: 'writes are denied',
  6: 'changes of collections are denied',
}

/** CheckHealthResponse. `reasons` are those of ill health, or of the limits when it is healthy. */
export function parseHealthResponse(bytes: Buffer): {
  status: MilvusStatus
  isHealthy: boolean
  reasons: readonly string[]
  limits: readonly string[]
} {
  const fields = decodeMessage(bytes)
  const quotaStates = getRepeatedNumberField(fields, 4).filter((state) => state !== 0)
  return {
    status: status(fields),
    isHealthy: getNumberField(fields, 2) !== 0,
    reasons: getRepeatedTextField(fields, 3),
    limits: quotaStates.map((state) => limits[state] ?? `quota state ${state}`),
  }
}
