/** A client that calls Milvus all the time, as an application does, and remembers how each call went. */
import { Client, credentials, type ChannelOptions } from '@grpc/grpc-js'
import type { RecordedRequest } from './traffic.ts'
import type { World } from './world.ts'

/** One call. Times are milliseconds since the epoch. */
export interface Call {
  readonly begun: number
  readonly ended: number
  /** What went wrong; undefined for one that was answered. */
  readonly problem: string | undefined
}

/** Where it calls. */
export interface CallingClientSettings {
  /** `host:port`. */
  readonly address: string
  /** TLS, with the authority to trust and the name to ask for; plaintext when absent. */
  readonly tls?: { readonly ca: string; readonly host: string }
  /** A connection for each call, in place of one for all. */
  readonly reconnects?: boolean
}

const deadline = 5_000
/** So that it does not take the processor from what it watches. */
const pause = 25

/** It begins to call at once. */
export class CallingClient {
  readonly calls: Call[] = []
  private readonly settings: CallingClientSettings
  private readonly running: Promise<void>
  private stopped = false

  constructor(settings: CallingClientSettings) {
    this.settings = settings
    this.running = this.run()
  }

  /** Those that went wrong, in words. */
  get failed(): readonly Call[] {
    return this.calls.filter(({ problem }) => problem !== undefined)
  }

  /** Ends it, the call under way last. */
  async stop(): Promise<void> {
    this.stopped = true
    await this.running
  }

  private async run(): Promise<void> {
    let client = this.connect()
    while (!this.stopped) {
      const begun = Date.now()
      const problem = await call(client)
      this.calls.push({ begun, ended: Date.now(), problem })
      if (this.settings.reconnects) {
        client.close()
        client = this.connect()
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
    client.close()
  }

  private connect(): Client {
    const { address, tls } = this.settings
    const options: ChannelOptions = { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_http_proxy': 0, ...(tls && { 'grpc.ssl_target_name_override': tls.host, 'grpc.default_authority': tls.host }) }
    return new Client(address, tls ? credentials.createSsl(Buffer.from(tls.ca)) : credentials.createInsecure(), options)
  }
}

/** An application that calls through the ALB of a world. @param reconnects whether each call has a connection of its own */
export const callThroughAlb = ({ albAddress, listenPort, authority, host }: World, reconnects = false): CallingClient =>
  new CallingClient({ address: `${albAddress}:${listenPort}`, tls: { ca: authority.root, host }, reconnects })

/** helm's next write to the Service of the guide's release: when that becomes ClusterIP. */
export const serviceSwitch = ({ traffic }: World): Promise<RecordedRequest> =>
  traffic.next(({ operation, client, mutating }) => mutating && /^Helm/i.test(client) && operation.endsWith('/services/milvus-demo'))

/** GetVersion, whose request has no fields. Source: milvus-proto, milvus.proto. @returns what went wrong */
function call(client: Client): Promise<string | undefined> {
  const asIs = (bytes: Buffer): Buffer => bytes
  return new Promise((resolve) => {
    client.makeUnaryRequest('/milvus.proto.milvus.MilvusService/GetVersion', asIs, asIs, Buffer.alloc(0), { deadline: Date.now() + deadline }, (error) => resolve(error?.message))
  })
}
