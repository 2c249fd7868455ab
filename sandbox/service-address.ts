/**
 * The load balancer that a Service of type LoadBalancer has by itself: a port that leads to Milvus for as long as a Service of
 * the namespace is of that type. When none is any more, it goes as AWS' own does, with every connection that it carries.
 */
import { connect, createServer, type Socket } from 'node:net'
import { Informer, KubernetesClient, type KubernetesAccess } from './controller/api.ts'
import type { KubernetesObject } from './controller/objects.ts'

/** Where clients of the old load balancer connect. */
export interface ServiceAddress {
  readonly host: string
  readonly port: number
}

/** What it is told. */
export interface ServiceAddressSettings {
  /** As somebody who may watch Services. */
  readonly kubernetes: KubernetesAccess
  readonly namespace: string
  /** Where it listens. A Service has port 19530, which may be taken on this machine. */
  readonly host: string
  readonly port: number
  /** Where Milvus is now. */
  readonly resolve: () => ServiceAddress | undefined
}

interface Service extends KubernetesObject {
  readonly spec: { readonly type?: string }
}

/** Starts it. Settles when it serves, or when there is nothing to serve. */
export async function startServiceAddress({ kubernetes, namespace, host, port, resolve }: ServiceAddressSettings): Promise<ServiceAddress & { close(): Promise<void> }> {
  const open = new Set<Socket>()
  const keep = (socket: Socket): Socket => {
    open.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket))
  }
  const server = createServer((client) => {
    const milvus = resolve()
    if (!milvus) {
      client.destroy()
      return
    }
    keep(client)
    const upstream = keep(connect(milvus.port, milvus.host))
    client.pipe(upstream).pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  let serving: Promise<unknown> | undefined
  const serve = (): void => {
    serving ??= new Promise<void>((listening, reject) => server.once('error', reject).listen(port, host, listening))
  }
  const stop = (): void => {
    if (serving) server.close()
    serving = undefined
    for (const socket of open) socket.destroy()
  }
  const client = new KubernetesClient(kubernetes)
  const services: Informer<Service> = new Informer<Service>(client, `/api/v1/namespaces/${namespace}/services`, () => {
    if ([...services.cache.values()].some(({ spec }) => spec.type === 'LoadBalancer')) serve()
    else stop()
  })
  await services.ready
  await serving
  return {
    host, port,
    async close() {
      await services.stop()
      client.close()
      stop()
    },
  }
}
