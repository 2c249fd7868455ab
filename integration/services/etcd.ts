/**
 * A client of etcd's v3 API in JSON: the objects of an API server, read and changed. Source: etcd,
 * docs, gRPC gateway.
 */

/** The key of every object with its value, both in base64, as the gateway has them. */
export type EtcdContent = ReadonlyMap<string, string>

/** What makes one content out of another. */
export interface EtcdChange {
  readonly deleted: readonly string[]
  readonly written: readonly (readonly [key: string, value: string])[]
}

interface RangeResponse {
  readonly kvs?: readonly { readonly key: string; readonly value?: string }[]
}

/** The longest transaction that an etcd of the lab takes; its own default is 128. */
export const maxTxnOperations = 100_000

const base64 = (text: string): string => Buffer.from(text).toString('base64')

/**
 * All objects of an API server, and no more: beside them lies compact_rev_key, of the loop that
 * compacts etcd every five minutes (apiserver, storage/etcd3/compact.go), which ends the API server
 * when that key is gone.
 */
const registryRange = { key: base64('/registry/'), range_end: base64('/registry0') }

/** The client. */
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
   * Does all of it in one transaction: watchers see every deletion and every value as if the API
   * server had written them.
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
