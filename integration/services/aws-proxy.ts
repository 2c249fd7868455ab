/**
 * A recording proxy in front of moto. It records every call, injects faults, checks the resources
 * of policies, keeps load balancers in provisioning, and returns the address of the real cluster.
 * Other requests are forwarded unchanged, so that their signatures stay valid.
 */
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Authorize } from '../../simulator/aws/server.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'
import type { HttpRequest } from '../../simulator/aws/signature.ts'
import { recordRequest, type Fault, type RequestRecording } from '../../testing/fault-injector.ts'
import {
  createErrorReply,
  isQuery,
  toJsonError,
  withInUseBy,
  withInternalDnsNames,
  withProvisioningStates,
  withoutAppendedCertificate,
  withRealCluster,
  type ImportedCertificate,
  type Reply,
} from './aws-replies.ts'
import {
  mutatingOperations,
  loggedServices,
  parseAwsRequest,
  type AwsRequest,
} from './aws-requests.ts'
import { findDenial } from './aws-authorization.ts'
import { readBody, readMessage, withoutHopByHopHeaders } from './http-messages.ts'
import { getInUseBy } from './certificate-in-use.ts'
import type { Moto } from './moto.ts'
import { MutualTls } from './mutual-tls.ts'

/** A recorded call. */
export interface AwsCall extends Omit<AwsRequest, 'accessKeyId'> {
  /** ARN of the caller; empty for an unknown key. */
  readonly principal: string
  readonly client: string
  readonly at: number
  /** The status of the response; 0 while there is none. */
  status: number
  /** Milliseconds until the response. */
  duration: number
}

/** The running proxy. Mutable fields can be changed at any time. */
export interface AwsProxy {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string
  readonly calls: AwsCall[]
  /** By ARN. */
  readonly imported: ReadonlyMap<string, ImportedCertificate>
  readonly mutualTls: MutualTls
  /** The keys of known callers. A scenario adds the keys of its sessions. */
  readonly credentials: AwsCredential[]
  /**
   * Keeps all load balancers in provisioning, or only those with matching names.
   * @returns a function that stops it
   */
  holdProvisioning(matchesName?: (name: string) => boolean): () => void
  isProvisioning(name: string): boolean
  /**
   * Checks what moto does not: the resources of policies, and the second action that an import with
   * tags requires. Initially everything is allowed.
   */
  authorize: Authorize
  /** The cluster that DescribeCluster returns instead of moto's. */
  cluster: AwsProxySettings['cluster']
  /** Registers a listener that is called after each successful change. */
  onChange(listener: () => void): void
  close(): Promise<void>
}

/** Only the calls to services that the simulator has are recorded and can get faults. */
export interface AwsProxySettings extends RequestRecording {
  readonly moto: Moto
  /** The real cluster. */
  readonly cluster: { readonly name: string; readonly endpoint: string; readonly ca: string }
}

