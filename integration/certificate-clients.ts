/**
 * Whether the gRPC clients of Milvus accept a certificate: grpcio, which pymilvus uses, and
 * grpc-js, which the Node SDK uses.
 */
import { createSecureServer, type Http2SecureServer } from 'node:http2'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { Client, credentials, status } from '@grpc/grpc-js'
import { runCommand } from './command.ts'

/** PEM texts: what a server presents, and what its client trusts. */
export interface PresentedCertificate {
  readonly name: string
  /** The certificate, then its chain. */
  readonly certificates: string
  readonly privateKey: string
  readonly root: string
}

/** Why a client does not connect; undefined when it does. */
export type Rejection = string | undefined

/** The rejections of one certificate, by client. */
export interface ClientRejections {
  readonly grpcio: Rejection
  readonly 'grpc-js': Rejection
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

/** Seconds. A client that rejects a certificate says so at once. */
const callTimeout = 60

/**
 * Serves each certificate on loopback, and calls a method there with both clients.
 * @throws Error when a call ends otherwise than by the server's answer or a failed handshake
 */
export async function collectRejections(
  presented: readonly PresentedCertificate[],
  environment: ClientEnvironment,
): Promise<Map<string, ClientRejections>> {
  const servers = await Promise.all(presented.map(startServer))
  try {
    const targets = presented.map(({ name, root }, index) => ({
      name,
      root,
      port: (servers[index]?.address() as AddressInfo).port,
    }))
    const [byGrpcio, byGrpcJs] = await Promise.all([
      callWithGrpcio(targets, environment),
      Promise.all(targets.map((target) => callWithGrpcJs(target, environment.host))),
    ])
    return new Map(
      targets.map(({ name }, index) => [
        name,
        {
          grpcio: toRejection(byGrpcio[index]),
          'grpc-js': toRejection(byGrpcJs[index]),
        },
      ]),
    )
  } finally {
    for (const server of servers) server.close()
  }
}

interface Target {
  readonly name: string
  readonly root: string
  readonly port: number
}

/** How a call ended: the name of its gRPC status, and its details. */
interface CallResult {
  readonly code: string
  readonly details: string
}

/** The servers answer UNIMPLEMENTED. */
function toRejection({ code, details }: CallResult = { code: 'none', details: '' }): Rejection {
  if (code === 'UNIMPLEMENTED') return undefined
  if (code === 'UNAVAILABLE') return details
  throw new Error(`A call ended with ${code}: ${details}`)
}

async function startServer({
  certificates,
  privateKey,
}: PresentedCertificate): Promise<Http2SecureServer> {
  // An ALB serves weak keys and signatures too, and leaves the verdict to its clients.
  const server = createSecureServer({
    key: privateKey,
    cert: certificates,
    ciphers: 'DEFAULT@SECLEVEL=0',
  })
  server.on('stream', (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': '12' },
      { endStream: true },
    )
  })
  // Of clients that reject the certificate.
  server.on('sessionError', () => undefined).on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  return server
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
  targets: readonly Target[],
  { python, directory, host }: ClientEnvironment,
): Promise<CallResult[]> {
  const path = join(directory, 'certificate-targets.json')
  await writeFile(path, JSON.stringify(targets))
  const { stdout } = await runCommand(python, ['-', path, host, method, String(callTimeout)], {
    input: grpcioScript,
    env: { PATH: '/usr/bin:/bin', HOME: directory, GRPC_VERBOSITY: 'NONE' },
  })
  return JSON.parse(stdout) as CallResult[]
}

function callWithGrpcJs({ port, root }: Target, host: string): Promise<CallResult> {
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
      { deadline: Date.now() + callTimeout * 1000 },
      (error) => {
        client.close()
        resolve({ code: status[error?.code ?? 0] ?? '', details: error?.details ?? '' })
      },
    )
  })
}
