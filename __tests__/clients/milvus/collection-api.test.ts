/** The messages of a deep probe, as the interface of the official SDK decodes them. */
import { expect, test } from '@jest/globals'
import { decodeBytes } from '../../../simulator/milvus/protocol.ts'
import * as api from '../../../src/clients/milvus/collection-api.ts'

const milvus = (name: string): string => `milvus.proto.milvus.${name}`
const vectors = { dimension: 2, values: Float32Array.from([0.5, 1, -2, 4]) }

test.each<{ name: string; type: string; bytes: Buffer; expected: object }>([
  {
    name: 'CreateCollection',
    type: milvus('CreateCollectionRequest'),
    bytes: api.encodeCreateCollection('c', 2),
    expected: { collection_name: 'c', shards_num: 1, consistency_level: 'Strong' },
  },
  {
    name: 'Insert',
    type: milvus('InsertRequest'),
    bytes: api.encodeInsert('c', vectors),
    expected: {
      collection_name: 'c',
      num_rows: 2,
      fields_data: [
        { type: 'Int64', field_name: 'id', scalars: { long_data: { data: ['1', '2'] } } },
        {
          type: 'FloatVector',
          field_name: 'vector',
          vectors: { dim: '2', float_vector: { data: [0.5, 1, -2, 4] } },
        },
      ],
    },
  },
  {
    name: 'CreateIndex',
    type: milvus('CreateIndexRequest'),
    bytes: api.encodeCreateIndex('c'),
    expected: {
      collection_name: 'c',
      field_name: 'vector',
      extra_params: [
        { key: 'index_type', value: 'FLAT' },
        { key: 'metric_type', value: 'L2' },
      ],
    },
  },
  {
    name: 'LoadCollection',
    type: milvus('LoadCollectionRequest'),
    bytes: api.encodeLoadCollection('c'),
    expected: { collection_name: 'c' },
  },
  {
    name: 'GetLoadingProgress',
    type: milvus('GetLoadingProgressRequest'),
    bytes: api.encodeLoadingProgress('c'),
    expected: { collection_name: 'c' },
  },
  {
    name: 'Search',
    type: milvus('SearchRequest'),
    bytes: api.encodeSearch('c', Float32Array.from([-2, 4])),
    expected: { collection_name: 'c', dsl_type: 'BoolExprV1', nq: '1', guarantee_timestamp: '0' },
  },
  {
    name: 'DropCollection',
    type: milvus('DropCollectionRequest'),
    bytes: api.encodeDropCollection('c'),
    expected: { collection_name: 'c' },
  },
])('$name', ({ type, bytes, expected }) => {
  expect(decodeBytes(type, bytes)).toMatchObject(expected)
})

test('the schema of CreateCollection', () => {
  const request = decodeBytes(
    milvus('CreateCollectionRequest'),
    api.encodeCreateCollection('c', 768),
  )
  const schema = decodeBytes('milvus.proto.schema.CollectionSchema', request['schema'] as Buffer)
  expect(schema).toMatchObject({
    name: 'c',
    fields: [
      { name: 'id', is_primary_key: true, data_type: 'Int64' },
      {
        name: 'vector',
        is_primary_key: false,
        data_type: 'FloatVector',
        type_params: [{ key: 'dim', value: '768' }],
      },
    ],
  })
})

test('the vector of a search', () => {
  const request = decodeBytes(
    milvus('SearchRequest'),
    api.encodeSearch('c', Float32Array.from([-2, 4])),
  )
  const group = decodeBytes(
    'milvus.proto.common.PlaceholderGroup',
    request['placeholder_group'] as Buffer,
  )
  expect(group).toMatchObject({
    placeholders: [
      { tag: '$0', type: 'FloatVector', values: [Buffer.from('000000c000008040', 'hex')] },
    ],
  })
})

const parseHex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex')

test.each<{ name: string; parse: (bytes: Buffer) => unknown; bytes: string; expected: object }>([
  {
    name: 'a success of CreateCollection is an empty message',
    parse: api.parseBareStatus,
    bytes: '',
    expected: { status: { code: 0, isRetriable: false } },
  },
  {
    name: 'an error of LoadCollection that may be retried',
    parse: api.parseBareStatus,
    bytes: '08 01 12 03 626164 18 05 20 01',
    expected: { status: { code: 5, reason: 'bad', isRetriable: true } },
  },
  {
    name: 'the names of two collections',
    parse: api.parseCollectionNames,
    bytes: '0a 00 12 01 61 12 01 62',
    expected: { names: ['a', 'b'] },
  },
  {
    name: 'the count of an insert',
    parse: api.parseInsertResult,
    bytes: '0a 00 30 e8 07',
    expected: { insertedCount: 1000 },
  },
  {
    name: 'the progress of loading',
    parse: api.parseLoadingProgress,
    bytes: '0a 00 10 64',
    expected: { progress: 100 },
  },
  {
    name: 'the ids that a search found',
    parse: api.parseSearchResults,
    bytes: '0a 00 12 08 2a 06 0a 04 0a 02 f5 03',
    expected: { ids: [501] },
  },
  {
    name: 'a search that found nothing',
    parse: api.parseSearchResults,
    bytes: '0a 00 12 00',
    expected: { ids: [] },
  },
])('$name', ({ parse, bytes, expected }) => {
  expect(parse(parseHex(bytes))).toMatchObject(expected)
})
