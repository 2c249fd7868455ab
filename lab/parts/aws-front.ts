/**
 * What stands before moto: it writes down every call, fails or delays those that a scenario chooses, holds them against the
 * resources of a policy, keeps a load balancer provisioning, says where the real cluster is, and hands everything else on as it
 * came: the signature stays good.
 */
import { createServer, request as send, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { ec2Error, xmlError } from '../../sandbox/aws/query.ts'
import type { Authorize } from '../../sandbox/aws/server.ts'
import type { AwsCredential } from '../../sandbox/aws/service.ts'
import type { Incoming } from '../../sandbox/aws/signature.ts'
import type { Fault, Traffic } from '../../sandbox/traffic.ts'
import { mutating, parts, readRequest, type AwsRequest } from './aws-requests.ts'
import { usersOf } from './certificate-users.ts'
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
  took: number
}

/** A certificate as it was imported: ACM never hands out a private key. */
export interface ImportedCertificate {
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
}

/** The running front. What is not readonly may be changed while it runs. */
export interface AwsFront {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string
  readonly calls: AwsCall[]
  /** By ARN. */
  readonly imported: ReadonlyMap<string, ImportedCertificate>
  /** Keys by which callers are recognized: a scenario adds those of sessions. */
  readonly credentials: AwsCredential[]
  /** Keeps load balancers provisioning, all of them or those of these names. @returns what lets go of them */
  hold(which?: (name: string) => boolean): () => void
  isProvisioning(name: string): boolean
  /**
   * What a principal may do beyond what moto looks at: the resources of its policy, and the second action that an import with
   * tags needs. Everything is allowed at first.
   */
  authorize: Authorize
  /** What DescribeCluster says of this cluster in place of moto's invention. */
  cluster: FrontSettings['cluster']
  /** Told after each successful change. */
  onChange(listener: () => void): void
  close(): Promise<void>
}

/** What the front is told. */
export interface FrontSettings {
  readonly moto: Moto
  /** Records what the sandbox would, and takes its faults: acm, sts, eks and elbv2. */
  readonly traffic: Traffic
  /** Where the real cluster is. */
  readonly cluster: { readonly name: string; readonly endpoint: string; readonly ca: string }
}

interface Answer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer }

