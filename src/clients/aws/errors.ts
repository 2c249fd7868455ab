/** What AWS and the SDK throw, as errors that a person can act on. */
import { getErrorMessage } from '../../util/text.ts'
import { ActionError } from '../../failures/action-error.ts'
import { type FailureCode } from '../../failures/codes.ts'

interface ErrorRule {
  readonly namePattern: RegExp
  /** What the message has to say as well, where one name means several things. */
  readonly messagePattern?: RegExp
  readonly code: FailureCode
  problem(operation: string, message: string): string
  readonly remedy: string
}

/**
 * In the order in which they are tried. Names differ between JSON and query services
 * (ExpiredTokenException, ExpiredToken).
 */
const errorRules: readonly ErrorRule[] = [
  {
    namePattern: /^CredentialsProviderError$/,
    code: 'aws-credentials-missing',
    problem: (_operation, message) => `No AWS credentials were found: ${message}`,
    remedy:
      'Run aws-actions/configure-aws-credentials before this step, and give the job "permissions: id-token: write" when it uses OIDC.',
  },
  {
    namePattern: /^(ExpiredToken(Exception)?|RequestExpired|TokenRefreshRequired)$/,
    code: 'aws-credentials-expired',
    problem: (_operation, message) => `The AWS credentials have ended: ${message}`,
    remedy:
      'Let aws-actions/configure-aws-credentials run again before this step, with a role-duration-seconds that outlasts the job.',
  },
  {
    // "Signature expired: 20260102T030405Z is now earlier than ..."; the SDK corrects itself by
    // AWS' clock, and gives up only when that does not help.
    namePattern:
      /^(InvalidSignatureException|SignatureDoesNotMatch|RequestTimeTooSkewed|RequestInTheFuture)$/,
    messagePattern: /expired|not yet current|too large|skew|future/i,
    code: 'aws-credentials-refused',
    problem: (operation, message) =>
      `The runner's clock is wrong (it is ${new Date().toISOString()} there), so that AWS takes no signature for ${operation}: ${message}`,
    remedy:
      'Set the clock of the runner ("timedatectl set-ntp true"), or run the job on another one.',
  },
  {
    namePattern:
      /^(InvalidClientTokenId|UnrecognizedClientException|InvalidSignatureException|SignatureDoesNotMatch|IncompleteSignature)$/,
    code: 'aws-credentials-refused',
    problem: (operation, message) =>
      `AWS does not accept the credentials for ${operation}: ${message}`,
    remedy:
      "Check that the access key exists and its secret is right, that the region is enabled in the account, and the runner's clock.",
  },
  {
    // Source: IAM user guide, Troubleshoot access denied error messages.
    namePattern: /^(AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized)$/,
    messagePattern: /(service|resource) control policy/i,
    code: 'aws-access-denied',
    problem: (operation, message) =>
      `A policy of the AWS organization forbids ${operation}: ${message}`,
    remedy:
      'When it demands tags on what is made, give them as input tags; else have whoever keeps the service control policies of the organization allow it: no policy of the role can.',
  },
  {
    namePattern: /^(AccessDenied(Exception)?|UnauthorizedOperation|NotAuthorized)$/,
    code: 'aws-access-denied',
    problem: (operation, message) => `AWS refused ${operation}: ${message}`,
    remedy: "Add the permission to the role's policy; docs/permissions.md has the whole policy.",
  },
  {
    namePattern:
      /^(Throttling(Exception)?|ThrottledException|TooManyRequestsException|RequestLimitExceeded|RequestThrottled(Exception)?)$/,
    code: 'aws-request-failed',
    problem: (operation, message) =>
      `AWS throttles ${operation}, after several attempts too: ${message}`,
    remedy:
      'Run the job again in some minutes; when it stays, see what else in this account and region calls that API so often.',
  },
]

/** What the SDK adds to what it cannot read. */
const sdkDebugHint = /Deserialization error: to see the raw response.*$/s

/**
 * @param operation the call in IAM's words: `acm:ImportCertificate`
 * @param thrown what the SDK threw
 */
export function translateAwsError(operation: string, thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown
  const name = errorName(thrown)
  // An answer that is not the service's (a proxy's page) has no error of AWS in it: its status says
  // more than the parser.
  const httpStatus = (thrown as { $response?: { statusCode?: number } }).$response?.statusCode
  const isNonAwsResponse =
    (name === 'SyntaxError' && httpStatus !== undefined) ||
    name === 'TypeError' ||
    name === 'RangeError'
  const message = isNonAwsResponse
    ? `an answer that is not AWS'${httpStatus === undefined ? '' : `, with HTTP status ${httpStatus}`}`
    : getErrorMessage(thrown).replace(sdkDebugHint, '').trimEnd() || name
  const rule = errorRules.find(
    ({ namePattern, messagePattern }) =>
      namePattern.test(name) && (messagePattern?.test(message) ?? true),
  )
  if (rule)
    return new ActionError({
      code: rule.code,
      problem: rule.problem(operation, message),
      remedy: rule.remedy,
      cause: thrown,
    })
  return new ActionError({
    code: 'aws-request-failed',
    problem: `AWS did not answer ${operation} as it should: ${name === message || name === 'Error' || isNonAwsResponse ? '' : `${name}: `}${message}`,
    remedy:
      "Run the job again; when it stays, check the region, the runner's network and proxy, and the AWS health dashboard.",
    cause: thrown,
  })
}

/** The name by which AWS calls an error: `ResourceNotFoundException`. */
export const errorName = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.name : String(thrown)
