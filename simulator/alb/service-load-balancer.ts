/**
 * The load balancer that a Service of type LoadBalancer has by itself: a port that leads to Milvus
 * for as long as a Service of the namespace is of that type. When none is any more, it goes as AWS'
 * own does, with every connection that it carries.
 */
import { connect, createServer, type Socket } from 'node:net'
import {
  Informer,
  KubernetesClient,
  type KubernetesAccess,
} from '../alb-controller/kubernetes-client.ts'
import type { KubernetesObject } from '../alb-controller/objects.ts'

/** Where clients of the old load balancer connect. */
export interface ServiceEndpoint {
  readonly host: string
  readonly port: number
}

/** What it is told. */
export interface ServiceLoadBalancerOptions {
  /** As somebody who may watch Services. */
  readonly kubernetes: KubernetesAccess
  readonly namespace: string
  /** Where it listens. A Service has port 19530, which may be taken on this machine. */
  readonly host: string
  readonly port: number
  /** Where Milvus is now. */
  readonly resolveMilvus: () => ServiceEndpoint | undefined
}

interface Service extends KubernetesObject {
  readonly spec: { readonly type?: string }
}

/** Starts it. Settles when it serves, or when there is nothing to serve. */
export async function startServiceLoadBalancer({
  kubernetes,
  namespace,
  host,
  port,
  resolveMilvus,
}: ServiceLoadBalancerOptions): Promise<ServiceEndpoint & { close(): Promise<void> }> {
  const openSockets = new Set<Socket>()
  const trackSocket = (socket: Socket): Socket => {
    openSockets.add(socket)
    return socket.on('error', () => socket.destroy()).on('close', () => openSockets.delete(socket))
  }
  const server = createServer((client) => {
    const milvus = resolveMilvus()
    if (!milvus) {
      client.destroy()
      return
    }
    trackSocket(client)
    const upstream = trackSocket(connect(milvus.port, milvus.host))
    client.pipe(upstream).pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  })
  let listenPromise: Promise<unknown> | undefined
  const startListening = (): void => {
    listenPromise ??= new Promise<void>((resolve, reject) =>
      server.once('error', reject).listen(port, host, resolve),
    )
  }
  const stopListening = (): void => {
    if (listenPromise) server.close()
    listenPromise = undefined
    for (const socket of openSockets) socket.destroy()
  }
  const client = new KubernetesClient(kubernetes)
  const services: Informer<Service> = new Informer<Service>(
    client,
    `/api/v1/namespaces/${namespace}/services`,
    () => {
      if ([...services.cache.values()].some(({ spec }) => spec.type === 'LoadBalancer'))
        startListening()
      else stopListening()
    },
  )
  await services.ready
  await listenPromise
  return {
    host,
    port,
    async close() {
      await services.stop()
      client.close()
      stopListening()
    },
  }
}
