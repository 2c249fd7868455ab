/**
 * Which Milvus is behind the load balancers: each is started when it is first chosen, and stays.
 */
import { randomUUID } from 'node:crypto'
import { MilvusClient } from '@zilliz/milvus2-sdk-node'
import {
  startMilvus,
  type MilvusKind,
  type MilvusServer,
  type MilvusServerSettings,
} from './services/milvus.ts'
import { getSharedMilvus } from './shared-services.ts'

type Address = Pick<MilvusServer, 'host' | 'port'>

/** The plain one is shared where there is one to share: nothing of a scenario stays in it. */
async function startOrReuse(kind: MilvusKind, settings: MilvusServerSettings): Promise<Address> {
  return (kind === 'plain' ? getSharedMilvus() : undefined) ?? startMilvus(kind, settings)
}

/** The servers. */
export class MilvusBackends {
  private readonly settings: MilvusServerSettings
  private readonly servers = new Map<MilvusKind, Promise<Address>>()
  private selected: Address | undefined
  /** Of root, while the chosen server asks for one. */
  token = ''

  constructor(settings: MilvusServerSettings) {
    this.settings = settings
  }

  /** Puts a server behind the load balancers, once the data plane is synced. */
  async select(kind: MilvusKind): Promise<Address> {
    const existing = this.servers.get(kind)
    const startingServer = existing ?? startOrReuse(kind, this.settings)
    this.servers.set(kind, startingServer)
    this.selected = await startingServer
    this.token = ''
    return this.selected
  }

  /**
   * Puts one behind them that asks for a token.
   * @returns root's, with a password of its own
   */
  async requireAuthorization(): Promise<string> {
    const { host, port } = await this.select('authorized')
    const newPassword = `canary-${randomUUID()}`
    const client = new MilvusClient({
      address: `${host}:${port}`,
      username: 'root',
      password: 'Milvus',
      logLevel: 'error',
    })
    try {
      await client.connectPromise
      const { error_code, reason } = await client.updateUser({
        username: 'root',
        oldPassword: 'Milvus',
        newPassword,
      })
      if (error_code !== 'Success') throw new Error(`Milvus keeps root's password: ${reason}`)
    } finally {
      await client.closeConnection()
    }
    this.token = `root:${newPassword}`
    return this.token
  }

  /** Where a pod really is: pod IPs are KWOK's inventions. */
  address(): Address | undefined {
    return this.selected
  }
}
