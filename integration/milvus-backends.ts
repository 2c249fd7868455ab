/**
 * The Milvus servers behind the load balancers. A server is started when it is first selected, and
 * keeps running.
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
import { respondsWithOk } from '../testing/ports.ts'
import { waitUntil } from '../testing/wait.ts'

type Address = Pick<MilvusServer, 'host' | 'port'>

/** Uses the shared plain server if there is one: scenarios leave no data in it. */
async function startOrReuse(kind: MilvusKind, settings: MilvusServerSettings): Promise<Address> {
  const shared = kind === 'plain' ? getSharedMilvus() : undefined
  if (!shared) return startMilvus(kind, settings)
  // It may be restarting.
  const collections = `http://${shared.host}:${shared.port}/v1/vector/collections`
  await waitUntil(() => respondsWithOk(collections), {
    timeout: 150_000,
    createError: (lastError) =>
      new Error(`The shared Milvus does not answer ${collections}: ${String(lastError)}`),
  })
  return shared
}

export class MilvusBackends {
  private readonly settings: MilvusServerSettings
  private readonly servers = new Map<MilvusKind, Promise<Address>>()
  private selected: Address | undefined
  /** The token of root while the selected server requires one. */
  token = ''

  constructor(settings: MilvusServerSettings) {
    this.settings = settings
  }

  /**
   * Selects the server behind the load balancers. Takes effect at the next sync of the data plane.
   */
  async select(kind: MilvusKind): Promise<Address> {
    const existing = this.servers.get(kind)
    const startingServer = existing ?? startOrReuse(kind, this.settings)
    this.servers.set(kind, startingServer)
    this.selected = await startingServer
    this.token = ''
    return this.selected
  }

  /**
   * Selects a server that requires a token. Its default password can be changed once.
   * @returns the token of root, with a unique password, or with the default one
   */
  async requireAuthorization({ keepsDefaultPassword = false } = {}): Promise<string> {
    const address = await this.select('authorized')
    const password = keepsDefaultPassword ? defaultPassword : await changePassword(address)
    this.token = `root:${password}`
    return this.token
  }

  /** The actual address of a Milvus pod, because KWOK makes up pod IPs. */
  address(): Address | undefined {
    return this.selected
  }
}

/** Of root in a new Milvus. */
const defaultPassword = 'Milvus'

/** @returns the new password of root */
async function changePassword({ host, port }: Address): Promise<string> {
  const newPassword = `canary-${randomUUID()}`
  const client = new MilvusClient({
    address: `${host}:${port}`,
    username: 'root',
    password: defaultPassword,
    logLevel: 'error',
  })
  try {
    await client.connectPromise
    const { error_code, reason } = await client.updateUser({
      username: 'root',
      oldPassword: defaultPassword,
      newPassword,
    })
    if (error_code !== 'Success') throw new Error(`Milvus keeps root's password: ${reason}`)
  } finally {
    await client.closeConnection()
  }
  return newPassword
}
