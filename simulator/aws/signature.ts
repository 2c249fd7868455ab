/**
 * Verifies Signature Version 4: it signs the request again with the key that it names (IAM user
 * guide, "Create a signed AWS API request"). The errors are those of AWS, because callers handle
 * them differently.
 */
import { createHash } from 'node:crypto'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { AwsError, type AwsCredential, type AwsService } from './service.ts'

/** A received request. */
export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The credential scope and signature of a request. */
export interface SignatureInfo {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly isPresigned: boolean
}

/** Why a request was rejected. */
export type RejectionReason =
  | 'missing'
  | 'incomplete'
  | 'unknown-key'
  | 'expired-session'
  | 'expired-signature'
  | 'future-signature'
  | 'mismatch'

/** The error codes of the JSON protocols and of the query protocol, with their common message. */
const rejectionErrors: Readonly<
  Record<RejectionReason, readonly [json: string, query: string, message: string]>
> = {
  missing: [
    'MissingAuthenticationTokenException',
    'MissingAuthenticationToken',
    'Request is missing Authentication Token',
  ],
  incomplete: [
    'IncompleteSignatureException',
    'IncompleteSignature',
    'Authorization header requires existence of ' +
      'Credential, Signature, SignedHeaders and X-Amz-Date.',
  ],
  'unknown-key': [
    'UnrecognizedClientException',
    'InvalidClientTokenId',
    'The security token included in the request is invalid.',
  ],
  'expired-session': [
    'ExpiredTokenException',
    'ExpiredToken',
    'The security token included in the request is expired',
  ],
  'expired-signature': [
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'Signature expired: {date} is now earlier than {limit} ({now} - 5 min.)',
  ],
  'future-signature': [
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'Signature not yet current: {date} is still later than {limit} ({now} + 5 min.)',
  ],
  mismatch: [
    'InvalidSignatureException',
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. ' +
      'Check your AWS Secret Access Key and signing method. ' +
      'Consult the service documentation for details.',
  ],
}

/** Thrown by verifySignature. */
export class SignatureError extends Error {
  readonly reason: RejectionReason
  readonly date: string
  readonly now: number
  constructor(reason: RejectionReason, date = '', now = 0) {
    super(reason)
    this.reason = reason
    this.date = date
    this.now = now
  }

  /** The error response of a service: status 400 for AWS JSON, 403 for all others. */
  toAwsError(service: Pick<AwsService, 'protocol'>): AwsError {
    const [json, query, message] = rejectionErrors[this.reason]
    const limit = this.now + (this.reason === 'future-signature' ? maxClockSkew : -maxClockSkew)
    const values: Record<string, string> = {
      date: this.date,
      now: formatAmzDate(this.now),
      limit: formatAmzDate(limit),
    }
    return new AwsError(
      service.protocol === 'query' ? query : json,
      message.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? ''),
      service.protocol === 'json' ? 400 : 403,
    )
  }
}

const maxClockSkew = 5 * 60_000

/** Formats a time like `20260102T030405Z`. */
export function formatAmzDate(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
}

/** Parses the result of formatAmzDate; NaN for any other text. */
export function parseAmzDate(date: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  return parts ? Date.parse(`${parts.slice(1, 4).join('-')}T${parts.slice(4, 7).join(':')}Z`) : NaN
}

/** The signature in the Authorization header or the query; undefined for an unsigned request. */
export function parseSignatureInfo(
  request: Pick<HttpRequest, 'headers' | 'query'>,
): SignatureInfo | undefined {
  const isPresigned = request.query.has('X-Amz-Signature')
  const header = request.headers['authorization']
  const fields = isPresigned
    ? new Map([...request.query].map(([name, value]) => [name.replace(/^X-Amz-/, ''), value]))
    : new Map(
        (header ?? '')
          .replace(/^AWS4-HMAC-SHA256 /, '')
          .split(/, */)
          .map((field) => [field.replace(/=.*/, ''), field.replace(/^[^=]*=/, '')]),
      )
  if (!isPresigned && !header?.startsWith('AWS4-HMAC-SHA256 ')) return undefined
  const [accessKeyId = '', , region = '', service = ''] = (fields.get('Credential') ?? '').split(
    '/',
  )
  return {
    accessKeyId,
    region,
    service,
    isPresigned,
    signedHeaders: (fields.get('SignedHeaders') ?? '').split(';'),
    signature: fields.get('Signature') ?? '',
    date: (isPresigned ? fields.get('Date') : request.headers['x-amz-date']) ?? '',
  }
}

