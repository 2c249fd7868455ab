/**
 * Collections with one vector field: created, filled, searched by comparing every vector, dropped.
 * Source: milvus-io/milvus, internal/proxy/task.go, task_insert.go and task_search.go.
 */
import { decodeBytes, type Handlers, type Message } from './protocol.ts'
import { createFailureStatus, successStatus } from './statuses.ts'

/** A collection that a client created. */
export interface Collection {
  readonly id: string
  readonly name: string
  readonly database: string
  readonly createdAt: number
  readonly shards: number
  /** Of its vector field; 0 without one. */
  readonly dimension: number
  /** By primary key, in the order of insertion. */
  readonly vectors: Map<string, readonly number[]>
  isIndexed: boolean
  isLoaded: boolean
}

/** What the handlers need of the server. */
interface CollectionServer {
  readonly nextId: () => string
  readonly isWriteDenied: () => boolean
}

const getCollectionKey = (database: string, name: unknown): string => `${database}/${String(name)}`

const collectionNotFound = (database: string, name: unknown): Message =>
  createFailureStatus(
    100,
    `collection not found[database=${database}][collection=${String(name)}]`,
    'CollectionNotExists',
  )

/** A request about a collection that exists, or the status of its absence. */
type FindCollection = (request: Message, database: string) => Collection | undefined

export function createCollectionHandlers(
  collections: Map<string, Collection>,
  server: CollectionServer,
): Handlers {
  const findCollection: FindCollection = (request, database) =>
    collections.get(getCollectionKey(database, request['collection_name']))
  return {
    ...createMetadataHandlers(collections, findCollection, server.nextId),
    ...createDataHandlers(findCollection, server.isWriteDenied),
  }
}

function createMetadataHandlers(
  collections: Map<string, Collection>,
  findCollection: FindCollection,
  nextId: () => string,
): Handlers {
  return {
    ShowCollections: (_request, database) => {
      const visibleCollections = [...collections.values()].filter(
        (collection) => collection.database === database,
      )
      return {
        status: successStatus,
        collection_names: visibleCollections.map(({ name }) => name),
        collection_ids: visibleCollections.map(({ id }) => id),
        created_timestamps: visibleCollections.map(({ createdAt }) => String(createdAt)),
        created_utc_timestamps: visibleCollections.map(({ createdAt }) => String(createdAt)),
        shards_num: visibleCollections.map(({ shards }) => shards),
      }
    },
    HasCollection: (request, database) => ({
      status: successStatus,
      value: findCollection(request, database) !== undefined,
    }),
    CreateCollection: (request, database) => {
      // A second creation with the same schema succeeds.
      if (findCollection(request, database)) return successStatus
      const name = String(request['collection_name'])
      collections.set(getCollectionKey(database, name), {
        id: nextId(),
        name,
        database,
        createdAt: Date.now(),
        shards: Number(request['shards_num']) || 1,
        dimension: readDimension(request['schema'] as Buffer),
        vectors: new Map(),
        isIndexed: false,
        isLoaded: false,
      })
      return successStatus
    },
    DescribeCollection: (request, database) => {
      const collection = findCollection(request, database)
      if (!collection) return { status: collectionNotFound(database, request['collection_name']) }
      const createdAt = String(collection.createdAt)
      return {
        status: successStatus,
        schema: { name: collection.name, fields: [] },
        collectionID: collection.id,
        collection_name: collection.name,
        db_name: collection.database,
        shards_num: collection.shards,
        created_timestamp: createdAt,
        created_utc_timestamp: createdAt,
      }
    },
    // Since 2.3, dropping a collection that does not exist succeeds.
    DropCollection: (request, database) => {
      collections.delete(getCollectionKey(database, request['collection_name']))
      return successStatus
    },
  }
}

interface KeyValuePair {
  readonly key: string
  readonly value: string
}

function readDimension(schema: Buffer): number {
  const { fields } = decodeBytes('milvus.proto.schema.CollectionSchema', schema) as {
    fields: { type_params: KeyValuePair[] }[]
  }
  const parameters = fields.flatMap(({ type_params }) => type_params)
  return Number(parameters.find(({ key }) => key === 'dim')?.value ?? 0)
}