/** Starts the front on a free loopback port. */
export async function startAwsFront(settings: FrontSettings): Promise<AwsFront> {
  const front = new Front(settings)
  const server = createServer((message, response) => {
    front.serve(message, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return Object.assign(front, {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  })
}

class Front {
  readonly calls: AwsCall[] = []
  readonly imported = new Map<string, ImportedCertificate>()
  readonly credentials: AwsCredential[]
  private readonly settings: FrontSettings
  private readonly listeners: (() => void)[] = []
  private readonly held = new Set<(name: string) => boolean>()
  authorize: Authorize = () => true
  cluster: FrontSettings['cluster']

  constructor(settings: FrontSettings) {
    this.settings = settings
    this.cluster = settings.cluster
    this.credentials = Object.values(settings.moto.users)
  }

  hold(which: (name: string) => boolean = () => true): () => void {
    // A function of its own, so that two holds of the same load balancers are two.
    const entry = (name: string): boolean => which(name)
    this.held.add(entry)
    this.tell()
    return () => {
      this.held.delete(entry)
      this.tell()
    }
  }

  isProvisioning(name: string): boolean {
    return [...this.held].some((which) => which(name))
  }

  private tell(): void {
    this.listeners.forEach((listener) => listener())
  }

  onChange(listener: () => void): void {
    this.listeners.push(listener)
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const incoming = await read(message)
    const call = this.record(incoming)
    const fault = await this.faultFor(call, message, incoming)
    if (fault?.reset === true) return void message.socket.destroy()
    const refusal = fault?.error ?? this.refusalOf(call, incoming)
    const answer = refusal ? errorAnswer(call, refusal) : this.changed(call, incoming, await this.ask(call, message, incoming))
    call.status = answer.status
    call.took = Date.now() - call.at
    if (fault?.reset === 'after') message.socket.destroy()
    else response.writeHead(answer.status, answer.headers).end(answer.body)
    if (answer.status < 300 && mutating.test(call.operation)) this.tell()
  }

  private record(incoming: Incoming): AwsCall {
    const { accessKeyId, ...request } = readRequest(incoming, this.settings.moto.account)
    const principal = this.credentials.find((each) => each.accessKeyId === accessKeyId)?.principalArn ?? ''
    const call: AwsCall = { ...request, principal, client: incoming.headers['user-agent'] ?? '', at: Date.now(), status: 0, took: 0 }
    this.calls.push(call)
    return call
  }

  private async faultFor({ service, operation, client }: AwsCall, message: IncomingMessage, { body }: Incoming): Promise<Fault | undefined> {
    const part = parts[service]
    if (part === undefined) return undefined
    return this.settings.traffic.take({ part, operation, mutating: mutating.test(operation), client, query: message.url?.replace(/^[^?]*/, '') ?? '', body: body.toString(), headers: message.headers })
  }

  private refusalOf({ service, operation, principal, resource }: AwsCall, { body }: Incoming): { status: number; code: string; message: string } | undefined {
    // AWS asks for the second one too when an import comes with tags (hashicorp/terraform-provider-aws #11903); moto does not.
    const tagged = service === 'acm' && operation === 'ImportCertificate' && body.includes('"Tags"')
    const action = [operation, ...(tagged ? ['AddTagsToCertificate'] : [])].map((each) => `${service}:${each}`).find((each) => !this.authorize(principal, each, resource))
    if (action === undefined) return undefined
    const message = `User: ${principal} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`
    return { status: service === 'acm' ? 400 : 403, code: service === 'ec2' ? 'UnauthorizedOperation' : isQuery(service) ? 'AccessDenied' : 'AccessDeniedException', message }
  }

  /** moto's answer; an import over another certificate keeps its tags, as in ACM, where moto drops them. */
  private async ask(call: AwsCall, message: IncomingMessage, incoming: Incoming): Promise<Answer> {
    const { client } = this.settings.moto
    const users = /^acm:(Describe|Delete)Certificate$/.test(`${call.service}:${call.operation}`) ? await usersOf(client, call.resource) : []
    if (call.operation === 'DeleteCertificate' && users.length > 0) return errorAnswer(call, { status: 400, code: 'ResourceInUseException', message: `Certificate ${call.resource} is in use.` })
    const again = call.operation === 'ImportCertificate' && call.resource !== '*'
    const held = again ? await client.target('acm', 'CertificateManager.ListTagsForCertificate', { CertificateArn: call.resource }).catch(() => '{}') : '{}'
    const answer = await this.forward(message, incoming)
    const { Tags = [] } = JSON.parse(held) as { Tags?: object[] }
    if (answer.status < 300 && Tags.length > 0) await client.target('acm', 'CertificateManager.AddTagsToCertificate', { CertificateArn: call.resource, Tags })
    return call.operation === 'DescribeCertificate' && answer.status < 300 ? withUsers(answer, users) : answer
  }

  private forward(message: IncomingMessage, { body }: Incoming): Promise<Answer> {
    const { hostname, port } = new URL(this.settings.moto.url)
    // Every header as it came, the host above all: it is part of what was signed.
    const headers = { ...message.headers, connection: 'close' }
    return new Promise((resolve, reject) => {
      send({ hostname, port, method: message.method, path: message.url, headers, agent: false }, (response) => {
        collect(response).then((answer) => resolve({ status: response.statusCode ?? 502, headers: endToEnd(response.headers), body: answer }), reject)
      }).on('error', reject).end(body)
    })
  }

  /** The answer with what the lab knows better, and a look at what was imported. */
  private changed(call: AwsCall, incoming: Incoming, answer: Answer): Answer {
    if (answer.status >= 300) return isQuery(call.service) || !answer.body.toString().startsWith('<') ? answer : inJson(call, answer)
    const name = `${call.service}:${call.operation}`
    if (name === 'acm:ImportCertificate') this.remember(incoming, answer)
    if (name === 'eks:DescribeCluster') return this.withRealCluster(answer)
    if (name === 'elasticloadbalancing:DescribeLoadBalancers') return this.withStates(answer)
    return answer
  }

  private remember(incoming: Incoming, answer: Answer): void {
    const input = JSON.parse(incoming.body.toString()) as Record<'Certificate' | 'CertificateChain' | 'PrivateKey', string | undefined>
    const { CertificateArn } = JSON.parse(answer.body.toString()) as { CertificateArn: string }
    const text = (base64: string | undefined): string => Buffer.from(base64 ?? '', 'base64').toString()
    this.imported.set(CertificateArn, { certificate: text(input.Certificate), chain: text(input.CertificateChain), privateKey: text(input.PrivateKey) })
  }

  private withRealCluster(answer: Answer): Answer {
    const { name, endpoint, ca } = this.cluster
    const described = JSON.parse(answer.body.toString()) as { cluster: { name: string; resourcesVpcConfig?: object } }
    if (described.cluster.name !== name) return answer
    // moto makes up a VPC.
    const resourcesVpcConfig = { ...described.cluster.resourcesVpcConfig, vpcId: this.settings.moto.vpcId }
    return rewritten(answer, JSON.stringify({ cluster: { ...described.cluster, resourcesVpcConfig, endpoint, certificateAuthority: { data: Buffer.from(ca).toString('base64') } } }))
  }

  private withStates(answer: Answer): Answer {
    const body = answer.body.toString().replace(/<member>(?:(?!<member>)[\s\S])*?<LoadBalancerName>([^<]*)<[\s\S]*?<State>[\s\S]*?<\/State>/g, (whole, name: string) =>
      this.isProvisioning(name) ? whole.replace(/<State>[\s\S]*?<\/State>$/, '<State><Code>provisioning</Code></State>') : whole)
    return rewritten(answer, body)
  }
}

const isQuery = (service: string): boolean => ['sts', 'elasticloadbalancing', 'iam', 'ec2'].includes(service)

/** moto refuses in XML whatever the service speaks; AWS refuses in the service's own words. */
function inJson(call: AwsCall, { status, body }: Answer): Answer {
  const text = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(body.toString())?.[1] ?? ''
  const codes: Readonly<Record<string, string>> = { AccessDenied: 'AccessDeniedException', InvalidClientTokenId: 'UnrecognizedClientException', SignatureDoesNotMatch: 'InvalidSignatureException' }
  const code = text('Code')
  return errorAnswer(call, { status: call.service === 'acm' ? 400 : status, code: codes[code] ?? code, message: text('Message').replaceAll('&quot;', '"').replaceAll('&amp;', '&') })
}

function errorAnswer({ service }: AwsCall, error: { status: number; code: string; message: string }): Answer {
  const requestId = randomUUID()
  const namespace = service === 'sts' ? 'https://sts.amazonaws.com/doc/2011-06-15/' : 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/'
  const [type, body] = isQuery(service) ? ['text/xml', (service === 'ec2' ? ec2Error : xmlError)(namespace, error, requestId)] : ['application/json', JSON.stringify({ __type: error.code, message: error.message })]
  return { status: error.status, headers: { 'content-type': type, 'x-amzn-requestid': requestId, 'x-amzn-errortype': error.code }, body: Buffer.from(body) }
}

function withUsers(answer: Answer, InUseBy: readonly string[]): Answer {
  const { Certificate } = JSON.parse(answer.body.toString()) as { Certificate: object }
  return rewritten(answer, JSON.stringify({ Certificate: { ...Certificate, InUseBy } }))
}

function rewritten(answer: Answer, text: string): Answer {
  const body = Buffer.from(text)
  return { ...answer, headers: { ...answer.headers, 'content-length': String(body.length) }, body }
}

/** Without the headers that are about the connection to moto alone. */
function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'connection' && name !== 'transfer-encoding'))
}

async function read(message: IncomingMessage): Promise<Incoming> {
  const body = await collect(message)
  const [path = '/', query = ''] = (message.url ?? '/').split(/\?(.*)/s)
  const headers = Object.fromEntries(Object.entries(message.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value ?? '']))
  return { method: message.method ?? 'GET', path, query: new URLSearchParams(query), headers, body }
}

async function collect(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
