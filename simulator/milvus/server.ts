/**
 * A simulation of Milvus's plaintext port (19530), for clients that connect and read metadata over
 * gRPC, or list collections over HTTP/1.1.
 * Sources: milvus-io/milvus, internal/distributed/proxy/service.go and internal/proxy.
 */
import type { Server as HttpServer } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import {
  Server,
  ServerCredentials,
  status as code,
  type handleUnaryCall,
  type handleServerStreamingCall,
  type sendUnaryData,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import { recordRequest, type RequestRecording } from '../../testing/fault-injector.ts'
import {
  createHandlers,
  getNotReadyStatus,
  checkAuthorization,
  checkProxyHealth,
  type Authorization,
  type MilvusSettings,
  type GrpcStatus,
} from './handlers.ts'
import { simulatedVersions } from '../versions.ts'
import type { Collection } from './collections.ts'
import { getServiceDefinition, type Handlers, type Message } from './protocol.ts'
import { createRestServer } from './rest.ts'

/** A running Milvus. Changes of its settings apply from the next call on. */
export interface MilvusServer extends MilvusSettings {
  readonly host: string
  readonly port: number
  /** The collections that clients created, by `database/name`. */
  readonly collections: Map<string, Collection>
  /** Drops every open connection, like a restart of the proxy. */
  disconnect(): void
  close(): Promise<void>
}

/** Options of startMilvus. */
export interface MilvusOptions extends RequestRecording {
  readonly version?: string
  readonly authorization?: Authorization | undefined
  readonly host?: string
}

/** The prefixes of methods that only read; the log marks all others as mutating. */
const READ_ONLY_METHODS =
  /^(Connect|Get|Check|List|Show|Has|Describe|Query|Search|Hybrid|ClientHeartbeat|Watch|Dump|Calc|Flush.*State|Select)/

/** Methods whose request is not logged: it contains a password, or megabytes. */
const UNLOGGED_REQUESTS = /Credential|^Insert$/

/** The services on Milvus's port. The second one exists since 3.0; the SDK calls it implicitly. */
const GRPC_SERVICES = [
  'milvus.proto.milvus.MilvusService',
  'milvus.proto.milvus.ClientTelemetryService',
  'grpc.health.v1.Health',
]

/** Starts Milvus on a free port. */
export async function startMilvus(options: MilvusOptions): Promise<MilvusServer> {
  const { host = '127.0.0.1' } = options
  const collections = new Map<string, Collection>()
  const settings: MilvusSettings = {
    version: options.version ?? simulatedVersions.milvus,
    authorization: options.authorization,
    ready: true,
    stateCode: 'Healthy',
    healthy: true,
    reasons: [],
    quotaStates: [],
    restApi: 'on',
    delay: 0,
  }
  const handlers: Handlers = {
    ...createHandlers(settings, collections),
    Check: () => ({ status: settings.stateCode === 'Healthy' ? 'SERVING' : 'NOT_SERVING' }),
  }
  const context: CallContext = { recording: options, settings, handlers }
  const sockets = new Map<string, Socket>()
  const server = new Server()
  const createUnaryHandler =
    (name: string): handleUnaryCall<Message, Message> =>
    (call, callback) => {
      void handleCall(context, name, call).then((outcome) =>
        completeCall(outcome, call, callback, sockets),
      )
    }
  for (const service of GRPC_SERVICES) {
    const definition = getServiceDefinition(service)
    const implementation: UntypedServiceImplementation = {}
    for (const [name, method] of Object.entries(definition)) {
      implementation[name] = method.responseStream
        ? createUnimplementedStreamHandler(name)
        : createUnaryHandler(name)
    }
    server.addService(definition, implementation)
  }
  const listener = await listenAndTrackSockets(server, host, {
    sockets,
    httpServer: createRestServer({ recording: options, settings, collections }),
  })
  const disconnect = (): void => sockets.forEach((socket) => socket.destroy())
  return Object.assign(settings, {
    host,
    port: (listener.address() as AddressInfo).port,
    collections,
    disconnect,
    close: async () => {
      const closed = new Promise((resolve) => listener.close(resolve))
      disconnect()
      server.forceShutdown()
      await closed
    },
  })
}

interface CallContext {
  readonly recording: RequestRecording
  readonly settings: MilvusSettings
  readonly handlers: Readonly<Handlers>
}

/** Answers one call, unless a fault is injected into it. */
async function handleCall(
  { recording, settings, handlers }: CallContext,
  name: string,
  call: ServerUnaryCall<Message, Message>,
): Promise<CallOutcome> {
  const fault = await recordRequest(recording, {
    service: 'milvus',
    operation: name,
    isMutating: !READ_ONLY_METHODS.test(name),
    userAgent: getMetadata(call, 'user-agent') ?? '',
    query: '',
    body: UNLOGGED_REQUESTS.test(name) ? '' : JSON.stringify(call.request),
  })
  if (fault?.reset) return 'reset'
  if (fault?.error) {
    // The status of a fault is a gRPC status here.
    const { status, message } = fault.error
    return { code: isGrpcStatus(status) ? status : code.UNKNOWN, details: message }
  }
  if (settings.delay > 0) await new Promise((resolve) => setTimeout(resolve, settings.delay))
  return dispatchCall(name, call, settings, handlers)
}

// A proxy reports its state and version in any state.
const ALWAYS_AVAILABLE_METHODS = new Set([
  'GetVersion',
  'GetComponentStates',
  'Check',
  'ClientHeartbeat',
])

// These answer with a bare common.Status; all others have it in the field `status`.
const BARE_STATUS_METHODS = new Set([
  'CreateCollection',
  'CreateIndex',
  'LoadCollection',
  'DropCollection',
])

/** Runs the interceptors before the method, like the proxy. */
function dispatchCall(
  name: string,
  call: ServerUnaryCall<Message, Message>,
  settings: MilvusSettings,
  handlers: Readonly<Handlers>,
): CallOutcome {
  if (!settings.ready) return getNotReadyStatus(settings.version)
  const authorizationError = checkAuthorization(
    settings.authorization,
    getMetadata(call, 'authorization'),
    settings.version,
  )
  if (authorizationError) return authorizationError
  const handler = handlers[name]
  if (!handler) return { code: code.UNIMPLEMENTED, details: `method ${name} not implemented` }
  const unhealthyStatus = ALWAYS_AVAILABLE_METHODS.has(name)
    ? undefined
    : checkProxyHealth(settings)
  if (unhealthyStatus)
    return {
      message: BARE_STATUS_METHODS.has(name) ? unhealthyStatus : { status: unhealthyStatus },
    }
  return { message: handler(call.request, getMetadata(call, 'dbname') ?? 'default') }
}

function isGrpcStatus(number: number): number is GrpcStatus['code'] {
  return number in code
}

function getMetadata(call: ServerUnaryCall<Message, Message>, key: string): string | undefined {
  return call.metadata.get(key)[0]?.toString()
}

/** How a call ends: with a message, a gRPC status, or a dropped connection. */
type CallOutcome = { readonly message: Message } | GrpcStatus | 'reset'

function completeCall(
  outcome: CallOutcome,
  call: ServerUnaryCall<Message, Message>,
  callback: sendUnaryData<Message>,
  sockets: Map<string, Socket>,
): void {
  if (outcome === 'reset') sockets.get(call.getPeer())?.destroy()
  else if ('message' in outcome) callback(null, outcome.message)
  else callback(outcome)
}

function createUnimplementedStreamHandler(
  name: string,
): handleServerStreamingCall<Message, Message> {
  return (call) => {
    call.emit('error', { code: code.UNIMPLEMENTED, details: `method ${name} not implemented` })
  }
}

/** Accepts the sockets itself to be able to drop one: grpc-js cannot do that from a call. */
async function listenAndTrackSockets(
  server: Server,
  host: string,
  { sockets, httpServer }: { sockets: Map<string, Socket>; httpServer: HttpServer },
): Promise<ReturnType<typeof createServer>> {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const listener = createServer((socket) => {
    const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`
    sockets.set(peer, socket)
    socket.on('close', () => sockets.delete(peer))
    socket.on('error', () => undefined)
    // Milvus tells HTTP/2 from HTTP/1.1 by the first bytes of a connection (cmux).
    socket.once('readable', () => {
      const firstBytes = socket.read() as Buffer | null
      if (!firstBytes) return
      socket.unshift(firstBytes)
      if (firstBytes.subarray(0, 3).toString() === 'PRI') injector.injectConnection(socket)
      else httpServer.emit('connection', socket)
    })
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, host, resolve)
  })
  return listener
}