/** The part of a FieldData that the handlers read. */
interface FieldData {
  readonly scalars?: { readonly long_data?: { readonly data: readonly string[] } }
  readonly vectors?: {
    readonly dim: string
    readonly float_vector?: { readonly data: readonly number[] }
  }
}

function createDataHandlers(
  findCollection: FindCollection,
  isWriteDenied: () => boolean,
): Handlers {
  /** Answers about a collection that exists. */
  const withCollection =
    (
      answer: (collection: Collection, request: Message) => Message,
      wrap: (status: Message) => Message,
    ) =>
    (request: Message, database: string): Message => {
      const collection = findCollection(request, database)
      if (!collection) return wrap(collectionNotFound(database, request['collection_name']))
      return answer(collection, request)
    }
  const bare = (status: Message): Message => status
  const inField = (status: Message): Message => ({ status })
  return {
    Insert: withCollection((collection, request) => {
      if (isWriteDenied())
        return inField(createFailureStatus(9, 'quota exceeded[reason=disk quota exceeded]'))
      return insert(collection, request)
    }, inField),
    CreateIndex: withCollection((collection) => {
      collection.isIndexed = true
      return successStatus
    }, bare),
    LoadCollection: withCollection((collection) => {
      if (!collection.isIndexed)
        return createFailureStatus(700, `index not found[collection=${collection.name}]`)
      collection.isLoaded = true
      return successStatus
    }, bare),
    GetLoadingProgress: withCollection(
      ({ name, isLoaded }) =>
        isLoaded
          ? { status: successStatus, progress: '100', refresh_progress: '100' }
          : inField(createFailureStatus(101, `collection not loaded[collection=${name}]`)),
      inField,
    ),
    Search: withCollection(
      (collection, request) =>
        collection.isLoaded
          ? search(collection, request['placeholder_group'] as Buffer)
          : inField(
              createFailureStatus(101, `collection not loaded[collection=${collection.name}]`),
            ),
      inField,
    ),
  }
}

function insert(collection: Collection, request: Message): Message {
  const fields = request['fields_data'] as readonly FieldData[]
  const ids = fields.flatMap(({ scalars }) => scalars?.long_data?.data ?? [])
  const values = fields.flatMap(({ vectors }) => vectors?.float_vector?.data ?? [])
  const { dimension, vectors } = collection
  if (ids.length !== request['num_rows'] || values.length !== ids.length * dimension)
    return { status: createFailureStatus(1100, 'the num_rows of a field does not fit') }
  ids.forEach((id, index) =>
    vectors.set(id, values.slice(index * dimension, (index + 1) * dimension)),
  )
  return {
    status: successStatus,
    IDs: { int_id: { data: ids } },
    acknowledged: false,
    insert_cnt: String(ids.length),
  }
}

/** Answers with the one vector that is nearest to the first vector of the request. */
function search({ vectors }: Collection, placeholderGroup: Buffer): Message {
  const { placeholders } = decodeBytes(
    'milvus.proto.common.PlaceholderGroup',
    placeholderGroup,
  ) as {
    placeholders: { values: Buffer[] }[]
  }
  const [bytes = Buffer.alloc(0)] = placeholders[0]?.values ?? []
  const wanted = Array.from({ length: bytes.length / 4 }, (_, index) =>
    bytes.readFloatLE(index * 4),
  )
  const distances = [...vectors].map(([id, vector]) => ({
    id,
    distance: vector.reduce((sum, value, index) => sum + (value - (wanted[index] ?? 0)) ** 2, 0),
  }))
  const found = distances.sort((a, b) => a.distance - b.distance).slice(0, 1)
  return {
    status: successStatus,
    results: {
      num_queries: '1',
      top_k: '1',
      ids: { int_id: { data: found.map(({ id }) => id) } },
      scores: found.map(({ distance }) => distance),
      topks: [String(found.length)],
    },
  }
}
