/** The wire protocols of AWS: routes requests to services, and formats their responses. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { acm } from './acm.ts'
import { ec2 } from './ec2.ts'
import { eks } from './eks.ts'
import { elbv2 } from './elbv2.ts'
import { isFields, type Fields } from './fields.ts'
import {
  formatEc2Response,
  formatEc2Error,
  parseForm,
  formatQueryResponse,
  formatQueryError,
} from './query.ts'
import { secretsManager } from './secrets-manager.ts'
import { AwsError, type AwsService } from './service.ts'
import { parseSignatureInfo, type HttpRequest } from './signature.ts'
import { sts } from './sts.ts'

const services: readonly AwsService[] = [acm, sts, eks, ec2, elbv2, secretsManager]

/** The service, operation and input of a request. */
export interface RoutedRequest {
  readonly service: AwsService
  readonly operation: string
  readonly input: () => Fields
}

function parseJsonInput(body: Buffer): Fields {
  try {
    const parsed = JSON.parse(body.toString() || '{}') as Fields
    if (isFields(parsed)) return parsed
  } catch {
    // Handled below.
  }
  throw new AwsError('SerializationException', 'Could not parse the request body as JSON')
}

const servicesByApiVersion: Readonly<Record<string, string>> = {
  '2011-06-15': 'sts',
  '2015-12-01': 'elasticloadbalancing',
  '2016-11-15': 'ec2',
}

/** Finds the service by the credential scope, or by the form of an unsigned request. */
export function routeRequest(request: HttpRequest): RoutedRequest | undefined {
  const form = new URLSearchParams(
    request.method === 'POST' ? request.body.toString() : request.query,
  )
  const [, targetService, target] =
    /^(CertificateManager|secretsmanager)\.(\w+)$/.exec(request.headers['x-amz-target'] ?? '') ?? []
  const guessService = (): string | undefined => {
    if (targetService !== undefined)
      return targetService === 'CertificateManager' ? 'acm' : targetService
    if (request.path.startsWith('/clusters')) return 'eks'
    return servicesByApiVersion[form.get('Version') ?? '']
  }
  const name = parseSignatureInfo(request)?.service ?? guessService()
  const service = services.find((candidate) => candidate.name === name)
  if (!service) return undefined
  switch (service.protocol) {
    case 'json':
      return { service, operation: target ?? '', input: () => parseJsonInput(request.body) }
    case 'rest-json':
      return routeRestRequest(service, request)
    case 'query':
    case 'ec2':
      return { service, operation: form.get('Action') ?? '', input: () => parseForm(form) }
  }
}

function routeRestRequest(service: AwsService, { method, path }: HttpRequest): RoutedRequest {
  const cluster = /^\/clusters\/([^/]+)$/.exec(path)?.[1]
  const isDescribe = method === 'GET' && cluster !== undefined
  return {
    service,
    operation: isDescribe ? 'DescribeCluster' : `${method} ${path}`,
    input: () => ({ name: decodeURIComponent(cluster ?? '') }),
  }
}

/** The error for an unknown operation, by protocol. */
export const unknownOperationErrors: Record<
  AwsService['protocol'],
  (operation: string) => AwsError
> = {
  json: () => new AwsError('UnknownOperationException', ''),
  'rest-json': () => new AwsError('ResourceNotFoundException', 'Not Found', 404),
  query: (operation) => new AwsError('InvalidAction', `Could not find operation ${operation}`),
  ec2: (operation) =>
    new AwsError('InvalidAction', `The action ${operation} is not valid for this web service.`),
}

/** Sends a response in the protocol of the service. */
export function writeResponse(
  response: ServerResponse,
  { service, operation }: RoutedRequest,
  output: Fields | AwsError,
  clockOffset: number,
): void {
  const requestId = randomUUID()
  const { contentType, body } =
    service.protocol === 'query' || service.protocol === 'ec2'
      ? { contentType: 'text/xml', body: formatXml(service, operation, output, requestId) }
      : formatJson(service, output)
  const headers: Record<string, string> = {
    'x-amzn-requestid': requestId,
    date: new Date(Date.now() + clockOffset).toUTCString(),
    'content-type': contentType,
  }
  const isError = output instanceof AwsError
  if (isError && contentType !== 'text/xml') headers['x-amzn-errortype'] = output.code
  response.writeHead(isError ? output.status : 200, headers).end(body)
}

function formatXml(
  { protocol, namespace = '' }: AwsService,
  operation: string,
  output: Fields | AwsError,
  requestId: string,
): string {
  const [formatError, formatResponse] =
    protocol === 'query'
      ? [formatQueryError, formatQueryResponse]
      : [formatEc2Error, formatEc2Response]
  return output instanceof AwsError
    ? formatError(namespace, output, requestId)
    : formatResponse(operation, namespace, output, requestId)
}

function formatJson(
  { protocol }: AwsService,
  output: Fields | AwsError,
): { contentType: string; body: string } {
  const contentType = protocol === 'json' ? 'application/x-amz-json-1.1' : 'application/json'
  if (!(output instanceof AwsError)) return { contentType, body: JSON.stringify(output) }
  const { code, message } = output
  const error = protocol === 'json' ? { __type: code, message } : { message }
  return { contentType, body: JSON.stringify(error) }
}

/** Reads a request with its body. */
export async function readRequest(message: IncomingMessage): Promise<HttpRequest> {
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
