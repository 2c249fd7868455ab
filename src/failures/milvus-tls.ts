/** Failures of the protocol between the ALB and Milvus. */
import { ActionError } from './action-error.ts'

/** A Milvus that the ALB would use the wrong protocol for. */
export interface MilvusTlsMode {
  readonly release: string
  /** Where the mode is set: `tlsMode 1 in extraConfigFiles.user.yaml`. */
  readonly source: string
  /** The annotation that selects the protocol of the ALB. */
  readonly annotation: string
}

/** tlsMode 2. */
export function clientCertificatesRequired(milvus: MilvusTlsMode): ActionError {
  const { release, source, annotation } = milvus
  return new ActionError({
    code: 'milvus-tls-mismatch',
    problem: `Milvus of release ${release} serves TLS itself and requires client certificates (${source}), which an ALB cannot present: every call would fail.`,
    remedy: `Set common.security.tlsMode to 1 and add "${annotation}: HTTPS" to input annotations, or set tlsMode to 0. In either case the ALB terminates the TLS of clients.`,
  })
}

/** tlsMode 1, but the ALB uses plaintext. */
export function milvusServesTls(milvus: MilvusTlsMode): ActionError {
  const { release, source, annotation } = milvus
  return new ActionError({
    code: 'milvus-tls-mismatch',
    problem: `Milvus of release ${release} serves TLS itself (${source}), but the ALB would send it plaintext: every call would fail with HTTP 502.`,
    remedy: `Add "${annotation}: HTTPS" to input annotations, or set common.security.tlsMode to 0.`,
  })
}

/**
 * tlsMode 0, but the ALB uses TLS.
 * @param location of the annotation: `in annotations`, `of the Service`
 */
export function milvusServesPlaintext(milvus: MilvusTlsMode, location: string): ActionError {
  const { release, source, annotation } = milvus
  return new ActionError({
    code: 'milvus-tls-mismatch',
    problem: `Milvus of release ${release} serves plaintext (${source}), but the ALB would send it TLS because of ${annotation} ${location}: every call would fail with HTTP 502.`,
    remedy: `Remove ${annotation} there, or set common.security.tlsMode to 1.`,
  })
}
