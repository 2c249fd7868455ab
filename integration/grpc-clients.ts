/**
 * Calls servers on loopback with the gRPC clients of Milvus: grpcio, which pymilvus uses, and
 * grpc-js, which the Node SDK uses.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client, credentials, status } from '@grpc/grpc-js'
import { runCommand } from './command.ts'

/** A server on loopback. */
export interface ServedTarget {
  readonly name: string
  /** PEM of what the clients trust. */
  readonly root: string
  readonly port: number
}

/** Why a client does not connect; undefined when it does. */
export type ClientRejection = string | undefined

/** The rejections of one server, by client. */
export interface ClientRejections {
  readonly grpcio: ClientRejection
  readonly 'grpc-js': ClientRejection
}

export interface ClientEnvironment {
  /** Python with grpcio. */
  readonly python: string
  /** For a file that Python reads. */
  readonly directory: string
  /** The name that clients verify. */
  readonly host: string
}

const method = '/milvus.proto.milvus.MilvusService/GetVersion'

/**
 * Calls a method of each server with both clients.
 * @param timeout seconds for each call
 * @returns the rejections by the name of the server
 * @throws Error when a call ends otherwise than by status UNIMPLEMENTED or without a connection
 */
export async function callWithAllClients(
  targets: readonly ServedTarget[],
  environment: ClientEnvironment,
  timeout = 60,
): Promise<Map<string, ClientRejections>> {
  const [byGrpcio, byGrpcJs] = await Promise.all([
    callWithGrpcio(targets, environment, timeout),
    Promise.all(targets.map((target) => callWithGrpcJs(target, environment.host, timeout))),
  ])
  return new Map(
    targets.map(({ name }, index) => [
      name,
      { grpcio: toClientRejection(byGrpcio[index]), 'grpc-js': toClientRejection(byGrpcJs[index]) },
    ]),
  )
}

/** How a call ended: the name of its gRPC status, and its details. */
interface CallResult {
  readonly code: string
  readonly details: string
}

/** The servers answer UNIMPLEMENTED. A client that cannot connect may try until its deadline. */
function toClientRejection(
  { code, details }: CallResult = { code: 'none', details: '' },
): ClientRejection {
  if (code === 'UNIMPLEMENTED') return undefined
  if (code === 'UNAVAILABLE' || code === 'DEADLINE_EXCEEDED') return details
  throw new Error(`A call ended with ${code}: ${details}`)
}

/** The options with which pymilvus connects by address and server_name. */
const grpcioScript = `
import json, os, sys, grpc
with open(sys.argv[1]) as file: targets = json.load(file)
host, method, timeout = sys.argv[2], sys.argv[3], float(sys.argv[4])
options = [('grpc.ssl_target_name_override', host), ('grpc.default_authority', host)]
channels = [
    grpc.secure_channel(
        '127.0.0.1:%d' % target['port'],
        grpc.ssl_channel_credentials(target['root'].encode()), options)
    for target in targets]
calls = [channel.unary_unary(method).future(b'', timeout=timeout) for channel in channels]
json.dump(
    [{'code': call.code().name, 'details': call.details() or ''} for call in calls], sys.stdout)
`

/** All calls in one process, at once. */
async function callWithGrpcio(
  targets: readonly ServedTarget[],
  { python, directory, host }: ClientEnvironment,
  timeout: number,
): Promise<CallResult[]> {
  const path = join(directory, 'grpc-targets.json')
  await writeFile(path, JSON.stringify(targets))
  const { stdout } = await runCommand(python, ['-', path, host, method, String(timeout)], {
    input: grpcioScript,
    env: { PATH: '/usr/bin:/bin', HOME: directory, GRPC_VERBOSITY: 'NONE' },
  })
  return JSON.parse(stdout) as CallResult[]
}

function callWithGrpcJs(
  { port, root }: ServedTarget,
  host: string,
  timeout: number,
): Promise<CallResult> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(root)), {
    'grpc.ssl_target_name_override': host,
    'grpc.default_authority': host,
  })
  const identity = (message: Buffer): Buffer => message
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      method,
      identity,
      identity,
      Buffer.alloc(0),
      { deadline: Date.now() + timeout * 1000 },
      (error) => {
        client.close()
        resolve({ code: status[error?.code ?? 0] ?? '', details: error?.details ?? '' })
      },
    )
  })
}
