/**
 * The simulator's AWS: one plain HTTP server for all services and regions, as AWS_ENDPOINT_URL
 * wants it. A request is recorded, meets the scenario's faults, has its signature verified, is
 * checked against IAM, and only then does something.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RequestLog } from '../../testing/request-log.ts'
import { acm } from './acm.ts'
import { ec2 } from './ec2.ts'
import { eks } from './eks.ts'
import { elbv2 } from './elbv2.ts'
import type { Fields } from './fields.ts'
import { isFields } from './fields.ts'
import {
  formatEc2Response,
  formatEc2Error,
  parseForm,
  formatQueryResponse,
  formatQueryError,
} from './query.ts'
import type { AwsCredential, OperationCall, Service } from './service.ts'
import { AwsError, createAccessDeniedError } from './service.ts'
import type { HttpRequest } from './signature.ts'
import { parseSignatureInfo, SignatureError, verifySignature } from './signature.ts'
import type { AwsState } from './state.ts'
import { createAwsState } from './state.ts'
import type { CallerIdentity } from './sts.ts'
import { toCanonicalArn, verifyPresignedUrl, verifyEksToken, sts } from './sts.ts'

/**
 * An EKS access entry: who a principal is to Kubernetes. The default user name is the principal's
 * own ARN.
 */
export interface AccessEntry {
  readonly username?: string
  readonly groups: readonly string[]
}

/**
 * Whether IAM lets a principal do something. `action` is `acm:ImportCertificate`, `resource` an ARN
 * or `*`.
 */
export type Authorize = (principal: string, action: string, resource: string) => boolean

/** What `startAws` takes. */
export interface AwsOptions {
  readonly requestLog: RequestLog
  readonly state: AwsState
  /** One administrator with a long-lived key when absent. */
  readonly credentials?: readonly AwsCredential[]
  /** Everything is allowed when absent. */
  readonly authorize?: Authorize
}

