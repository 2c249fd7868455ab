/**
 * AWS Security Token Service: the identity of callers, which needs no permission (STS API
 * reference, GetCallerIdentity), and EKS tokens.
 */
import type { AwsCredential, AwsService } from './service.ts'
import { parseSignatureInfo, parseAmzDate, verifySignature, type HttpRequest } from './signature.ts'

/** The answer of GetCallerIdentity. */
export interface CallerIdentity {
  readonly arn: string
  readonly account: string
  readonly userId: string
}

/** The answer of GetCallerIdentity for a principal. */
export function toCallerIdentity(principalArn: string): CallerIdentity {
  const [, , , , account = '', resource = ''] = principalArn.split(':')
  return { arn: principalArn, account, userId: resource === 'root' ? account : userIdOf(resource) }
}

/** The id is derived from the name, so that it is stable. */
function userIdOf(resource: string): string {
  const [kind = '', name = '', session] = resource.split('/')
  const uniqueId = Buffer.from(`${kind}/${name}`)
    .toString('hex')
    .toUpperCase()
    .padEnd(16, '0')
    .slice(-16)
  return session === undefined ? `AIDA${uniqueId}` : `AROA${uniqueId}:${session}`
}

/** AWS Security Token Service. */
export const sts: AwsService = {
  logName: 'sts',
  name: 'sts',
  protocol: 'query',
  namespace: 'https://sts.amazonaws.com/doc/2011-06-15/',
  getResource: () => undefined,
  operations: {
    GetCallerIdentity: ({ principal }) => {
      const { arn, account, userId } = toCallerIdentity(principal)
      return { Arn: arn, UserId: userId, Account: account }
    },
  },
}

/** The account's data for the verification of EKS tokens. */
export interface TokenVerifier {
  readonly credentials: readonly AwsCredential[]
  /** Milliseconds from X-Amz-Date until a token expires. */
  readonly tokenLifetime: number
  now(): number
}

/** aws-iam-authenticator, pkg/token/token.go: parameterWhitelist. */
const allowedParameters = new Set([
  'action',
  'version',
  'x-amz-algorithm',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
])
const stsHostPattern = /^sts(-fips)?(\.[a-z]{2}(-[a-z]+)+-\d)?\.(amazonaws\.com(\.cn)?|api\.aws)$/
const maxTokenLength = 4096

/** Why aws-iam-authenticator rejects a URL as "input token was not properly formatted". */
function findFormatProblem(url: URL): string | undefined {
  const names = [...url.searchParams.keys()].map((name) => name.toLowerCase())
  const expires = Number(url.searchParams.get('X-Amz-Expires'))
  const checks: readonly (readonly [boolean, string])[] = [
    [url.protocol !== 'https:', `unexpected scheme ${url.protocol} in pre-signed URL`],
    [!stsHostPattern.test(url.host), `unexpected hostname ${url.host} in pre-signed URL`],
    [url.pathname !== '/', 'unexpected path in pre-signed URL'],
    [
      names.some((name) => !allowedParameters.has(name)),
      `non-whitelisted query parameter in pre-signed URL`,
    ],
    [new Set(names).size !== names.length, 'query parameter with multiple values not supported'],
    [
      url.searchParams.get('Action') !== 'GetCallerIdentity',
      'unexpected action parameter in pre-signed URL',
    ],
    [
      !(expires >= 0 && expires <= 900),
      `invalid X-Amz-Expires parameter in pre-signed URL: ${expires}`,
    ],
    [
      Number.isNaN(parseAmzDate(url.searchParams.get('X-Amz-Date') ?? '')),
      'error parsing X-Amz-Date parameter',
    ],
  ]
  return checks.find(([isViolated]) => isViolated)?.[1]
}

/**
 * Verifies a presigned GetCallerIdentity as aws-iam-authenticator does (pkg/token/token.go,
 * Verify): it checks the URL, adds its own headers, and calls STS. X-Amz-Expires is validated and
 * otherwise ignored: the lifetime starts at X-Amz-Date.
 * @param headers headers that the verifier adds; for EKS `x-k8s-aws-id`, whose signature binds the
 *   token to the cluster
 * @throws Error with the reason
 */
export async function verifyPresignedUrl(
  verifier: TokenVerifier,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<CallerIdentity> {
  const problem = findFormatProblem(url)
  if (problem !== undefined) throw new Error(`input token was not properly formatted: ${problem}`)
  const request: HttpRequest = {
    method: 'GET',
    path: '/',
    query: url.searchParams,
    body: Buffer.alloc(0),
    headers: { ...headers, host: url.host },
  }
  const signatureInfo = parseSignatureInfo(request)
  const unsignedHeaders = [...Object.keys(headers), 'host'].filter(
    (name) => !signatureInfo?.signedHeaders.includes(name),
  )
  if (unsignedHeaders.length > 0)
    throw new Error(
      `client did not sign the ${unsignedHeaders.join(', ')} header in the pre-signed URL`,
    )
  const {
    credential,
    signatureInfo: { service },
  } = await verifySignature(request, verifier.credentials, {
    now: verifier.now(),
    lifetime: verifier.tokenLifetime,
  })
  if (service !== 'sts') throw new Error("Credential should be scoped to correct service: 'sts'.")
  return toCallerIdentity(credential.principalArn)
}

/**
 * Verifies an EKS bearer token.
 * @throws Error with the reason
 */
export async function verifyEksToken(
  verifier: TokenVerifier,
  token: string,
  clusterName: string,
): Promise<CallerIdentity> {
  if (token.length > maxTokenLength) throw new Error('token is too large')
  if (!token.startsWith('k8s-aws-v1.'))
    throw new Error('token is missing expected "k8s-aws-v1." prefix')
  const encoded = token.slice('k8s-aws-v1.'.length)
  // Go's RawURLEncoding accepts neither padding nor the standard alphabet.
  if (!/^[\w-]+$/.test(encoded))
    throw new Error('input token was not properly formatted: illegal base64 data')
  const url = URL.parse(Buffer.from(encoded, 'base64url').toString())
  if (!url) throw new Error('input token was not properly formatted: no URL')
  return verifyPresignedUrl(verifier, url, { 'x-k8s-aws-id': clusterName })
}

/**
 * The ARN in access entries: for a session, that of its role (EKS user guide, "Access entries").
 */
export function toCanonicalArn(arn: string): string {
  return arn.replace(/^arn:([^:]+):sts::(\d+):assumed-role\/([^/]+)\/.*$/, 'arn:$1:iam::$2:role/$3')
}
