/**
 * What stands before moto: it writes down every call, fails or delays those that a scenario
 * chooses, holds them against the resources of a policy, keeps a load balancer provisioning, says
 * where the real cluster is, and hands everything else on as it came: the signature stays good.
 */
import {
  createServer,
  request as send,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { formatEc2Error, formatQueryError } from '../../simulator/aws/query.ts'
import type { Authorize } from '../../simulator/aws/server.ts'
import type { AwsCredential } from '../../simulator/aws/service.ts'
import type { HttpRequest } from '../../simulator/aws/signature.ts'
import type { Fault, RequestLog } from '../../testing/request-log.ts'
import {
  mutatingOperations,
  loggedServices,
  parseAwsRequest,
  type AwsRequest,
} from './aws-requests.ts'
import { getInUseBy } from './certificate-in-use.ts'
import type { Moto } from './moto.ts'

/** A call, as it was recorded. */
export interface AwsCall extends Omit<AwsRequest, 'accessKeyId'> {
  /** ARN of the caller; empty when the key is not one that the lab knows. */
  readonly principal: string
  readonly client: string
  readonly at: number
  /** Of the answer; 0 while there is none. */
  status: number
  /** Milliseconds until the answer. */
  duration: number
}

/** A certificate as it was imported: ACM never hands out a private key. */
export interface ImportedCertificate {
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
}

/** The running front. What is not readonly may be changed while it runs. */
export interface AwsProxy {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string
  readonly calls: AwsCall[]
  /** By ARN. */
  readonly imported: ReadonlyMap<string, ImportedCertificate>
  /** Keys by which callers are recognized: a scenario adds those of sessions. */
  readonly credentials: AwsCredential[]
  /**
   * Keeps load balancers provisioning, all of them or those of these names.
   * @returns what lets go of them
   */
  holdProvisioning(matchesName?: (name: string) => boolean): () => void
  isProvisioning(name: string): boolean
  /**
   * What a principal may do beyond what moto looks at: the resources of its policy, and the second
   * action that an import with tags needs. Everything is allowed at first.
   */
  authorize: Authorize
  /** What DescribeCluster says of this cluster in place of moto's invention. */
  cluster: AwsProxySettings['cluster']
  /** Told after each successful change. */
  onChange(listener: () => void): void
  close(): Promise<void>
}

/** What the front is told. */
export interface AwsProxySettings {
  readonly moto: Moto
  /** Records what the simulator would, and takes its faults: acm, sts, eks and elbv2. */
  readonly requestLog: RequestLog
  /** Where the real cluster is. */
  readonly cluster: { readonly name: string; readonly endpoint: string; readonly ca: string }
}

interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Starts the front on a free loopback port. */
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
  readonly credentials: AwsCredential[]
  private readonly settings: AwsProxySettings
  private readonly listeners: (() => void)[] = []
  private readonly provisioningFilters = new Set<(name: string) => boolean>()
  authorize: Authorize = () => true
  cluster: AwsProxySettings['cluster']

  constructor(settings: AwsProxySettings) {
    this.settings = settings
    this.cluster = settings.cluster
    this.credentials = Object.values(settings.moto.users)
  }

  holdProvisioning(matchesName: (name: string) => boolean = () => true): () => void {
    // A function of its own, so that two holds of the same load balancers are two.
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
    if (fault?.reset === true) return void message.socket.destroy()
    const denial = fault?.error ?? this.findDenial(call, incoming)
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
    const principal =
      this.credentials.find((each) => each.accessKeyId === accessKeyId)?.principalArn ?? ''
    const call: AwsCall = {
      ...request,
      principal,
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
    const part = loggedServices[service]
    if (part === undefined) return undefined
    return this.settings.requestLog.recordRequest({
      service: part,
      operation,
      isMutating: mutatingOperations.test(operation),
      userAgent: client,
      query: message.url?.replace(/^[^?]*/, '') ?? '',
      body: body.toString(),
      headers: message.headers,
    })
  }

  private findDenial(
    { service, operation, principal, resource }: AwsCall,
    { body }: HttpRequest,
  ): { status: number; code: string; message: string } | undefined {
    // AWS asks for the second one too when an import comes with tags
    // (hashicorp/terraform-provider-aws #11903); moto does not.
    const isTagged =
      service === 'acm' && operation === 'ImportCertificate' && body.includes('"Tags"')
    const action = [operation, ...(isTagged ? ['AddTagsToCertificate'] : [])]
      .map((each) => `${service}:${each}`)
      .find((each) => !this.authorize(principal, each, resource))
    if (action === undefined) return undefined
    const message = `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`
    return {
      status: service === 'acm' ? 400 : 403,
      code:
        service === 'ec2'
          ? 'UnauthorizedOperation'
          : isQuery(service)
            ? 'AccessDenied'
            : 'AccessDeniedException',
      message,
    }
  }

  /**
   * moto's answer; an import over another certificate keeps its tags, as in ACM, where moto drops
   * them.
   */
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
    // Every header as it came, the host above all: it is part of what was signed.
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

  /** The answer with what the lab knows better, and a look at what was imported. */
  private rewriteReply(call: AwsCall, incoming: HttpRequest, reply: Reply): Reply {
    if (reply.status >= 300)
      return isQuery(call.service) || !reply.body.toString().startsWith('<')
        ? reply
        : toJsonError(call, reply)
    const name = `${call.service}:${call.operation}`
    if (name === 'acm:ImportCertificate') this.storeImport(incoming, reply)
    if (name === 'eks:DescribeCluster') return this.withRealCluster(reply)
    if (name === 'elasticloadbalancing:DescribeLoadBalancers')
      return this.withProvisioningStates(reply)
    return reply
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

  private withRealCluster(reply: Reply): Reply {
    const { name, endpoint, ca } = this.cluster
    const described = JSON.parse(reply.body.toString()) as {
      cluster: { name: string; resourcesVpcConfig?: object }
    }
    if (described.cluster.name !== name) return reply
    // moto makes up a VPC.
    const resourcesVpcConfig = {
      ...described.cluster.resourcesVpcConfig,
      vpcId: this.settings.moto.vpcId,
    }
    return replaceBody(
      reply,
      JSON.stringify({
        cluster: {
          ...described.cluster,
          resourcesVpcConfig,
          endpoint,
          certificateAuthority: { data: Buffer.from(ca).toString('base64') },
        },
      }),
    )
  }

  private withProvisioningStates(reply: Reply): Reply {
    const body = reply.body
      .toString()
      .replace(
        /<member>(?:(?!<member>)[\s\S])*?<LoadBalancerName>([^<]*)<[\s\S]*?<State>[\s\S]*?<\/State>/g,
        (match, name: string) =>
          this.isProvisioning(name)
            ? match.replace(/<State>[\s\S]*?<\/State>$/, '<State><Code>provisioning</Code></State>')
            : match,
      )
    return replaceBody(reply, body)
  }
}

const isQuery = (service: string): boolean =>
  ['sts', 'elasticloadbalancing', 'iam', 'ec2'].includes(service)

/** moto refuses in XML whatever the service speaks; AWS refuses in the service's own words. */
function toJsonError(call: AwsCall, { status, body }: Reply): Reply {
  const text = (name: string): string =>
    new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString())?.[1] ?? ''
  const codes: Readonly<Record<string, string>> = {
    AccessDenied: 'AccessDeniedException',
    InvalidClientTokenId: 'UnrecognizedClientException',
    SignatureDoesNotMatch: 'InvalidSignatureException',
  }
  const code = text('Code')
  return createErrorReply(call, {
    status: call.service === 'acm' ? 400 : status,
    code: codes[code] ?? code,
    message: text('Message').replaceAll('&quot;', '"').replaceAll('&amp;', '&'),
  })
}

function createErrorReply(
  { service }: AwsCall,
  error: { status: number; code: string; message: string },
): Reply {
  const requestId = randomUUID()
  const namespace =
    service === 'sts'
      ? 'https://sts.amazonaws.com/doc/2011-06-15/'
      : 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/'
  const [type, body] = isQuery(service)
    ? [
        'text/xml',
        (service === 'ec2' ? formatEc2Error : formatQueryError)(namespace, error, requestId),
      ]
    : ['application/json', JSON.stringify({ __type: error.code, message: error.message })]
  return {
    status: error.status,
    headers: {
      'content-type': type,
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': error.code,
    },
    body: Buffer.from(body),
  }
}

function withInUseBy(reply: Reply, InUseBy: readonly string[]): Reply {
  const { Certificate } = JSON.parse(reply.body.toString()) as { Certificate: object }
  return replaceBody(reply, JSON.stringify({ Certificate: { ...Certificate, InUseBy } }))
}

function replaceBody(reply: Reply, text: string): Reply {
  const body = Buffer.from(text)
  return { ...reply, headers: { ...reply.headers, 'content-length': String(body.length) }, body }
}

/** Without the headers that are about the connection to moto alone. */
function withoutHopByHopHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => name !== 'connection' && name !== 'transfer-encoding',
    ),
  )
}

async function readMessage(message: IncomingMessage): Promise<HttpRequest> {
  const body = await readBody(message)
  const [path = '/', query = ''] = (message.url ?? '/').split(/\?(.*)/s)
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  )
  return { method: message.method ?? 'GET', path, query: new URLSearchParams(query), headers, body }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
