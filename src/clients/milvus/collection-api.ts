/**
 * The messages for a collection with two fields: `id` (int64, the primary key) and `vector`.
 * Source: milvus-proto, milvus.proto, schema.proto and common.proto.
 */
import { parseStatus, type MilvusStatus } from './api.ts'
import {
  decodeMessage,
  encodeFloats,
  encodeLengthDelimited,
  encodeNumber,
  encodePackedNumbers,
  getMessageField,
  getNumberField,
  getRepeatedNumberField,
  getRepeatedTextField,
} from './protobuf.ts'

/** Vectors of one dimension, one after the other. The id of a vector is its index plus one. */
export interface Vectors {
  readonly dimension: number
  readonly values: Float32Array
}

export const countVectors = ({ dimension, values }: Vectors): number => values.length / dimension

/** Source: schema.proto, DataType. */
const dataType = { int64: 5, floatVector: 101 } as const

/** Source: common.proto, PlaceholderType. */
const floatVectorPlaceholder = 101

/** Source: common.proto, DslType: BoolExprV1. */
const booleanExpression = 1

const metricType = 'L2'

const encodePair = (fieldNumber: number, [key, value]: readonly [string, string]): Buffer =>
  encodeLengthDelimited(
    fieldNumber,
    Buffer.concat([encodeLengthDelimited(1, key), encodeLengthDelimited(2, value)]),
  )

/** CreateCollectionRequest. The consistency level is the default of the message, Strong. */
export function encodeCreateCollection(name: string, dimension: number): Buffer {
  const idField = Buffer.concat([
    encodeLengthDelimited(2, 'id'),
    encodeNumber(3, 1),
    encodeNumber(5, dataType.int64),
  ])
  const vectorField = Buffer.concat([
    encodeLengthDelimited(2, 'vector'),
    encodeNumber(5, dataType.floatVector),
    encodePair(6, ['dim', String(dimension)]),
  ])
  const schema = Buffer.concat([
    encodeLengthDelimited(1, name),
    encodeLengthDelimited(4, idField),
    encodeLengthDelimited(4, vectorField),
  ])
  return Buffer.concat([
    encodeCollectionName(name),
    encodeLengthDelimited(4, schema),
    encodeNumber(5, 1),
  ])
}

/** The name in the requests that have it in field 3, which are all but GetLoadingProgress. */
const encodeCollectionName = (name: string): Buffer => encodeLengthDelimited(3, name)

/** DropCollectionRequest and LoadCollectionRequest. */
export const encodeDropCollection = encodeCollectionName
export const encodeLoadCollection = encodeCollectionName

/** GetLoadingProgressRequest. */
export const encodeLoadingProgress = (name: string): Buffer => encodeLengthDelimited(2, name)

/** InsertRequest. */
export function encodeInsert(name: string, vectors: Vectors): Buffer {
  const count = countVectors(vectors)
  const ids = Array.from({ length: count }, (_, index) => index + 1)
  const longData = encodeLengthDelimited(3, encodePackedNumbers(1, ids))
  const idData = Buffer.concat([
    encodeNumber(1, dataType.int64),
    encodeLengthDelimited(2, 'id'),
    encodeLengthDelimited(3, longData),
  ])
  const floatArray = encodeLengthDelimited(1, encodeFloats(vectors.values))
  const vectorField = [encodeNumber(1, vectors.dimension), encodeLengthDelimited(2, floatArray)]
  const vectorData = Buffer.concat([
    encodeNumber(1, dataType.floatVector),
    encodeLengthDelimited(2, 'vector'),
    encodeLengthDelimited(4, Buffer.concat(vectorField)),
  ])
  return Buffer.concat([
    encodeCollectionName(name),
    encodeLengthDelimited(5, idData),
    encodeLengthDelimited(5, vectorData),
    encodeNumber(7, count),
  ])
}

/** CreateIndexRequest: FLAT compares all vectors, and needs no training. */
export const encodeCreateIndex = (name: string): Buffer =>
  Buffer.concat([
    encodeCollectionName(name),
    encodeLengthDelimited(4, 'vector'),
    encodePair(5, ['index_type', 'FLAT']),
    encodePair(5, ['metric_type', metricType]),
  ])

/**
 * SearchRequest for the nearest vector. A guarantee timestamp of 0, which is omitted, makes Milvus
 * wait for everything that was inserted before.
 */
export function encodeSearch(name: string, vector: Float32Array): Buffer {
  const placeholder = Buffer.concat([
    encodeLengthDelimited(1, '$0'),
    encodeNumber(2, floatVectorPlaceholder),
    encodeLengthDelimited(3, encodeFloats(vector)),
  ])
  const searchParameters = Object.entries({
    anns_field: 'vector',
    topk: '1',
    metric_type: metricType,
    params: '{}',
    round_decimal: '-1',
  })
  return Buffer.concat([
    encodeCollectionName(name),
    encodeLengthDelimited(6, encodeLengthDelimited(1, placeholder)),
    encodeNumber(7, booleanExpression),
    ...searchParameters.map((pair) => encodePair(9, pair)),
    encodeNumber(12, 1),
  ])
}

/** The answer to CreateCollection, CreateIndex, LoadCollection and DropCollection: a Status. */
export const parseBareStatus = (bytes: Buffer): { status: MilvusStatus } => ({
  status: parseStatus(decodeMessage(bytes)),
})

/** ShowCollectionsResponse. */
export function parseCollectionNames(bytes: Buffer): {
  status: MilvusStatus
  names: readonly string[]
} {
  const fields = decodeMessage(bytes)
  return {
    status: parseStatus(getMessageField(fields, 1)),
    names: getRepeatedTextField(fields, 2),
  }
}

/** MutationResult. */
export function parseInsertResult(bytes: Buffer): { status: MilvusStatus; insertedCount: number } {
  const fields = decodeMessage(bytes)
  return {
    status: parseStatus(getMessageField(fields, 1)),
    insertedCount: getNumberField(fields, 6),
  }
}

/** GetLoadingProgressResponse. `progress` is a percentage. */
export function parseLoadingProgress(bytes: Buffer): { status: MilvusStatus; progress: number } {
  const fields = decodeMessage(bytes)
  return { status: parseStatus(getMessageField(fields, 1)), progress: getNumberField(fields, 2) }
}

/** SearchResults: the ids that were found. */
export function parseSearchResults(bytes: Buffer): {
  status: MilvusStatus
  ids: readonly number[]
} {
  const fields = decodeMessage(bytes)
  const ids = getMessageField(getMessageField(fields, 2), 5)
  return {
    status: parseStatus(getMessageField(fields, 1)),
    ids: getRepeatedNumberField(getMessageField(ids, 1), 1),
  }
}