/** Starts the proxy on a free loopback port. */
export async function startAwsProxy(settings: AwsProxySettings): Promise<AwsProxy> {
  const proxy = new RecordingProxy(settings)
  const server = createServer((message, response) => {
    proxy
      .serve(message, response)
      .catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(0, '127.0.0.1', resolve),
  )
  return Object.assign(proxy, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

class RecordingProxy {
  readonly calls: AwsCall[] = []
  readonly imported = new Map<string, ImportedCertificate>()
  readonly mutualTls: MutualTls
  readonly credentials: AwsCredential[]
  private readonly settings: AwsProxySettings
  private readonly listeners: (() => void)[] = []
  private readonly provisioningFilters = new Set<(name: string) => boolean>()
  authorize: Authorize = () => true
  cluster: AwsProxySettings['cluster']

  constructor(settings: AwsProxySettings) {
    this.settings = settings
    this.cluster = settings.cluster
    this.mutualTls = new MutualTls(settings.moto)
    this.credentials = Object.values(settings.moto.users)
  }

  holdProvisioning(matchesName: (name: string) => boolean = () => true): () => void {
    // Wrapped in a new function, because the set would merge equal filters.
    const filter = (name: string): boolean => matchesName(name)
    this.provisioningFilters.add(filter)
    this.notifyListeners()
    return () => {
      this.provisioningFilters.delete(filter)
      this.notifyListeners()
    }
  }

  isProvisioning(name: string): boolean {
    return [...this.provisioningFilters].some((matchesName) => matchesName(name))
  }

  private notifyListeners(): void {
    this.listeners.forEach((listener) => listener())
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const incoming = await readMessage(message)
    const call = this.recordCall(incoming)
    const fault = await this.takeFault(call, message, incoming)
    if (fault?.reset === 'before') return void message.socket.destroy()
    const denial =
      fault?.error ?? (await findDenial(this, this.settings.moto.client, call, incoming))
    const reply = denial
      ? createErrorReply(call, denial)
      : this.rewriteReply(call, incoming, await this.fetchReply(call, message, incoming))
    call.status = reply.status
    call.duration = Date.now() - call.at
    if (fault?.reset === 'after') message.socket.destroy()
    else response.writeHead(reply.status, reply.headers).end(reply.body)
    if (reply.status < 300 && mutatingOperations.test(call.operation)) this.notifyListeners()
  }

  private recordCall(incoming: HttpRequest): AwsCall {
    const { accessKeyId, ...request } = parseAwsRequest(incoming, this.settings.moto.account)
    const key = this.credentials.find((each) => each.accessKeyId === accessKeyId)
    const call: AwsCall = {
      ...request,
      principal: key?.principalArn ?? '',
      client: incoming.headers['user-agent'] ?? '',
      at: Date.now(),
      status: 0,
      duration: 0,
    }
    this.calls.push(call)
    return call
  }

  private async takeFault(
    { service, operation, client }: AwsCall,
    message: IncomingMessage,
    { body }: HttpRequest,
  ): Promise<Fault | undefined> {
    const loggedService = loggedServices[service]
    if (loggedService === undefined) return undefined
    return recordRequest(this.settings, {
      service: loggedService,
      operation,
      isMutating: mutatingOperations.test(operation),
      userAgent: client,
      query: message.url?.replace(/^[^?]*/, '') ?? '',
      body: body.toString(),
      headers: message.headers,
    })
  }

  /** Returns moto's response. A re-import keeps the certificate's tags, which moto would drop. */
  private async fetchReply(
    call: AwsCall,
    message: IncomingMessage,
    incoming: HttpRequest,
  ): Promise<Reply> {
    const { client } = this.settings.moto
    const inUseBy = /^acm:(Describe|Delete)Certificate$/.test(`${call.service}:${call.operation}`)
      ? await getInUseBy(client, call.resource)
      : []
    if (call.operation === 'DeleteCertificate' && inUseBy.length > 0)
      return createErrorReply(call, {
        status: 400,
        code: 'ResourceInUseException',
        message: `Certificate ${call.resource} is in use.`,
      })
    const ownReply = this.mutualTls.intercept(call, incoming)
    if (ownReply) return ownReply
    const isReimport = call.operation === 'ImportCertificate' && call.resource !== '*'
    const existingTags = isReimport
      ? await client
          .target('acm', 'CertificateManager.ListTagsForCertificate', {
            CertificateArn: call.resource,
          })
          .catch(() => '{}')
      : '{}'
    const reply = await this.forward(message, incoming)
    const { Tags = [] } = JSON.parse(existingTags) as { Tags?: object[] }
    if (reply.status < 300 && Tags.length > 0)
      await client.target('acm', 'CertificateManager.AddTagsToCertificate', {
        CertificateArn: call.resource,
        Tags,
      })
    return call.operation === 'DescribeCertificate' && reply.status < 300
      ? withInUseBy(reply, inUseBy)
      : reply
  }

  private forward(message: IncomingMessage, { body }: HttpRequest): Promise<Reply> {
    const { hostname, port } = new URL(this.settings.moto.url)
    // The headers, above all the host, are unchanged because they are signed.
    const headers = { ...message.headers, connection: 'close' }
    return new Promise((resolve, reject) => {
      send(
        { hostname, port, method: message.method, path: message.url, headers, agent: false },
        (response) => {
          readBody(response).then(
            (reply) =>
              resolve({
                status: response.statusCode ?? 502,
                headers: withoutHopByHopHeaders(response.headers),
                body: reply,
              }),
            reject,
          )
        },
      )
        .on('error', reject)
        .end(body)
    })
  }

  /** Corrects moto's response, and stores imported certificates. */
  private rewriteReply(call: AwsCall, incoming: HttpRequest, reply: Reply): Reply {
    if (reply.status >= 300)
      return isQuery(call.service) || !reply.body.toString().startsWith('<')
        ? reply
        : toJsonError(call, reply)
    const name = `${call.service}:${call.operation}`
    if (name === 'acm:ImportCertificate') this.storeImport(incoming, reply)
    if (name === 'acm:GetCertificate') return withoutAppendedCertificate(reply)
    if (name === 'eks:DescribeCluster')
      return withRealCluster(reply, this.cluster, this.settings.moto.vpcId)
    if (name === 'elasticloadbalancing:CreateLoadBalancer') return withInternalDnsNames(reply)
    if (name === 'elasticloadbalancing:DescribeLoadBalancers')
      return withProvisioningStates(withInternalDnsNames(reply), (each) =>
        this.isProvisioning(each),
      )
    return this.mutualTls.complete(call, incoming, reply)
  }

  private storeImport(incoming: HttpRequest, reply: Reply): void {
    const input = JSON.parse(incoming.body.toString()) as Record<
      'Certificate' | 'CertificateChain' | 'PrivateKey',
      string | undefined
    >
    const { CertificateArn } = JSON.parse(reply.body.toString()) as { CertificateArn: string }
    const text = (base64: string | undefined): string =>
      Buffer.from(base64 ?? '', 'base64').toString()
    this.imported.set(CertificateArn, {
      certificate: text(input.Certificate),
      chain: text(input.CertificateChain),
      privateKey: text(input.PrivateKey),
    })
  }
}
