/**
 * Verifies Signature Version 4 by signing what came again with the key it names (IAM user guide,
 * "Create a signed AWS API request"). What is wrong is told apart as AWS does, because callers do
 * different things about it.
 */
import { createHash } from 'node:crypto'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import type { AwsCredential, Service } from './service.ts'
import { AwsError } from './service.ts'

/** A request as it came over the wire. */
export interface HttpRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** The credential scope, and what was signed. */
export interface SignatureInfo {
  readonly accessKeyId: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly date: string
  readonly isPresigned: boolean
}

/** Why a request was not let in. */
export type RejectionReason =
  | 'missing'
  | 'incomplete'
  | 'unknown-key'
  | 'expired-session'
  | 'expired-signature'
  | 'future-signature'
  | 'mismatch'

/** Code of the JSON protocols and code of the query protocol, with the message that both send. */
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
    'Authorization header requires existence of Credential, Signature, SignedHeaders and X-Amz-Date.',
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
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  ],
}

/** Thrown by `verify`; `asError` puts it into a service's words. */
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

  /** The error as the service answers it: AWS JSON services say 400, the others 403. */
  toAwsError(service: Pick<Service, 'protocol'>): AwsError {
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

/** `20260102T030405Z`. */
export function formatAmzDate(time: number): string {
  return new Date(time).toISOString().replace(/[-:]|\.\d+/g, '')
}

/** The reverse of `longDate`; NaN when it is none. */
export function parseAmzDate(date: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  return parts ? Date.parse(`${parts.slice(1, 4).join('-')}T${parts.slice(4, 7).join(':')}Z`) : NaN
}

/**
 * What a request says it is signed with, from its Authorization header or its query; undefined when
 * it is not signed.
 */
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

/** SHA-256 as the signer wants it. */
const sha256 = Hash.bind(null, 'sha256')

/** Parts of the query that the signature adds: they are not part of what is signed again. */
const added = new Set([
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
    // Without the session token: where it is sent, it is among the headers or parameters that were
    // signed.
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
    if (!signatureInfo.isPresigned || !added.has(name))
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

/**
 * How long after its date a signature may be used: five minutes in general, more for the presigned
 * URL of an EKS token.
 */
export interface VerifyOptions {
  readonly now: number
  readonly lifetime?: number
}

/** The key that a request names, if it is one of the account's and its session has not ended. */
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

/** Verifies a request against the account's keys. Throws Refused. */
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
