/** Translates errors of AWS and its SDK into errors that a person can act on. */
import { undefinedIfDenied } from '../../failures/optional-read.ts'
import { getErrorMessage } from '../../util/text.ts'
import { ActionError } from '../../failures/action-error.ts'
import {
  awsAccessDenied,
  awsCredentialsExpired,
  awsCredentialsMissing,
  awsCredentialsRejected,
  awsCredentialsUnsendable,
  awsDeniedByOrganization,
  awsDeniedByOtherPolicy,
  awsRequestFailed,
  awsThrottled,
  runnerClockWrong,
  type FailedAwsCall,
} from '../../failures/aws.ts'

/** Which failure an error of AWS is. */
export interface AwsErrorRule {
  readonly namePattern: RegExp
  /** For names that several services or causes share. */
  readonly messagePattern?: RegExp
  readonly createFailure: (call: FailedAwsCall) => ActionError
}

/** Of Node, before it sends anything. Only credentials in headers come from the user. */
const unsendableHeader = /^Invalid character in header content/

const accessDeniedNames = /^(AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized)$/

/**
 * The first match wins. Names differ between JSON and query services: ExpiredTokenException,
 * ExpiredToken.
 */
const errorRules: readonly AwsErrorRule[] = [
  {
    namePattern: /^TypeError$/,
    messagePattern: unsendableHeader,
    createFailure: awsCredentialsUnsendable,
  },
  {
    namePattern: /^CredentialsProviderError$/,
    createFailure: awsCredentialsMissing,
  },
  {
    namePattern: /^(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired)$/,
    createFailure: awsCredentialsExpired,
  },
  {
    // "Signature expired: 20260102T030405Z is now earlier than ...". The SDK corrects for the
    // difference between the clocks, and fails only when that does not help.
    namePattern:
      /^(InvalidSignatureException|SignatureDoesNotMatch|RequestTimeTooSkewed|RequestInTheFuture)$/,
    messagePattern: /expired|not yet current|too large|skew|future/i,
    createFailure: runnerClockWrong,
  },
  {
    namePattern:
      /^(InvalidClientTokenId|UnrecognizedClientException|InvalidSignatureException|SignatureDoesNotMatch|IncompleteSignature)$/,
    createFailure: awsCredentialsRejected,
  },
  {
    // Source: IAM user guide, Troubleshoot access denied error messages.
    namePattern: accessDeniedNames,
    messagePattern: /(service|resource) control policy/i,
    createFailure: awsDeniedByOrganization,
  },
  {
    namePattern: accessDeniedNames,
    messagePattern: /permissions boundary|session policy|VPC endpoint policy/i,
    createFailure: awsDeniedByOtherPolicy,
  },
  {
    namePattern: accessDeniedNames,
    createFailure: awsAccessDenied,
  },
  {
    namePattern:
      /^(Throttling(Exception)?|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled(Exception)?)$/,
    createFailure: awsThrottled,
  },
]

/**
 * @param operation the call, as IAM names it: `acm:ImportCertificate`
 * @param thrown by the SDK
 * @param operationRules rules of this operation, which come before those of all operations
 */
export function translateAwsError(
  operation: string,
  thrown: unknown,
  operationRules: readonly AwsErrorRule[] = [],
): ActionError {
  if (thrown instanceof ActionError) return thrown
  if (isForeignResponse(thrown))
    return awsRequestFailed({ operation, message: describeForeignResponse(thrown), cause: thrown })
  const name = errorName(thrown)
  const message = getErrorMessage(thrown).replace(sdkDebugHint, '').trimEnd() || name
  const rule = findErrorRule([...operationRules, ...errorRules], thrown, message)
  if (rule) return rule.createFailure({ operation, message, cause: thrown })
  const isNameInformative = name !== message && name !== 'Error'
  return awsRequestFailed({
    operation,
    message: isNameInformative ? `${name}: ${message}` : message,
    cause: thrown,
  })
}

/**
 * The result of a read; undefined when IAM denies it.
 * @throws ActionError those of `translateAwsError`, except `aws-access-denied`
 */
export async function undefinedIfAwsDenies<T>(
  operation: string,
  read: () => Promise<T>,
): Promise<T | undefined> {
  const translated = read().catch((thrown: unknown) => {
    throw translateAwsError(operation, thrown)
  })
  return undefinedIfDenied(translated)
}

/** The first rule whose patterns match an error. */
const findErrorRule = (
  rules: readonly AwsErrorRule[],
  thrown: unknown,
  message: string,
): AwsErrorRule | undefined =>
  rules.find(
    ({ namePattern, messagePattern }) =>
      namePattern.test(errorName(thrown)) && (messagePattern?.test(message) ?? true),
  )

/** What the SDK appends to parse errors. */
const sdkDebugHint = /Deserialization error: to see the raw response.*$/s

const getHttpStatus = (thrown: unknown): number | undefined =>
  (thrown as { $response?: { statusCode?: number } }).$response?.statusCode

/**
 * Whether the response was not one of AWS: a proxy's page, for example. The SDK fails to parse it,
 * and the HTTP status says more than the parser's message.
 */
function isForeignResponse(thrown: unknown): boolean {
  const name = errorName(thrown)
  if (name === 'SyntaxError') return getHttpStatus(thrown) !== undefined
  if (unsendableHeader.test(getErrorMessage(thrown))) return false
  return name === 'TypeError' || name === 'RangeError'
}

function describeForeignResponse(thrown: unknown): string {
  const status = getHttpStatus(thrown)
  const statusNote = status === undefined ? '' : ` (HTTP status ${status})`
  return `the response did not come from AWS${statusNote}`
}

/** The name by which AWS calls an error: `ResourceNotFoundException`. */
export const errorName = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.name : String(thrown)
