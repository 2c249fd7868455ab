/**
 * Milvus's gRPC interface as the official Node SDK ships it, and the standard health service that
 * the Milvus proxy registers beside it on the same port.
 */
import { fromJSON } from '@grpc/proto-loader'
import type { ServiceDefinition } from '@grpc/grpc-js'
import milvusProto from '@zilliz/milvus2-sdk-node/dist/milvus/proto-json/milvus.js'

/** A protobuf message as an object, with the field names of the .proto file. */
export type Message = Record<string, unknown>

/** A service: its methods by name. */
export type Service = ServiceDefinition<Record<string, (request: Message) => void>>

// The names of the fields are those of the .proto files, as the SDK reads them.
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

/** A file of the proto as protobufjs writes it in JSON. */
type ProtoJson = Parameters<typeof fromJSON>[0]

// A CommonJS module that sets both `exports.default` and `__esModule`: Node hands its exports over
// as the default export.
const protoModule: unknown = milvusProto
const milvusJson = (hasDefaultExport(protoModule) ? protoModule.default : protoModule) as ProtoJson

function hasDefaultExport(module: unknown): module is { default: unknown } {
  return typeof module === 'object' && module !== null && 'default' in module
}

const definitions = {
  ...fromJSON(milvusJson, loaderOptions),
  ...fromJSON(healthProto as ProtoJson, loaderOptions),
}

/** The definition of a service by its full name, such as `milvus.proto.milvus.MilvusService`. */
export function getServiceDefinition(name: string): Service {
  const definition = definitions[name]
  if (!definition || 'format' in definition) throw new Error(`no such service: ${name}`)
  return definition
}
