/**
 * A JSON client of etcd's v3 API that reads and changes the objects of an API server. Source: etcd,
 * docs, gRPC gateway.
 */

/** The values by key. Both are in base64, as in the gateway. */
export type EtcdContent = ReadonlyMap<string, string>

/** A change from one content to another. */
export interface EtcdChange {
  readonly deleted: readonly string[]
  readonly written: readonly (readonly [key: string, value: string])[]
}

interface RangeResponse {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[]
}

/** The maximum number of operations in a transaction in the lab's etcd. etcd's default is 128. */
export const maxTxnOperations = 100_000

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/**
 * All objects of an API server, and nothing else. The key compact_rev_key is outside this range: it
 * belongs to the loop that compacts etcd every five minutes (apiserver, storage/etcd3/compact.go),
 * and the API server exits when it is missing.
 */
const registryRange = { key: base64('/registry/'), range_end: base64('/registry0') }

export class Etcd {
  private readonly url: string

  constructor(url: string) {
    this.url = url
  }

  async read(): Promise<EtcdContent> {
    const { kvs = [] } = await this.post<RangeResponse>('range', registryRange)
    return new Map(kvs.map(({ key, value = '' }) => [key, value]))
  }

  /**
   * Applies the change in one transaction. Watchers see every deletion and every value as if the
   * API server had written them.
   */
  async apply({ deleted, written }: EtcdChange): Promise<void> {
    const success = [
      ...deleted.map((key) => ({ request_delete_range: { key } })),
      ...written.map(([key, value]) => ({ request_put: { key, value } })),
    ]
    await this.post('txn', { success })
  }

  private async post<T>(method: string, body: object): Promise<T> {
    const response = await fetch(`${this.url}/v3/kv/${method}`, {
      method: 'POST',
      body: JSON.stringify(body),
    })
    if (!response.ok)
      throw new Error(`etcd: ${method} answered ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }
}
