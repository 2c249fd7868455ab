/** The three calls of Milvus' API that prove it works. Source: milvus-proto, milvus.proto and common.proto. */
import { hostname } from 'node:os'
import { decode, lengthDelimited, messageField, numberField, repeatedNumberField, repeatedTextField, textField, type Fields } from './protobuf.ts'

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
export function connectRequest(now: Date): Buffer {
  const clientInfo = [
    lengthDelimited(1, 'milvus-alb-action'),
    lengthDelimited(2, '1'),
    lengthDelimited(3, now.toISOString()),
    lengthDelimited(5, hostname()),
  ]
  return lengthDelimited(2, Buffer.concat(clientInfo))
}

/** common.Status: `error_code` is the old field, `code` the new; a success has 0 in both. */
function status(fields: Fields): MilvusStatus {
  const inner = messageField(fields, 1)
  return { code: numberField(inner, 3) || numberField(inner, 1), reason: textField(inner, 2) || textField(inner, 5) }
}

/** @throws RangeError when the bytes are no such message; so do the two below */
export function readConnect(bytes: Buffer): { status: MilvusStatus; version: string; identifier: string } {
  const fields = decode(bytes)
  const identifier = fields.get(3)?.at(-1)
  return { status: status(fields), version: textField(messageField(fields, 2), 1), identifier: typeof identifier === 'bigint' ? BigInt.asIntN(64, identifier).toString() : '' }
}

/** GetVersionResponse. */
export function readVersion(bytes: Buffer): { status: MilvusStatus; version: string } {
  const fields = decode(bytes)
  return { status: status(fields), version: textField(fields, 2) }
}

/** What a proxy that is healthy may still not do, by QuotaState. */
const limits: Readonly<Record<number, string>> = { 2: 'reads are slowed down', 3: 'writes are slowed down', 4: 'reads are denied', 5: 'writes are denied', 6: 'changes of collections are denied' }

/** CheckHealthResponse. `reasons` are those of ill health, or of the limits when it is healthy. */
export function readHealth(bytes: Buffer): { status: MilvusStatus; healthy: boolean; reasons: readonly string[]; limits: readonly string[] } {
  const fields = decode(bytes)
  const states = repeatedNumberField(fields, 4).filter((state) => state !== 0)
  return { status: status(fields), healthy: numberField(fields, 2) !== 0, reasons: repeatedTextField(fields, 3), limits: states.map((state) => limits[state] ?? `quota state ${state}`) }
}
