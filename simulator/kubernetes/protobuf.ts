/**
 * Decodes the few Kubernetes messages that clients send as protobuf: Helm's release Secrets,
 * objects that kubectl creates without a file, and delete options. Answers are JSON, which the
 * clients accept too.
 */
import { notImplemented } from './api-errors.ts'
import {
  getIn,
  asObject,
  asArray,
  asString,
  formatTimestamp,
  type Json,
  type JsonObject,
} from './types.ts'

type FieldDecoder = (value: Buffer | number) => Json

/** The fields of a message by number. `[]` after a name marks a list, `{}` a map. */
type MessageSchema = Readonly<Record<number, readonly [name: string, decode: FieldDecoder]>>

const decodeString: FieldDecoder = (value) => value.toString()
const decodeBase64: FieldDecoder = (value) =>
  typeof value === 'number' ? '' : value.toString('base64')
const decodeInteger: FieldDecoder = Number
const decodeBoolean: FieldDecoder = (value) => value !== 0
const messageDecoder =
  (schema: MessageSchema): FieldDecoder =>
  (value) =>
    decodeMessage(schema, typeof value === 'number' ? Buffer.alloc(0) : value)
/** The zero time is an empty message, and means absent. */
const decodeTime: FieldDecoder = (value) => {
  const seconds = getIn(messageDecoder({ 1: ['seconds', decodeInteger] })(value), 'seconds')
  return typeof seconds === 'number' ? formatTimestamp(seconds * 1000) : ''
}
const mapEntryDecoder = (valueDecoder: FieldDecoder): FieldDecoder =>
  messageDecoder({ 1: ['key', decodeString], 2: ['value', valueDecoder] })

const objectMeta: MessageSchema = {
  1: ['name', decodeString],
  2: ['generateName', decodeString],
  3: ['namespace', decodeString],
  5: ['uid', decodeString],
  6: ['resourceVersion', decodeString],
  7: ['generation', decodeInteger],
  8: ['creationTimestamp', decodeTime],
  11: ['labels{}', mapEntryDecoder(decodeString)],
  12: ['annotations{}', mapEntryDecoder(decodeString)],
  14: ['finalizers[]', decodeString],
  17: [
    'managedFields[]',
    messageDecoder({
      1: ['manager', decodeString],
      2: ['operation', decodeString],
      3: ['apiVersion', decodeString],
      4: ['time', decodeTime],
      6: ['fieldsType', decodeString],
      7: [
        'fieldsV1',
        (value) =>
          JSON.parse(
            asString(getIn(messageDecoder({ 1: ['raw', decodeString] })(value), 'raw')),
          ) as Json,
      ],
      8: ['subresource', decodeString],
    }),
  ],
}

const metadataField = ['metadata', messageDecoder(objectMeta)] as const

const messageSchemas: Readonly<Record<string, MessageSchema>> = {
  Namespace: {
    1: metadataField,
    2: ['spec', messageDecoder({ 1: ['finalizers[]', decodeString] })],
  },
  ConfigMap: {
    1: metadataField,
    2: ['data{}', mapEntryDecoder(decodeString)],
    3: ['binaryData{}', mapEntryDecoder(decodeBase64)],
    4: ['immutable', decodeBoolean],
  },
  SelfSubjectReview: { 1: metadataField },
  SelfSubjectRulesReview: {
    1: metadataField,
    2: ['spec', messageDecoder({ 1: ['namespace', decodeString] })],
  },
  SelfSubjectAccessReview: {
    1: metadataField,
    2: [
      'spec',
      messageDecoder({
        1: [
          'resourceAttributes',
          messageDecoder({
            1: ['namespace', decodeString],
            2: ['verb', decodeString],
            3: ['group', decodeString],
            4: ['version', decodeString],
            5: ['resource', decodeString],
            6: ['subresource', decodeString],
            7: ['name', decodeString],
          }),
        ],
        2: [
          'nonResourceAttributes',
          messageDecoder({ 1: ['path', decodeString], 2: ['verb', decodeString] }),
        ],
      }),
    ],
  },
  Secret: {
    1: metadataField,
    2: ['data{}', mapEntryDecoder(decodeBase64)],
    3: ['type', decodeString],
    4: ['stringData{}', mapEntryDecoder(decodeString)],
    5: ['immutable', decodeBoolean],
  },
  DeleteOptions: {
    1: ['gracePeriodSeconds', decodeInteger],
    2: [
      'preconditions',
      messageDecoder({ 1: ['uid', decodeString], 2: ['resourceVersion', decodeString] }),
    ],
    3: ['orphanDependents', decodeBoolean],
    4: ['propagationPolicy', decodeString],
    5: ['dryRun[]', decodeString],
  },
}

/** The media type of protobuf bodies. */
export const protobufMediaType = 'application/vnd.kubernetes.protobuf'

/**
 * Decodes a body: the prefix `k8s\0`, then an envelope that names the kind.
 * @throws 501 for a kind that clients are not known to send
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  const type = { 1: ['apiVersion', decodeString], 2: ['kind', decodeString] } as const
  const envelope = decodeMessage(
    { 1: ['type', messageDecoder(type)], 2: ['raw', decodeBase64] },
    body.subarray(4),
  )
  const { apiVersion, kind } = asObject(envelope['type'])
  const schema = messageSchemas[asString(kind)]
  if (!schema) throw notImplemented(`read a ${asString(kind)} sent as protobuf`)
  return {
    apiVersion,
    kind,
    ...decodeMessage(schema, Buffer.from(asString(envelope['raw']), 'base64')),
  }
}

function decodeMessage(schema: MessageSchema, bytes: Buffer): JsonObject {
  const result: JsonObject = {}
  for (const [number, value] of readWireFields(bytes)) {
    const field = schema[number]
    if (!field) continue
    const [, name = '', collectionSuffix = ''] = /^(\w+)(.*)$/.exec(field[0]) ?? []
    const decoded = field[1](value)
    if (collectionSuffix === '[]') result[name] = [...asArray(result[name]), decoded]
    else if (collectionSuffix === '{}') {
      const { key, value: inner } = asObject(decoded)
      result[name] = { ...asObject(result[name]), [asString(key)]: inner ?? '' }
    } else if (decoded !== '') result[name] = decoded
  }
  return result
}

function* readWireFields(bytes: Buffer): Generator<[number, Buffer | number]> {
  let offset = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes.readUInt8(offset++)
      value += (byte & 127) * factor
      if (byte < 128) return value
    }
  }
  while (offset < bytes.length) {
    const tag = varint()
    if ((tag & 7) === 0) yield [tag >> 3, varint()]
    else if ((tag & 7) === 2) {
      const length = varint()
      yield [tag >> 3, bytes.subarray(offset, (offset += length))]
    } else throw notImplemented(`read protobuf of wire type ${tag & 7}`)
  }
}
