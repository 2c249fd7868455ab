/**
 * Milvus, as far as a client that connects and looks around can tell: the proxy's plaintext gRPC port (19530).
 * Source of its manners: milvus-io/milvus internal/distributed/proxy/service.go and internal/proxy; see sandbox/milvus/.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { Server, ServerCredentials, status as code } from '@grpc/grpc-js'
import type { handleUnaryCall, handleServerStreamingCall, sendUnaryData, ServerUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Traffic } from './traffic.ts'
import { answers, notReady, unauthorized, unhealthyProxy } from './milvus/answers.ts'
import type { Answer, Authorization, Collection, MilvusSettings, Refusal } from './milvus/answers.ts'
import { serviceDefinition } from './milvus/protocol.ts'
import type { Message } from './milvus/protocol.ts'

/** A running Milvus. Its settings may be changed at any time and hold from the next call on. */
export interface Milvus extends MilvusSettings {
  readonly host: string
  readonly port: number
  /** The collections that clients made, by `database/name`. */
  readonly collections: Map<string, Collection>
  /** Drops every open connection, as a proxy that restarts does. */
  disconnect(): void
  close(): Promise<void>
}

/** What startMilvus is told. */
export interface MilvusOptions {
  readonly traffic: Traffic
  readonly version?: string
  readonly authorization?: Authorization | undefined
  readonly host?: string
}

/** Methods whose name begins so only look; the log calls every other one mutating. */
const READING = /^(Connect|Get|Check|List|Show|Has|Describe|Query|Search|Hybrid|ClientHeartbeat|Watch|Dump|Calc|Flush.*State|Select)/

/** Methods whose request carries a password, which has no place in the log. */
const SECRET = /Credential/

/** The services on Milvus's port; the second exists since 3.0 (milvus-proto), and the SDK calls it by itself. */
const SERVICES = ['milvus.proto.milvus.MilvusService', 'milvus.proto.milvus.ClientTelemetryService', 'grpc.health.v1.Health']

/** Starts Milvus on a free port. */
export async function startMilvus(options: MilvusOptions): Promise<Milvus> {
  const { traffic, host = '127.0.0.1' } = options
  const collections = new Map<string, Collection>()
  const settings: MilvusSettings = {
    version: options.version ?? 'v2.6.15',
    authorization: options.authorization,
    ready: true,
    stateCode: 'Healthy',
    healthy: true,
    reasons: [],
    quotaStates: [],
    delay: 0,
  }
  const known: Record<string, Answer> = {
    ...answers(settings, collections),
    Check: () => ({ status: settings.stateCode === 'Healthy' ? 'SERVING' : 'NOT_SERVING' }),
  }
  const sockets = new Map<string, Socket>()
  const server = new Server()
  const unary = (name: string): handleUnaryCall<Message, Message> => (call, done) => {
    void answer(name, call).then((outcome) => finish(outcome, call, done, sockets))
  }
  const answer = async (name: string, call: ServerUnaryCall<Message, Message>): Promise<Outcome> => {
    const fault = await traffic.take({
      part: 'milvus',
      operation: name,
      mutating: !READING.test(name),
      client: metadata(call, 'user-agent') ?? '',
      query: '',
      body: SECRET.test(name) ? '' : JSON.stringify(call.request),
    })
    if (fault?.reset) return 'reset'
    if (fault?.error) return { code: isStatus(fault.error.status) ? fault.error.status : code.UNKNOWN, details: fault.error.message }
    if (settings.delay > 0) await new Promise((resolve) => setTimeout(resolve, settings.delay))
    return decide(name, call, settings, known)
  }
  for (const service of SERVICES) {
    const definition = serviceDefinition(service)
    const implementation: UntypedServiceImplementation = {}
    for (const [name, method] of Object.entries(definition)) {
      implementation[name] = method.responseStream ? unimplementedStream(name) : unary(name)
    }
    server.addService(definition, implementation)
  }
  const listener = await listen(server, host, sockets)
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

// Telling its own state and version is what a proxy in any state can do.
const STATELESS = new Set(['GetVersion', 'GetComponentStates', 'Check', 'ClientHeartbeat'])

// Their answer is a bare common.Status; every other one carries it in the field `status`.
const BARE_STATUS = new Set(['CreateCollection', 'DropCollection'])

/** The interceptors first, as in the proxy: they run before the method is looked at. */
function decide(name: string, call: ServerUnaryCall<Message, Message>, settings: MilvusSettings, known: Record<string, Answer>): Outcome {
  if (!settings.ready) return notReady(settings.version)
  const refusal = unauthorized(settings.authorization, metadata(call, 'authorization'), settings.version)
  if (refusal) return refusal
  const method = known[name]
  if (!method) return { code: code.UNIMPLEMENTED, details: `method ${name} not implemented` }
  const unhealthy = STATELESS.has(name) ? undefined : unhealthyProxy(settings)
  if (unhealthy) return { message: BARE_STATUS.has(name) ? unhealthy : { status: unhealthy } }
  return { message: method(call.request, metadata(call, 'dbname') ?? 'default') }
}

/** A fault's status is that of gRPC here, and `error.message` its text. */
function isStatus(number: number): number is Refusal['code'] {
  return number in code
}

function metadata(call: ServerUnaryCall<Message, Message>, key: string): string | undefined {
  return call.metadata.get(key)[0]?.toString()
}

/** How a call ends: with a message, a gRPC status, or its connection cut. */
type Outcome = { readonly message: Message } | Refusal | 'reset'

function finish(outcome: Outcome, call: ServerUnaryCall<Message, Message>, done: sendUnaryData<Message>, sockets: Map<string, Socket>): void {
  if (outcome === 'reset') sockets.get(call.getPeer())?.destroy()
  else if ('message' in outcome) done(null, outcome.message)
  else done(outcome)
}

function unimplementedStream(name: string): handleServerStreamingCall<Message, Message> {
  return (call) => {
    call.emit('error', { code: code.UNIMPLEMENTED, details: `method ${name} not implemented` })
  }
}

/** The sandbox owns the sockets, so that it can cut one: grpc-js gives no way to do so from a call. */
async function listen(server: Server, host: string, sockets: Map<string, Socket>): Promise<ReturnType<typeof createServer>> {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
  const listener = createServer((socket) => {
    const peer = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`
    sockets.set(peer, socket)
    socket.on('close', () => sockets.delete(peer))
    socket.on('error', () => undefined)
    injector.injectConnection(socket)
  })
  await new Promise<void>((resolve, reject) => {
    listener.once('error', reject)
    listener.listen(0, host, resolve)
  })
  return listener
}
