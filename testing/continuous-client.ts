/**
 * A client that calls Milvus all the time, as an application does, and remembers how each call
 * went.
 */
import { Client, credentials, type ChannelOptions } from '@grpc/grpc-js'
import type { RecordedRequest } from './request-log.ts'
import type { TestEnvironment } from './environment.ts'

/** One call. Times are milliseconds since the epoch. */
export interface CallRecord {
  readonly startedAt: number
  readonly endedAt: number
  /** What went wrong; undefined for one that was answered. */
  readonly error: string | undefined
}

/** Where it calls. */
export interface ContinuousClientOptions {
  /** `host:port`. */
  readonly address: string
  /** TLS, with the authority to trust and the name to ask for; plaintext when absent. */
  readonly tls?: { readonly ca: string; readonly host: string }
  /** A connection for each call, in place of one for all. */
  readonly reconnectsPerCall?: boolean
}

const callTimeoutMs = 5_000
/** So that it does not take the processor from what it watches. */
const callIntervalMs = 25

/** It begins to call at once. */
export class ContinuousClient {
  readonly calls: CallRecord[] = []
  private readonly options: ContinuousClientOptions
  private readonly loop: Promise<void>
  private isStopped = false

  constructor(options: ContinuousClientOptions) {
    this.options = options
    this.loop = this.callUntilStopped()
  }

  /** Those that went wrong, in words. */
  get failedCalls(): readonly CallRecord[] {
    return this.calls.filter(({ error }) => error !== undefined)
  }

  /** Ends it, the call under way last. */
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
    const { address, tls } = this.options
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
}

/**
 * An application that calls through the ALB of a world.
 * @param reconnectsPerCall whether each call has a connection of its own
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

/** helm's next write to the Service of the guide's release: when that becomes ClusterIP. */
export const nextHelmServiceUpdate = ({
  requestLog: traffic,
}: TestEnvironment): Promise<RecordedRequest> =>
  traffic.nextRequest(
    ({ operation, userAgent: client, isMutating: mutating }) =>
      mutating && /^Helm/i.test(client) && operation.endsWith('/services/milvus-demo'),
  )

/**
 * GetVersion, whose request has no fields. Source: milvus-proto, milvus.proto.
 * @returns what went wrong
 */
function callGetVersion(client: Client): Promise<string | undefined> {
  const passThrough = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/milvus.proto.milvus.MilvusService/GetVersion',
      passThrough,
      passThrough,
      Buffer.alloc(0),
      { deadline: Date.now() + callTimeoutMs },
      (error) => resolve(error?.message),
    )
  })
}