/** The running AWS. What is not readonly may be changed while it runs. */
export interface Aws {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string
  readonly state: AwsState
  /**
   * The account in another region: what a caller sees who signs for that one. Empty until somebody
   * fills it.
   */
  region(name: string): AwsState
  /** The account's keys. A scenario adds to them, and expires sessions with `expiresAt`. */
  readonly credentials: AwsCredential[]
  authorize: Authorize
  /** Life of an EKS token from its X-Amz-Date, milliseconds; 15 minutes. */
  tokenLifetime: number
  /** How far AWS' clock is ahead of this machine's, milliseconds. */
  clockOffset: number
  /**
   * By role or user ARN. While it is undefined every principal of the account is in system:masters.
   */
  accessEntries: Map<string, AccessEntry> | undefined
  /** Why tokens were refused, the newest last: what the authenticator's log would say. */
  readonly tokenRejections: string[]
  /** The environment of a process that is to use a key, the first one when absent. */
  environment(credential?: AwsCredential): Record<string, string>
  /**
   * Verifies a presigned GetCallerIdentity as the EKS authenticator does; throws an Error that says
   * what is wrong.
   */
  verifyPresignedUrl(
    presignedUrl: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<CallerIdentity>
  /** Who a bearer token is to a cluster; undefined is what an API server answers 401 to. */
  authenticateEksToken(
    token: string,
    clusterName: string,
  ): Promise<{ username: string; groups: string[] } | undefined>
  close(): Promise<void>
}

const services: readonly Service[] = [acm, sts, eks, ec2, elbv2]

/** Operations that ask for a change, by the verbs that AWS uses. */
const mutating =
  /^(Import|Add|Remove|Delete|Create|Modify|Set|Register|Deregister|Update|Put|Tag|Untag|Request|Renew|Associate|Disassociate)/

/** Where a request is for: the service, the operation and its members. */
interface RoutedRequest {
  readonly service: Service
  readonly operation: string
  readonly input: () => Fields
}

function parseJsonInput(body: Buffer): Fields {
  try {
    const parsed = JSON.parse(body.toString() || '{}') as Fields
    if (isFields(parsed)) return parsed
  } catch {
    /* answered below */
  }
  throw new AwsError('SerializationException', 'Could not parse the request body as JSON')
}

/** The service by the credential scope, or by what the request looks like when it is not signed. */
function routeRequest(request: HttpRequest): RoutedRequest | undefined {
  const form = new URLSearchParams(
    request.method === 'POST' ? request.body.toString() : request.query,
  )
  const target = /^CertificateManager\.(\w+)$/.exec(request.headers['x-amz-target'] ?? '')?.[1]
  const cluster = /^\/clusters\/([^/]+)$/.exec(request.path)?.[1]
  const servicesByApiVersion: Readonly<Record<string, string>> = {
    '2011-06-15': 'sts',
    '2015-12-01': 'elasticloadbalancing',
    '2016-11-15': 'ec2',
  }
  const guessedService =
    target !== undefined
      ? 'acm'
      : request.path.startsWith('/clusters')
        ? 'eks'
        : servicesByApiVersion[form.get('Version') ?? '']
  const name = parseSignatureInfo(request)?.service ?? guessedService
  const service = services.find((candidate) => candidate.name === name)
  if (!service) return undefined
  const routes: Record<Service['protocol'], () => RoutedRequest> = {
    json: () => ({ service, operation: target ?? '', input: () => parseJsonInput(request.body) }),
    'rest-json': () => ({
      service,
      operation:
        request.method === 'GET' && cluster !== undefined
          ? 'DescribeCluster'
          : `${request.method} ${request.path}`,
      input: () => ({ name: decodeURIComponent(cluster ?? '') }),
    }),
    query: () => ({ service, operation: form.get('Action') ?? '', input: () => parseForm(form) }),
    ec2: () => ({ service, operation: form.get('Action') ?? '', input: () => parseForm(form) }),
  }
  return routes[service.protocol]()
}

const unknownOperationErrors: Record<Service['protocol'], (operation: string) => AwsError> = {
  json: () => new AwsError('UnknownOperationException', ''),
  'rest-json': () => new AwsError('ResourceNotFoundException', 'Not Found', 404),
  query: (operation) => new AwsError('InvalidAction', `Could not find operation ${operation}`),
  ec2: (operation) =>
    new AwsError('InvalidAction', `The action ${operation} is not valid for this web service.`),
}

function writeResponse(
  response: ServerResponse,
  { service, operation }: RoutedRequest,
  output: Fields | AwsError,
  clockOffset: number,
): void {
  const requestId = randomUUID()
  const isError = output instanceof AwsError
  const status = isError ? output.status : 200
  const namespace = service.namespace ?? ''
  const headers: Record<string, string> = {
    'x-amzn-requestid': requestId,
    date: new Date(Date.now() + clockOffset).toUTCString(),
  }
  let body: string
  if (service.protocol === 'query' || service.protocol === 'ec2') {
    headers['content-type'] = 'text/xml'
    const [error, success] =
      service.protocol === 'query'
        ? [formatQueryError, formatQueryResponse]
        : [formatEc2Error, formatEc2Response]
    body = isError
      ? error(namespace, output, requestId)
      : success(operation, namespace, output, requestId)
  } else {
    headers['content-type'] =
      service.protocol === 'json' ? 'application/x-amz-json-1.1' : 'application/json'
    if (isError) headers['x-amzn-errortype'] = output.code
    body = JSON.stringify(
      isError
        ? {
            ...(service.protocol === 'json' ? { __type: output.code } : {}),
            message: output.message,
          }
        : output,
    )
  }
  response.writeHead(status, headers).end(body)
}

async function readRequest(message: IncomingMessage): Promise<HttpRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  const [path = '/', query = ''] = (message.url ?? '/').split(/\?(.*)/s)
  const headers = Object.fromEntries(
    Object.entries(message.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(',') : (value ?? ''),
    ]),
  )
  return {
    method: message.method ?? 'GET',
    path,
    query: new URLSearchParams(query),
    headers,
    body: Buffer.concat(chunks),
  }
}

/** Lets a request in, checks it against IAM, and carries it out. */
async function executeOperation(
  aws: Aws,
  request: HttpRequest,
  { service, operation, input }: RoutedRequest,
): Promise<Fields> {
  const now = Date.now() + aws.clockOffset
  const { credential, signatureInfo } = await verifySignature(request, aws.credentials, { now })
  const handler = Object.hasOwn(service.operations, operation)
    ? service.operations[operation]
    : undefined
  if (!handler) throw unknownOperationErrors[service.protocol](operation)
  const call: OperationCall = {
    input: input(),
    principal: credential.principalArn,
    state: aws.region(signatureInfo.region),
    now,
  }
  const resource = service.getResource(operation, call)
  for (const requiredOperation of [
    operation,
    ...(service.additionalActions?.(operation, call.input) ?? []),
  ]) {
    const action = `${service.name}:${requiredOperation}`
    if (resource !== undefined && !aws.authorize(call.principal, action, resource))
      throw createAccessDeniedError(service, call.principal, action, resource)
  }
  return handler(call)
}

