/**
 * What a request to AWS is about, read off the wire: for the record, and for faults that name an
 * operation.
 */
import { parseSignatureInfo, type HttpRequest } from '../../simulator/aws/signature.ts'
import type { ServiceName } from '../../testing/request-log.ts'

/** A request that reached AWS. */
export interface AwsRequest {
  /** As in IAM's actions: acm, elasticloadbalancing, sts, eks, ec2, ... */
  readonly service: string
  readonly operation: string
  /** The ARN of the resource, as far as the request names one; else `*`. */
  readonly resource: string
  readonly accessKeyId: string
}

/** The parts of the simulator's traffic log, by service. */
export const loggedServices: Readonly<Record<string, ServiceName>> = {
  acm: 'acm',
  sts: 'sts',
  eks: 'eks',
  ec2: 'ec2',
  elasticloadbalancing: 'elbv2',
}

/** Members that name what an operation is done to, the most telling first. */
const arnMembers = [
  'CertificateArn',
  'RuleArn',
  'ListenerArn',
  'TargetGroupArn',
  'LoadBalancerArn',
  'ResourceArns.member.1',
  'LoadBalancerArns.member.1',
  'TargetGroupArns.member.1',
  'ListenerArns.member.1',
]

/**
 * Reads a request; `account` is for the ARN of an EKS cluster, which the request has only by its
 * name.
 */
export function parseAwsRequest(request: HttpRequest, account: string): AwsRequest {
  const signatureInfo = parseSignatureInfo(request)
  const { service, accessKeyId, region } = signatureInfo ?? {
    service: 'unsigned',
    accessKeyId: '',
    region: '',
  }
  const common = { service, accessKeyId }
  const target = request.headers['x-amz-target']?.split('.').at(-1)
  // IAM holds a first import against the certificate that is to be (Service Authorization
  // Reference, ACM).
  const defaultResource =
    target === 'ImportCertificate' ? `arn:aws:acm:${region}:${account}:certificate/*` : '*'
  if (target !== undefined)
    return {
      ...common,
      operation: target,
      resource: parseCertificateArn(request.body) ?? defaultResource,
    }
  const cluster = /^\/clusters\/([^/]+)$/.exec(request.path)?.[1]
  if (cluster !== undefined && request.method === 'GET')
    return {
      ...common,
      operation: 'DescribeCluster',
      resource: `arn:aws:eks:${region}:${account}:cluster/${cluster}`,
    }
  const form = new URLSearchParams(
    request.method === 'POST' ? request.body.toString() : request.query,
  )
  const resource = arnMembers.map((member) => form.get(member)).find((value) => value !== null)
  return {
    ...common,
    operation: form.get('Action') ?? `${request.method} ${request.path}`,
    resource: resource ?? '*',
  }
}

function parseCertificateArn(body: Buffer): string | undefined {
  try {
    const { CertificateArn } = JSON.parse(body.toString()) as { CertificateArn?: string }
    return CertificateArn
  } catch {
    return undefined
  }
}

/** Operations that ask for a change, by the verbs that AWS uses. */
export const mutatingOperations =
  /^(Import|Add|Remove|Delete|Create|Modify|Set|Register|Deregister|Update|Put|Tag|Untag|Request|Renew|Associate|Disassociate)/
