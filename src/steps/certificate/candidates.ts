/** Reads the certificates in ACM among which the step selects. */
import type { Acm, CertificateListing, CertificatePem } from '../../clients/aws/acm.ts'
import { ActionError } from '../../failures/action-error.ts'
import { parseCertificates } from '../../x509/parse.ts'
import { ownerTagKey } from './owner-tag.ts'
import type { Candidate } from './selection.ts'

/** The DNS names of certificates that cover a host: its own and its wildcard. */
export const listCoveringNames = (host: string): string[] => [host, host.replace(/^[^.]+/, '*')]

/**
 * Reads the imported certificates that cover the host, and those of `extraArns`. Other certificates
 * of the account are not read, because each takes two calls. One that ACM has not issued is no
 * candidate.
 */
export async function readCandidates(
  acm: Acm,
  listings: readonly CertificateListing[],
  host: string,
  extraArns: readonly (string | undefined)[],
): Promise<Candidate[]> {
  const coveringNames = listCoveringNames(host)
  const mayCoverHost = ({ domainNames, hasMoreNames }: CertificateListing): boolean =>
    hasMoreNames || domainNames.some((name) => coveringNames.includes(name.toLowerCase()))
  const relevant = listings.filter(
    (listing) => extraArns.includes(listing.arn) || (listing.isImported && mayCoverHost(listing)),
  )
  const candidates = await Promise.all(relevant.map((listing) => readCandidate(acm, listing)))
  return candidates.filter((candidate) => candidate !== undefined)
}

async function readCandidate(
  acm: Acm,
  { arn, isImported }: CertificateListing,
): Promise<Candidate | undefined> {
  const [pem, tags] = await Promise.all([getIfIssued(acm, arn), acm.getTags(arn)])
  const [leaf] = parseCertificates(pem?.certificate ?? '')
  if (!leaf) return undefined
  const chain = parseCertificates(pem?.chain ?? '')
  return { arn, isImported, leaf, chain, ownerTag: tags.get(ownerTagKey) }
}

async function getIfIssued(acm: Acm, arn: string): Promise<CertificatePem | undefined> {
  try {
    return await acm.get(arn)
  } catch (thrown) {
    if (thrown instanceof ActionError && thrown.code === 'certificate-not-issued') return undefined
    throw thrown
  }
}
