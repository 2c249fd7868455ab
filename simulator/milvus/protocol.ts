/**
 * Milvus's gRPC interface from the official Node SDK, and the standard health service, which the
 * Milvus proxy serves on the same port.
 */
import { fromJSON } from '@grpc/proto-loader'
import type { ServiceDefinition } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import milvusProto from '@zilliz/milvus2-sdk-node/dist/milvus/proto-json/milvus.js'

/** A protobuf message as an object, with the field names of the .proto file. */
export type Message = Record<string, unknown>

/** Answers a request of one method. */
export type MethodHandler = (request: Message, database: string) => Message

/** By method. */
export type Handlers = Record<string, MethodHandler>

/** A service: its methods by name. */
export type GrpcService = ServiceDefinition<Record<string, (request: Message) => void>>

// The SDK also keeps the field names of the .proto files.
const loaderOptions = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true }

const healthProto: unknown = {
  nested: {
    grpc: {
      nested: {
        health: {
          nested: {
            v1: {
              nested: {
                HealthCheckRequest: { fields: { service: { type: 'string', id: 1 } } },
                HealthCheckResponse: {
                  fields: { status: { type: 'ServingStatus', id: 1 } },
                  nested: {
                    ServingStatus: {
                      values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
                    },
                  },
                },
                Health: {
                  methods: {
                    Check: {
                      requestType: 'HealthCheckRequest',
                      responseType: 'HealthCheckResponse',
                    },
                    Watch: {
                      requestType: 'HealthCheckRequest',
                      responseType: 'HealthCheckResponse',
                      responseStream: true,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
}

/** A .proto file in the JSON format of protobufjs. */
type ProtoJson = Parameters<typeof fromJSON>[0]

// The module is CommonJS and sets both `exports.default` and `__esModule`: Node imports all of its
// exports as the default export.
const protoModule: unknown = milvusProto
const milvusJson = (hasDefaultExport(protoModule) ? protoModule.default : protoModule) as ProtoJson

function hasDefaultExport(module: unknown): module is { default: unknown } {
  return typeof module === 'object' && module !== null && 'default' in module
}

const definitions = {
  ...fromJSON(milvusJson, loaderOptions),
  ...fromJSON(healthProto as ProtoJson, loaderOptions),
}

const root = protobuf.Root.fromJSON(milvusJson)

/**
 * A message that another one contains as bytes.
 * @param name such as `milvus.proto.schema.CollectionSchema`
 */
export function decodeBytes(name: string, bytes: Buffer): Message {
  const type = root.lookupType(name)
  return type.toObject(type.decode(bytes), { longs: String, enums: String, defaults: true })
}

/** The definition of a service by its full name, such as `milvus.proto.milvus.MilvusService`. */
export function getServiceDefinition(name: string): GrpcService {
  const definition = definitions[name]
  if (!definition || 'format' in definition) throw new Error(`no such service: ${name}`)
  return definition
}
