/** The request of an import into ACM, and what its errors mean. */
import type { ImportCertificateCommandInput } from '@aws-sdk/client-acm'
import { ActionError } from '../../failures/action-error.ts'
import {
  acmCertificateQuotaExceeded,
  acmCertificateRejected,
  acmImportQuotaExceeded,
  acmTagsRejected,
} from '../../failures/certificate.ts'
import { isThrottled } from './call-pacer.ts'
import { errorName, translateAwsError, type AwsErrorRule } from './errors.ts'

/** PEM texts for an import. `chain` may be empty. */
export interface ImportMaterial {
  readonly certificate: string
  readonly chain: string
  readonly privateKey: string
}

export function buildImportInput(material: ImportMaterial): ImportCertificateCommandInput {
  const encoder = new TextEncoder()
  const input = {
    Certificate: encoder.encode(material.certificate),
    PrivateKey: encoder.encode(material.privateKey),
  }
  if (material.chain === '') return input
  return { ...input, CertificateChain: encoder.encode(material.chain) }
}

/** ACM is still working on an earlier import. Source: ACM API reference, ConflictException. */
export const isImportInProgress = (thrown: unknown): boolean =>
  /^(Conflict|RequestInProgress)Exception$/.test(errorName(thrown))

/**
 * Whether an import that failed may have reached ACM, or may succeed later. A 4xx is a definite
 * rejection, unless another import is under way; after a 5xx, a truncated response or a broken
 * connection the outcome is unknown.
 */
export function mayHaveSucceeded(thrown: unknown): boolean {
  // Without credentials, nothing was sent.
  if (thrown instanceof ActionError) return false
  if (isThrottled(thrown)) return false
  if (isImportInProgress(thrown)) return true
  const { $metadata: metadata } = thrown as { $metadata?: { httpStatusCode?: number } }
  const status = metadata?.httpStatusCode
  const isClientError = status !== undefined && status >= 400 && status < 500
  return !isClientError
}

/** Rejections of an import, by name, and by message where one name has several causes. */
const importErrorRules: readonly AwsErrorRule[] = [
  {
    // "Error: you have reached your limit of 20 certificates in the last year."
    // Source: aws/aws-cdk #5889. AWS does not document whether a re-import counts.
    namePattern: /^LimitExceededException$/,
    messagePattern: /last year|year|365/i,
    createFailure: acmImportQuotaExceeded,
  },
  {
    namePattern: /^LimitExceededException$/,
    createFailure: acmCertificateQuotaExceeded,
  },
  {
    namePattern: /^(TagPolicyException|InvalidTagException|TooManyTagsException)$/,
    createFailure: acmTagsRejected,
  },
  {
    namePattern: /^(ValidationException|InvalidParameterException)$/,
    createFailure: acmCertificateRejected,
  },
]

export const translateImportError = (thrown: unknown): ActionError =>
  translateAwsError('acm:ImportCertificate', thrown, importErrorRules)
