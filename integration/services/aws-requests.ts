/** Parses requests to AWS, for the record and for faults in particular operations. */
import { parseSignatureInfo, type HttpRequest } from '../../simulator/aws/signature.ts'
import type { ServiceName } from '../../testing/request-log.ts'

/** A parsed request to AWS. */
export interface AwsRequest {
  /** As in IAM actions: acm, elasticloadbalancing, sts, eks, ec2, ... */
  readonly service: string
  readonly operation: string
  /** The ARN of the resource if the request contains one, otherwise `*`. */
  readonly resource: string
  readonly accessKeyId: string
}

/** The services in the simulator's request log, by service name in IAM actions. */
export const loggedServices: Readonly<Record<string, ServiceName>> = {
  acm: 'acm',
  sts: 'sts',
  eks: 'eks',
  ec2: 'ec2',
  elasticloadbalancing: 'elbv2',
  secretsmanager: 'secretsmanager',
}

/** Parameters that contain the resource of an operation, the most specific first. */
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
 * Parses a request. `account` is needed for the ARN of an EKS cluster, because the request contains
 * only its name.
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
  // For a first import, IAM checks the ARN of the future certificate (Service Authorization
  // Reference, ACM).
  const defaultResource =
    target === 'ImportCertificate' ? `arn:aws:acm:${region}:${account}:certificate/*` : '*'
  if (target !== undefined)
    return {
      ...common,
      operation: target,
      resource: parseResourceArn(request.body) ?? defaultResource,
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

function parseResourceArn(body: Buffer): string | undefined {
  try {
    const { CertificateArn, SecretId } = JSON.parse(body.toString()) as {
      CertificateArn?: string
      SecretId?: string
    }
    return CertificateArn ?? SecretId
  } catch {
    return undefined
  }
}

/** Operations that change something, by AWS's verbs. */
export const mutatingOperations =
  /^(Import|Add|Remove|Delete|Create|Modify|Set|Register|Deregister|Update|Put|Tag|Untag|Request|Renew|Associate|Disassociate)/
