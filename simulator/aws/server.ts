/**
 * The simulated AWS: one plain HTTP server for all services and regions, for AWS_ENDPOINT_URL. It
 * records each request, injects faults, verifies the signature, checks IAM permissions, and then
 * runs the operation.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { recordRequest, type RequestRecording } from '../../testing/fault-injector.ts'
import type { AuthorizationTags } from '../../testing/shipped-permissions.ts'
import type { Fields } from './fields.ts'
import {
  readRequest,
  routeRequest,
  unknownOperationErrors,
  writeResponse,
  type RoutedRequest,
} from './protocols.ts'
import {
  AwsError,
  createAccessDeniedError,
  type AwsCredential,
  type OperationCall,
  type AwsService,
} from './service.ts'
import { SignatureError, verifySignature, type HttpRequest } from './signature.ts'
import { createAwsState, type AwsState } from './state.ts'
import { toCanonicalArn, verifyPresignedUrl, verifyEksToken, type CallerIdentity } from './sts.ts'

/** An EKS access entry: the Kubernetes user of a principal. The default username is its ARN. */
export interface AccessEntry {
  readonly username?: string
  readonly groups: readonly string[]
}

/**
 * Whether IAM allows an action, such as `acm:ImportCertificate`, on a resource, which is an ARN or
 * `*`.
 */
export type Authorize = (
  principal: string,
  action: string,
  resource: string,
  tags: AuthorizationTags,
) => boolean

const noTags: AuthorizationTags = { request: new Map(), resource: new Map() }

/** Options of startAws. */
export interface AwsOptions extends RequestRecording {
  readonly state: AwsState
  /** A single administrator with a long-lived key when absent. */
  readonly credentials?: readonly AwsCredential[]
  /** Allows everything when absent. */
  readonly authorize?: Authorize
}

/** The running AWS. Mutable fields can be changed at any time. */
export interface Aws {
  /** For AWS_ENDPOINT_URL. */
  readonly endpoint: string
  readonly state: AwsState
  /** The account in a region. Other regions than that of `state` are initially empty. */
  region(name: string): AwsState
  /** The access keys of the account. Scenarios add keys, and set `expiresAt`. */
  readonly credentials: AwsCredential[]
  authorize: Authorize
  /** Milliseconds from the X-Amz-Date of an EKS token until it expires; initially 15 minutes. */
  tokenLifetime: number
  /** Milliseconds by which the clock of AWS is ahead of this machine's. */
  clockOffset: number
  /** By role or user ARN. While undefined, every principal of the account is in system:masters. */
  accessEntries: Map<string, AccessEntry> | undefined
  /** Why tokens were rejected, as in the log of the authenticator; newest last. */
  readonly tokenRejections: string[]
  /** The environment of a process that uses a key; the first key when absent. */
  environment(credential?: AwsCredential): Record<string, string>
  /**
   * Verifies a presigned GetCallerIdentity as the EKS authenticator does.
   * @throws Error with the reason
   */
  verifyPresignedUrl(
    presignedUrl: URL,
    headers: Readonly<Record<string, string>>,
  ): Promise<CallerIdentity>
  /** The Kubernetes user of a bearer token; undefined when an API server would answer 401. */
  authenticateEksToken(
    token: string,
    clusterName: string,
  ): Promise<{ username: string; groups: string[] } | undefined>
  close(): Promise<void>
}

/** Operations that change something, by the verbs of AWS. */
const mutating =
  /^(Import|Add|Remove|Delete|Create|Modify|Set|Register|Deregister|Update|Put|Tag|Untag|Request|Renew|Associate|Disassociate)/

/** Authenticates a request, checks IAM permissions, and runs the operation. */
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
  const tags = service.getTags?.(call) ?? noTags
  for (const requiredOperation of [
    operation,
    ...(service.additionalActions?.(operation, call.input) ?? []),
  ]) {
    const action = `${service.name}:${requiredOperation}`
    if (resource !== undefined && !aws.authorize(call.principal, action, resource, tags))
      throw createAccessDeniedError(service, call.principal, action, resource)
  }
  return handler(call)
}

async function serve(
  aws: Aws,
  recording: RequestRecording,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(message)
  const routed = routeRequest(request)
  if (!routed) {
    // The log is per service: a request without one is not recorded.
    response
      .writeHead(403, { 'content-type': 'application/json' })
      .end('{"message":"Missing Authentication Token"}')
    return
  }
  const fault = await recordRequest(
    recording,
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
  if (fault?.reset === 'before') {
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
    : await executeOperation(aws, request, routed).catch((reason: unknown) =>
        toAwsError(reason, routed.service),
      )
  if (fault?.reset === 'after') message.socket.destroy()
  else writeResponse(response, routed, output, aws.clockOffset)
}

function toAwsError(error: unknown, service: AwsService): AwsError {
  if (error instanceof AwsError) return error
  if (error instanceof SignatureError) return error.toAwsError(service)
  // The prefix distinguishes a bug of the simulator from an error of AWS.
  const description = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return new AwsError('InternalFailure', `simulator: ${description}`, 500)
}

const administrator: AwsCredential = {
  accessKeyId: 'AKIASANDBOXSANDBOX00',
  secretAccessKey: 'simulator/secret/access/key/0000000000000',
  principalArn: 'arn:aws:iam::111122223333:user/administrator',
}

function createAws(options: AwsOptions, endpoint: string, server: Server): Aws {
  const { state } = options
  const defaultCredential = {
    ...administrator,
    principalArn: `arn:aws:iam::${state.account}:user/administrator`,
  }
  const getVerifier = () => ({
    credentials: aws.credentials,
    tokenLifetime: aws.tokenLifetime,
    now: () => Date.now() + aws.clockOffset,
  })
  const aws: Aws = {
    endpoint,
    state,
    credentials: [...(options.credentials ?? [defaultCredential])],
    authorize: options.authorize ?? (() => true),
    tokenLifetime: 15 * 60_000,
    clockOffset: 0,
    accessEntries: undefined,
    tokenRejections: [],
    region: createRegionLookup(state),
    environment: (credential = aws.credentials[0] ?? administrator) => ({
      AWS_ENDPOINT_URL: endpoint,
      AWS_REGION: state.region,
      ...credentialEnvironment(credential),
    }),
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

/** Returns the state of a region, and creates an empty one on first use. */
function createRegionLookup(state: AwsState): (name: string) => AwsState {
  const states = new Map([[state.region, state]])
  return (name) => {
    const regionState = states.get(name) ?? createAwsState({ account: state.account, region: name })
    states.set(name, regionState)
    return regionState
  }
}

function credentialEnvironment(credential: AwsCredential): Record<string, string> {
  const environment: Record<string, string> = {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: credential.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
  }
  if (credential.sessionToken !== undefined)
    environment['AWS_SESSION_TOKEN'] = credential.sessionToken
  return environment
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
      serve(aws, options, message, response).catch((error: unknown) =>
        response.destroy(error instanceof Error ? error : undefined),
      ),
    )
  })
  return aws
}
