/** The operations of step certificate, and the changes that show them to people. Pure. */
import type { X509Certificate } from 'node:crypto'
import type { CertificateMaterial } from '../../x509/certificate.ts'
import type { Change } from '../step.ts'
import { describeCertificate } from './description.ts'

/** Imports a new certificate. Its ARN is known afterwards. */
export interface ImportCertificate {
  readonly action: 'import'
  readonly material: CertificateMaterial
  readonly tags: Readonly<Record<string, string>>
  readonly why: string
}

/** Imports a renewed certificate under an existing ARN. */
export interface ReimportCertificate {
  readonly action: 'reimport'
  readonly arn: string
  readonly previousLeaf: X509Certificate
  readonly material: CertificateMaterial
  /**
   * What a rejection of ACM leads to: a new certificate with these tags where the action chose the
   * ARN, a failure where the inputs name it.
   */
  readonly onRejection:
    | { readonly action: 'import'; readonly tags: Readonly<Record<string, string>> }
    | { readonly action: 'fail' }
  readonly why: string
}

/** Deletes a certificate that this action imported. */
export interface DeleteCertificate {
  readonly action: 'delete'
  readonly arn: string
  /** Undefined when ACM did not return it. */
  readonly leaf: X509Certificate | undefined
  readonly why: string
}

/** The operations of a deployment. */
export type CertificateOperation = ImportCertificate | ReimportCertificate

/** The changes of operations, in order. */
export const toChanges = (
  operations: readonly (CertificateOperation | DeleteCertificate)[],
): Change[] => operations.map(describeOperation)

function describeOperation(operation: CertificateOperation | DeleteCertificate): Change {
  const change = { step: 'certificate', path: 'certificate', why: operation.why } as const
  switch (operation.action) {
    case 'import':
      return { ...change, object: 'ACM', after: describeCertificate(operation.material.leaf) }
    case 'reimport':
      return {
        ...change,
        object: `ACM certificate ${operation.arn}`,
        before: describeCertificate(operation.previousLeaf),
        after: describeCertificate(operation.material.leaf),
      }
    case 'delete':
      return {
        ...change,
        object: `ACM certificate ${operation.arn}`,
        before: operation.leaf ? describeCertificate(operation.leaf) : operation.arn,
      }
  }
}