async function serve(
  aws: Aws,
  requestLog: RequestLog,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(message)
  const routed = routeRequest(request)
  if (!routed) {
    // No service would take this: without a service there is no part either whose log it belongs
    // to.
    response
      .writeHead(403, { 'content-type': 'application/json' })
      .end('{"message":"Missing Authentication Token"}')
    return
  }
  const fault = await requestLog.recordRequest(
    {
      service: routed.service.logName,
      operation: routed.operation,
      isMutating: mutating.test(routed.operation),
      userAgent: request.headers['user-agent'] ?? '',
      query: new URL(message.url ?? '/', 'http://aws').search,
      body: request.body.toString(),
      headers: message.headers,
    },
    response,
  )
  if (fault?.reset === true) {
    message.socket.destroy()
    return
  }
  if (fault?.respond) {
    fault.respond(response)
    return
  }
  const { error } = fault ?? {}
  const output = error
    ? new AwsError(error.code, error.message, error.status)
    : await executeOperation(aws, request, routed).catch((reason: unknown) => {
        if (reason instanceof AwsError) return reason
        if (reason instanceof SignatureError) return reason.toAwsError(routed.service)
        // A fault of the simulator itself must not look like one of AWS': name it.
        return new AwsError(
          'InternalFailure',
          `simulator: ${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}`,
          500,
        )
      })
  if (fault?.reset === 'after') message.socket.destroy()
  else writeResponse(response, routed, output, aws.clockOffset)
}

const administrator: AwsCredential = {
  accessKeyId: 'AKIASANDBOXSANDBOX00',
  secretAccessKey: 'simulator/secret/access/key/0000000000000',
  principalArn: 'arn:aws:iam::111122223333:user/administrator',
}

function createAws(options: AwsOptions, endpoint: string, server: Server): Aws {
  const otherRegions = new Map<string, AwsState>()
  const { state } = options
  const getVerifier = () => ({
    credentials: aws.credentials,
    tokenLifetime: aws.tokenLifetime,
    now: () => Date.now() + aws.clockOffset,
  })
  const aws: Aws = {
    endpoint,
    state,
    credentials: [
      ...(options.credentials ?? [
        { ...administrator, principalArn: `arn:aws:iam::${state.account}:user/administrator` },
      ]),
    ],
    authorize: options.authorize ?? (() => true),
    tokenLifetime: 15 * 60_000,
    clockOffset: 0,
    accessEntries: undefined,
    tokenRejections: [],
    region(name) {
      const regionState =
        name === state.region
          ? state
          : (otherRegions.get(name) ?? createAwsState({ account: state.account, region: name }))
      if (regionState !== state) otherRegions.set(name, regionState)
      return regionState
    },
    environment(credential = aws.credentials[0] ?? administrator) {
      const token =
        credential.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credential.sessionToken }
      return {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: state.region,
        AWS_EC2_METADATA_DISABLED: 'true',
        AWS_ACCESS_KEY_ID: credential.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
        ...token,
      }
    },
    verifyPresignedUrl(presignedUrl, headers) {
      return verifyPresignedUrl(getVerifier(), presignedUrl, headers)
    },
    async authenticateEksToken(token, clusterName) {
      try {
        const { arn } = await verifyEksToken(getVerifier(), token, clusterName)
        const entry = aws.accessEntries
          ? aws.accessEntries.get(toCanonicalArn(arn))
          : { groups: ['system:masters'] }
        if (entry) return { username: entry.username ?? arn, groups: [...entry.groups] }
        aws.tokenRejections.push(`ARN is not mapped: ${toCanonicalArn(arn)}`)
      } catch (error) {
        aws.tokenRejections.push(error instanceof Error ? error.message : String(error))
      }
      return undefined
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return aws
}

/** Starts AWS on a free loopback port. */
export async function startAws(options: AwsOptions): Promise<Aws> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const aws = createAws(
    options,
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    server,
  )
  server.on('request', (message, response) => {
    options.requestLog.trackWork(
      serve(aws, options.requestLog, message, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      ),
    )
  })
  return aws
}
