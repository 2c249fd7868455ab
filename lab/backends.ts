/** Which Milvus is behind the load balancers: each is started when it is first chosen, and stays. */
import { startMilvus, type MilvusKind, type MilvusServer, type MilvusSettings } from './parts/milvus.ts'

/** The servers. */
export class Backends {
  private readonly settings: MilvusSettings
  private readonly servers = new Map<MilvusKind, Promise<MilvusServer>>()
  private chosen: MilvusServer | undefined
  /** Targets lead nowhere while true: as if all pods were gone from the network. */
  unreachable = false

  constructor(settings: MilvusSettings) {
    this.settings = settings
  }

  /** Puts a server behind the load balancers, once the data plane is synced. */
  async use(kind: MilvusKind): Promise<MilvusServer> {
    const known = this.servers.get(kind)
    const starting = known ?? startMilvus(kind, this.settings)
    this.servers.set(kind, starting)
    this.chosen = await starting
    return this.chosen
  }

  /** The one that is behind the load balancers. */
  get current(): MilvusServer {
    if (!this.chosen) throw new Error('no Milvus was chosen')
    return this.chosen
  }

  /** Where a pod really is: pod IPs are KWOK's inventions. */
  address(): { host: string; port: number } | undefined {
    return this.unreachable ? undefined : this.chosen
  }
}
