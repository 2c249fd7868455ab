/**
 * A client that calls Milvus continuously, as an application does, and records the result of each
 * call.
 */
import { Client, credentials, type ChannelOptions } from '@grpc/grpc-js'
import type { RecordedRequest } from './request-log.ts'
import type { TestEnvironment } from './environment.ts'

/** One call. Times are milliseconds since the epoch. */
export interface CallRecord {
  readonly startedAt: number
  readonly endedAt: number
  /** The error message; undefined if the call was answered. */
  readonly error: string | undefined
}

/** Options of ContinuousClient. */
export interface ContinuousClientOptions {
  /** `host:port`. */
  readonly address: string
  /** The CA to trust and the server name to request over TLS; plaintext when absent. */
  readonly tls?: { readonly ca: string; readonly host: string }
  /** Whether each call opens its own connection instead of sharing one. */
  readonly reconnectsPerCall?: boolean
}

const callTimeoutMs = 5_000
/** Leaves CPU time for the processes under observation. */
const callIntervalMs = 25

/** Starts calling as soon as it is constructed. */
export class ContinuousClient {
  readonly calls: CallRecord[] = []
  private readonly options: ContinuousClientOptions
  private readonly loop: Promise<void>
  private isStopped = false

  constructor(options: ContinuousClientOptions) {
    this.options = options
    this.loop = this.callUntilStopped()
  }

  get failedCalls(): readonly CallRecord[] {
    return this.calls.filter(({ error }) => error !== undefined)
  }

  /** Stops the client after the current call has finished. */
  async stop(): Promise<void> {
    this.isStopped = true
    await this.loop
  }

  private async callUntilStopped(): Promise<void> {
    let client = this.connect()
    while (!this.isStopped) {
      const startedAt = Date.now()
      const error = await callGetVersion(client)
      this.calls.push({ startedAt, endedAt: Date.now(), error })
      if (this.options.reconnectsPerCall) {
        client.close()
        client = this.connect()
      }
      await new Promise((resolve) => setTimeout(resolve, callIntervalMs))
    }
    client.close()
  }

  private connect(): Client {
    return createClient(this.options)
  }
}

function createClient({ address, tls }: ContinuousClientOptions): Client {
  const channelOptions: ChannelOptions = {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    ...(tls && { 'grpc.ssl_target_name_override': tls.host, 'grpc.default_authority': tls.host }),
  }
  return new Client(
    address,
    tls ? credentials.createSsl(Buffer.from(tls.ca)) : credentials.createInsecure(),
    channelOptions,
  )
}

/**
 * Whether the gRPC client of Node gets an answer at an address of the ALB.
 * @param timeout milliseconds
 */
export async function isAnsweredAt(
  { listenPort, certificateAuthority: authority, host }: TestEnvironment,
  address: string,
  timeout: number,
): Promise<boolean> {
  const tls = { ca: authority.root, host }
  const client = createClient({ address: `${address}:${listenPort}`, tls })
  try {
    return (await callGetVersion(client, timeout)) === undefined
  } finally {
    client.close()
  }
}

/**
 * Starts a client that calls through the ALB of a test environment.
 * @param reconnectsPerCall whether each call opens its own connection
 */
export const startClientThroughAlb = (
  { albAddress, listenPort, certificateAuthority: authority, host }: TestEnvironment,
  reconnectsPerCall = false,
): ContinuousClient =>
  new ContinuousClient({
    address: `${albAddress}:${listenPort}`,
    tls: { ca: authority.root, host },
    reconnectsPerCall,
  })

/**
 * Resolves at Helm's next write to the Service of the guide's release, which changes it to
 * ClusterIP.
 */
export const nextHelmServiceUpdate = ({ requestLog }: TestEnvironment): Promise<RecordedRequest> =>
  requestLog.nextRequest(
    ({ operation, userAgent, isMutating }) =>
      isMutating && /^Helm/i.test(userAgent) && operation.endsWith('/services/milvus-demo'),
  )

/**
 * Calls GetVersion, whose request has no fields. Source: milvus-proto, milvus.proto.
 * @returns the error message, if any
 */
function callGetVersion(client: Client, timeout = callTimeoutMs): Promise<string | undefined> {
  const passThrough = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/milvus.proto.milvus.MilvusService/GetVersion',
      passThrough,
      passThrough,
      Buffer.alloc(0),
      { deadline: Date.now() + timeout },
      (error) => resolve(error?.message),
    )
  })
}
