/**
 * What every AWS service of the simulator is made of: operations that take a verified call, and
 * errors in AWS' words.
 */
import type { ServiceName } from '../../testing/request-log.ts'
import type { Fields } from './fields.ts'
import type { AwsState } from './state.ts'

/**
 * An access key, with the principal that it is. A scenario adds, removes and expires them while it
 * runs.
 */
export interface AwsCredential {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Temporary credentials have one, and AWS refuses their key without it. */
  readonly sessionToken?: string
  /** From then on the session is expired. */
  expiresAt?: Date
  /** `arn:aws:iam::ACCOUNT:user/NAME` or `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`. */
  readonly principalArn: string
}

/** An error as AWS answers it. */
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

/** One call that was let in. */
export interface OperationCall {
  readonly input: Fields
  readonly principal: string
  /** The account in the region that the caller signed for. */
  readonly state: AwsState
  /** Milliseconds since the epoch by the service's clock. */
  readonly now: number
}

/** What an operation does. It throws AwsError. */
export type Operation = (call: OperationCall) => Fields | Promise<Fields>

/** One service behind the endpoint. */
export interface Service {
  readonly logName: ServiceName
  /** As in the credential scope, and in ARNs and IAM actions. */
  readonly name: 'acm' | 'sts' | 'eks' | 'ec2' | 'elasticloadbalancing'
  /**
   * The wire protocol: AWS JSON 1.1, REST JSON, query with XML answers, or EC2's own kind of query.
   */
  readonly protocol: 'json' | 'rest-json' | 'query' | 'ec2'
  /** The XML namespace, for the query protocol. */
  readonly namespace?: string
  readonly operations: Readonly<Record<string, Operation>>
  /**
   * What IAM checks an operation against: an ARN, or `*` for operations without a resource.
   * Undefined: nothing to check.
   */
  getResource(operation: string, call: OperationCall): string | undefined
  /** Further operations that IAM must allow for this one. */
  additionalActions?(operation: string, input: Fields): string[]
}

/**
 * A page of a list, and the marker of the next one. Markers are opaque to callers: here they are
 * positions in base64.
 */
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

/**
 * The last part of an ARN or resource id that AWS makes up: 16 hexadecimal digits in Elastic Load
 * Balancing.
 */
export function randomId(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')
}

/**
 * IAM's answer to a denied action, by the AWS IAM user guide, "Troubleshoot access denied error
 * messages".
 */
export function createAccessDeniedError(
  service: Service,
  principal: string,
  action: string,
  resource: string,
): AwsError {
  const resourceClause = resource === '*' ? '' : ` on resource: ${resource}`
  const message = `User: ${principal} is not authorized to perform: ${action}${resourceClause} because no identity-based policy allows the ${action} action`
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