/** SHA-256 with the interface of the signer. */
const sha256 = Hash.bind(null, 'sha256')

/** The query parameters of a presigned URL that are added by signing. */
const signatureParameters = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-SignedHeaders',
  'X-Amz-Signature',
])

async function expectedSignature(
  request: HttpRequest,
  signatureInfo: SignatureInfo,
  credential: AwsCredential,
): Promise<string> {
  const { accessKeyId, secretAccessKey } = credential
  const signer = new SignatureV4({
    // The session token is already among the signed headers or parameters.
    credentials: { accessKeyId, secretAccessKey },
    region: signatureInfo.region,
    service: signatureInfo.service,
    sha256,
    applyChecksum: false,
  })
  const names = new Set(signatureInfo.signedHeaders)
  const query: Record<string, string | string[]> = {}
  for (const name of new Set(request.query.keys())) {
    const values = request.query.getAll(name)
    if (!signatureInfo.isPresigned || !signatureParameters.has(name))
      query[name] = values.length === 1 ? (values[0] ?? '') : values
  }
  const requestToSign = {
    method: request.method,
    protocol: 'https:',
    hostname: request.headers['host'] ?? '',
    path: request.path,
    query,
    headers: Object.fromEntries(
      signatureInfo.signedHeaders.map((name) => [name, request.headers[name] ?? '']),
    ),
    body: request.body.length > 0 ? request.body : undefined,
  }
  const options = {
    signingDate: new Date(parseAmzDate(signatureInfo.date)),
    signableHeaders: names,
  }
  if (!signatureInfo.isPresigned)
    return (
      parseSignatureInfo({
        headers: (await signer.sign(requestToSign, options)).headers,
        query: new URLSearchParams(),
      })?.signature ?? ''
    )
  const expiresIn = Number(request.query.get('X-Amz-Expires'))
  const presigned = await signer.presign(requestToSign, {
    ...options,
    expiresIn,
    unhoistableHeaders: names,
  })
  return String(presigned.query?.['X-Amz-Signature'])
}

/** Options of verifySignature, in milliseconds. */
export interface VerifyOptions {
  readonly now: number
  /** From the date of the signature; five minutes when absent. EKS tokens live longer. */
  readonly lifetime?: number
}

/** @throws SignatureError when the key does not exist or its session is expired */
function findCredential(
  request: HttpRequest,
  signatureInfo: SignatureInfo,
  credentials: readonly AwsCredential[],
  now: number,
): AwsCredential {
  const credential = credentials.find(
    (candidate) => candidate.accessKeyId === signatureInfo.accessKeyId,
  )
  const token =
    (signatureInfo.isPresigned
      ? request.query.get('X-Amz-Security-Token')
      : request.headers['x-amz-security-token']) ?? undefined
  if (!credential || token !== credential.sessionToken) throw new SignatureError('unknown-key')
  if (credential.expiresAt && credential.expiresAt.getTime() <= now)
    throw new SignatureError('expired-session')
  return credential
}

/**
 * Verifies a request against the keys of the account.
 * @throws SignatureError
 */
export async function verifySignature(
  request: HttpRequest,
  credentials: readonly AwsCredential[],
  options: VerifyOptions,
): Promise<{ credential: AwsCredential; signatureInfo: SignatureInfo }> {
  const signatureInfo = parseSignatureInfo(request)
  if (!signatureInfo) throw new SignatureError('missing')
  const signedAt = parseAmzDate(signatureInfo.date)
  if (signatureInfo.signature === '' || signatureInfo.accessKeyId === '' || Number.isNaN(signedAt))
    throw new SignatureError('incomplete')
  const credential = findCredential(request, signatureInfo, credentials, options.now)
  if (signedAt + (options.lifetime ?? maxClockSkew) < options.now)
    throw new SignatureError('expired-signature', signatureInfo.date, options.now)
  if (signedAt - maxClockSkew > options.now)
    throw new SignatureError('future-signature', signatureInfo.date, options.now)
  const hash = request.headers['x-amz-content-sha256']
  const isBodyHashValid =
    hash === undefined ||
    hash === 'UNSIGNED-PAYLOAD' ||
    hash === createHash('sha256').update(request.body).digest('hex')
  if (
    !isBodyHashValid ||
    (await expectedSignature(request, signatureInfo, credential)) !== signatureInfo.signature
  )
    throw new SignatureError('mismatch')
  return { credential, signatureInfo }
}
