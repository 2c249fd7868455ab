/** Imports a new certificate into ACM. */
import type { Acm } from '../../clients/aws/acm.ts'
import type { ImportMaterial } from '../../clients/aws/acm-import.ts'
import { certificateImportFailed } from '../../failures/certificate.ts'
import { throwIfCancelled } from '../../util/polling.ts'
import { backoff } from '../../util/retry.ts'
import { getDnsNames, toPem, type CertificateMaterial } from '../../x509/certificate.ts'
import type { AcmRun } from '../run.ts'
import { listCoveringNames, readCandidates } from './candidates.ts'
import { ownerTagKey } from './owner-tag.ts'
import { matchesMaterial } from './selection.ts'

export const toImportMaterial = ({
  leaf,
  chain,
  privateKey,
}: CertificateMaterial): ImportMaterial => ({
  certificate: toPem([leaf]),
  chain: toPem(chain),
  privateKey,
})

const maxImportAttempts = 4

/**
 * A new import has no idempotency token. When its outcome is unknown, look for the certificate
 * before the next attempt.
 * @returns the ARN
 */
export async function importNewCertificate(
  { context, clients: { acm } }: AcmRun,
  material: CertificateMaterial,
  tags: Readonly<Record<string, string>>,
): Promise<string> {
  let lastReason = ''
  for (let attempt = 0; attempt < maxImportAttempts; attempt += 1) {
    throwIfCancelled(context.signal)
    const result = await acm.importWithoutRetry(toImportMaterial(material), tags)
    if ('arn' in result) return result.arn
    lastReason = result.uncertainReason
    await context.clock.sleep(backoff(attempt, { base: 500 }), context.signal)
    const importedArn = await findImportedArn(acm, material, tags[ownerTagKey])
    if (importedArn !== undefined) return importedArn
  }
  throw certificateImportFailed(maxImportAttempts, lastReason)
}

async function findImportedArn(
  acm: Acm,
  material: CertificateMaterial,
  ownerTag: string | undefined,
): Promise<string | undefined> {
  const [host = ''] = getDnsNames(material.leaf)
  const listings = await acm.list(listCoveringNames(host))
  const candidates = await readCandidates(acm, listings, host, [])
  const imported = candidates.find(
    (candidate) => candidate.ownerTag === ownerTag && matchesMaterial(candidate, material),
  )
  return imported?.arn
}
