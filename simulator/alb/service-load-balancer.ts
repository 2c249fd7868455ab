/**
 * The load balancer of a Service of type LoadBalancer: a port that forwards to Milvus while a
 * Service of the namespace has that type. Afterwards it is deleted with all its connections, as AWS
 * does.
 */
import { connect, createServer, type Socket } from 'node:net'
import { Informer } from '../alb-controller/informer.ts'
import type { KubernetesObject } from '../alb-controller/objects.ts'
import { MinimalKubernetesClient, type KubernetesAccess } from '../../testing/kubernetes-client.ts'

/** The address of the load balancer. */
export interface ServiceEndpoint {
  readonly host: string
  readonly port: number
}

/** Options of startServiceLoadBalancer. */
export interface ServiceLoadBalancerOptions {
  /** Needs permission to watch Services. */
  readonly kubernetes: KubernetesAccess
  readonly namespace: string
  /** The address to listen on. Port 19530 of a Service may be in use on this machine. */
  readonly host: string
  readonly port: number
  /** The current address of Milvus. */
  readonly resolveMilvus: () => ServiceEndpoint | undefined
}

interface Service extends KubernetesObject {
  readonly spec: { readonly type?: string }
}

/** Resolves when the load balancer listens, or when no Service needs it. */
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
  const client = new MinimalKubernetesClient(kubernetes)
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
