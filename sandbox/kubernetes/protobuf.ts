/**
 * Reads the few Kubernetes messages that clients send as protobuf: helm its release Secrets, kubectl what it creates
 * without a file, both the options of a delete.
 * Answers are JSON, which the clients take too.
 */
import { notInSandbox } from './status.ts'
import { at, fields, items, text, timestamp, type Json, type JsonObject } from './types.ts'

type Reader = (value: Buffer | number) => Json

/** A message: its fields by number, with how each is read; `[]` after the name marks a list, `{}` a map. */
type Message = Readonly<Record<number, readonly [name: string, read: Reader]>>

const string: Reader = (value) => value.toString()
const base64: Reader = (value) => (typeof value === 'number' ? '' : value.toString('base64'))
const integer: Reader = Number
const boolean: Reader = (value) => value !== 0
const message = (shape: Message): Reader => (value) => decode(shape, typeof value === 'number' ? Buffer.alloc(0) : value)
/** The zero time is an empty message: absent. */
const time: Reader = (value) => {
  const seconds = at(message({ 1: ['seconds', integer] })(value), 'seconds')
  return typeof seconds === 'number' ? timestamp(seconds * 1000) : ''
}
const entry = (read: Reader): Reader => message({ 1: ['key', string], 2: ['value', read] })

const objectMeta: Message = {
  1: ['name', string], 2: ['generateName', string], 3: ['namespace', string], 5: ['uid', string], 6: ['resourceVersion', string],
  7: ['generation', integer], 8: ['creationTimestamp', time], 11: ['labels{}', entry(string)], 12: ['annotations{}', entry(string)], 14: ['finalizers[]', string],
  17: ['managedFields[]', message({
    1: ['manager', string], 2: ['operation', string], 3: ['apiVersion', string], 4: ['time', time], 6: ['fieldsType', string],
    7: ['fieldsV1', (value) => JSON.parse(text(at(message({ 1: ['raw', string] })(value), 'raw'))) as Json], 8: ['subresource', string],
  })],
}

const metadata = ['metadata', message(objectMeta)] as const

const messages: Readonly<Record<string, Message>> = {
  Namespace: { 1: metadata, 2: ['spec', message({ 1: ['finalizers[]', string] })] },
  ConfigMap: { 1: metadata, 2: ['data{}', entry(string)], 3: ['binaryData{}', entry(base64)], 4: ['immutable', boolean] },
  SelfSubjectReview: { 1: metadata },
  SelfSubjectRulesReview: { 1: metadata, 2: ['spec', message({ 1: ['namespace', string] })] },
  SelfSubjectAccessReview: {
    1: metadata,
    2: ['spec', message({
      1: ['resourceAttributes', message({
        1: ['namespace', string], 2: ['verb', string], 3: ['group', string], 4: ['version', string],
        5: ['resource', string], 6: ['subresource', string], 7: ['name', string],
      })],
      2: ['nonResourceAttributes', message({ 1: ['path', string], 2: ['verb', string] })],
    })],
  },
  Secret: { 1: metadata, 2: ['data{}', entry(base64)], 3: ['type', string], 4: ['stringData{}', entry(string)], 5: ['immutable', boolean] },
  DeleteOptions: {
    1: ['gracePeriodSeconds', integer], 2: ['preconditions', message({ 1: ['uid', string], 2: ['resourceVersion', string] })],
    3: ['orphanDependents', boolean], 4: ['propagationPolicy', string], 5: ['dryRun[]', string],
  },
}

/** The media type of such bodies. */
export const protobuf = 'application/vnd.kubernetes.protobuf'

/**
 * Decodes a body: the prefix `k8s\0`, and an envelope that names the kind.
 * @throws 501 for a kind that nobody has been seen to send
 */
export function decodeProtobuf(body: Buffer): JsonObject {
  const type = { 1: ['apiVersion', string], 2: ['kind', string] } as const
  const envelope = decode({ 1: ['type', message(type)], 2: ['raw', base64] }, body.subarray(4))
  const { apiVersion, kind } = fields(envelope['type'])
  const shape = messages[text(kind)]
  if (!shape) throw notInSandbox(`read a ${text(kind)} sent as protobuf`)
  return { apiVersion, kind, ...decode(shape, Buffer.from(text(envelope['raw']), 'base64')) }
}

function decode(shape: Message, bytes: Buffer): JsonObject {
  const result: JsonObject = {}
  for (const [number, value] of tokens(bytes)) {
    const field = shape[number]
    if (!field) continue
    const [, name = '', many = ''] = /^(\w+)(.*)$/.exec(field[0]) ?? []
    const read = field[1](value)
    if (many === '[]') result[name] = [...items(result[name]), read]
    else if (many === '{}') {
      const { key, value: inner } = fields(read)
      result[name] = { ...fields(result[name]), [text(key)]: inner ?? '' }
    } else if (read !== '') result[name] = read
  }
  return result
}

function* tokens(bytes: Buffer): Generator<[number, Buffer | number]> {
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
    } else throw notInSandbox(`read protobuf of wire type ${tag & 7}`)
  }
}
