/** What all simulated AWS services share: operations, errors and pagination. */
import type { ServiceName } from '../../testing/request-log.ts'
import type { AuthorizationTags } from '../../testing/shipped-permissions.ts'
import type { Fields } from './fields.ts'
import type { AwsState } from './state.ts'

/** An access key and its principal. Scenarios add, remove and expire access keys. */
export interface AwsCredential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Required in requests with temporary credentials. */
  readonly sessionToken?: string
  /** The end of the session. */
  expiresAt?: Date
  /** `arn:aws:iam::ACCOUNT:user/NAME` or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. */
  readonly principalArn: string
}

/** An error response of AWS. */
export class AwsError extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, message: string, status = 400) {
    super(message)
    this.name = 'AwsError'
    this.code = code
    this.status = status
  }
}

/** An authenticated and authorized call. */
export interface OperationCall {
  readonly input: Fields
  readonly principal: string
  /** The account in the region that the caller signed for. */
  readonly state: AwsState
  /** The time of the service, in milliseconds since the epoch. */
  readonly now: number
}

/**
 * Runs an operation.
 * @throws AwsError
 */
export type Operation = (call: OperationCall) => Fields | Promise<Fields>

/** One service behind the endpoint. */
export interface AwsService {
  readonly logName: ServiceName
  /** The name in the credential scope, in ARNs and in IAM actions. */
  readonly name: 'acm' | 'sts' | 'eks' | 'ec2' | 'elasticloadbalancing' | 'secretsmanager'
  /** AWS JSON 1.1, REST JSON, the query protocol, or EC2's variant of it. */
  readonly protocol: 'json' | 'rest-json' | 'query' | 'ec2'
  /** The XML namespace, for the query protocol. */
  readonly namespace?: string
  readonly operations: Readonly<Record<string, Operation>>
  /**
   * The resource that IAM checks for an operation: an ARN, or `*` for operations without a
   * resource. Undefined skips the check.
   */
  getResource(operation: string, call: OperationCall): string | undefined
  /** The tags on which conditions of policies depend; absent for a service without tags. */
  getTags?(call: OperationCall): AuthorizationTags
  /** Other operations that IAM must also allow. */
  additionalActions?(operation: string, input: Fields): string[]
}

/** A page of a list, and the marker of the next page. Markers are base64-encoded positions. */
export function paginate<T>(
  items: readonly T[],
  size: number,
  marker: string | undefined,
): { items: T[]; next?: string } {
  const start = marker === undefined ? 0 : Number(Buffer.from(marker, 'base64url').toString())
  if (!Number.isInteger(start) || start < 0) throw new AwsError('ValidationError', 'Invalid marker')
  const end = start + size
  const result = { items: items.slice(start, end) }
  return end < items.length
    ? { ...result, next: Buffer.from(String(end)).toString('base64url') }
    : result
}

/** A random resource id: 16 hexadecimal digits, as in Elastic Load Balancing. */
export function randomId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
}

/** Source: AWS IAM user guide, "Troubleshoot access denied error messages". */
export function createAccessDeniedError(
  service: AwsService,
  principal: string,
  action: string,
  resource: string,
): AwsError {
  const resourceClause = resource === '*' ? '' : ` on resource: ${resource}`
  const message =
    `User: ${principal} is not authorized to perform: ${action}${resourceClause} ` +
    `because no identity-based policy allows the ${action} action`
  if (service.protocol === 'ec2')
    return new AwsError(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. ${message}`,
      403,
    )
  return service.protocol === 'query'
    ? new AwsError('AccessDenied', message, 403)
    : new AwsError('AccessDeniedException', message, service.protocol === 'json' ? 400 : 403)
}
