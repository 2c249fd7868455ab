/** Finds the best way from a certificate to a root, among certificates in any order. Pure. */
import type { X509Certificate } from 'node:crypto'
import { isIssuerOf, isSameAuthority, isSelfSigned } from './issuers.ts'
import { getPublicRoots, isAnchored, isValidAt } from './trust.ts'

/** Where to search. */
export interface ChainSearch {
  readonly candidates: readonly X509Certificate[]
  /** In addition to the public ones. */
  readonly trustedRoots: readonly X509Certificate[]
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** A certification path (RFC 5280), the certificate first, and whether it ends as it should. */
interface RankedPath {
  readonly path: readonly X509Certificate[]
  readonly isValid: boolean
  readonly isTopTrusted: boolean
  readonly isTrusted: boolean
  readonly isTopSelfSigned: boolean
}

/**
 * More paths than any real bundle has. Cross-signing in circles could have exponentially many.
 */
const maxPaths = 500

/**
 * The issuers of a certificate, from its own upwards, as far as the candidates contain them. Of
 * several paths it is one that is valid now, then one that ends in a trusted root, then the
 * shortest, then one that ends in a root.
 */
export function findChain(leaf: X509Certificate, search: ChainSearch): X509Certificate[] {
  const listIssuers = createIssuerLookup(search.candidates)
  const paths = listPaths(leaf, listIssuers)
  const [firstPath = [leaf]] = paths
  if (paths.length === 1 && isPathValid(firstPath, search.now)) return firstPath.slice(1)
  const isUsableRoot = (root: X509Certificate): boolean =>
    root.ca && isSelfSigned(root) && isValidAt(root, search.now)
  const roots = [...search.trustedRoots.filter(isUsableRoot), ...getPublicRoots()]
  const ranked = paths.map((path) => rankPath(path, roots, search.now))
  const beginnings = ranked.flatMap((path) => shortenPath(path, roots, search.now))
  const [best] = [...ranked, ...beginnings].sort(comparePaths)
  return (best?.path ?? firstPath).slice(1)
}

/** Every candidate that signed the certificate, or one of its issuers, on whichever path. */
export function listRelated(
  leaf: X509Certificate,
  candidates: readonly X509Certificate[],
): Set<X509Certificate> {
  const listIssuers = createIssuerLookup(candidates)
  const related = new Set([leaf])
  // A set also iterates over what is added meanwhile.
  for (const certificate of related)
    for (const issuer of listIssuers(certificate)) related.add(issuer)
  return related
}

type IssuerLookup = (certificate: X509Certificate) => readonly X509Certificate[]

/** Remembers the issuers of each certificate: verifying signatures takes time. */
function createIssuerLookup(candidates: readonly X509Certificate[]): IssuerLookup {
  const issuersOf = new Map<X509Certificate, readonly X509Certificate[]>()
  return (certificate) => {
    const found =
      issuersOf.get(certificate) ??
      candidates.filter((candidate) => isIssuerOf(candidate, certificate))
    issuersOf.set(certificate, found)
    return found
  }
}

/** A path ends at a self-signed certificate, and contains no CA twice. */
function listPaths(leaf: X509Certificate, listIssuers: IssuerLookup): X509Certificate[][] {
  const paths: X509Certificate[][] = []
  const extend = (path: X509Certificate[]): void => {
    if (paths.length >= maxPaths) return
    const subject = path.at(-1) ?? leaf
    const issuers = isSelfSigned(subject) ? [] : listIssuers(subject)
    const next = issuers.filter((issuer) => !path.some((other) => isSameAuthority(other, issuer)))
    if (next.length === 0) paths.push(path)
    for (const issuer of next) extend([...path, issuer])
  }
  extend([leaf])
  return paths
}

/** Whether clients accept every certificate by its dates, and every issuer as a CA. */
const isPathValid = ([leaf, ...issuers]: readonly X509Certificate[], now: number): boolean =>
  issuers.every(({ ca }) => ca) &&
  [...(leaf ? [leaf] : []), ...issuers].every((certificate) => isValidAt(certificate, now))

function rankPath(
  path: readonly X509Certificate[],
  roots: readonly X509Certificate[],
  now: number,
): RankedPath {
  const top = path.at(-1)
  const anchored = path.map((certificate) => isAnchored(certificate, roots))
  return {
    path,
    isValid: isPathValid(path, now),
    isTopTrusted: anchored.at(-1) ?? false,
    isTrusted: anchored.includes(true),
    isTopSelfSigned: top !== undefined && isSelfSigned(top),
  }
}

/**
 * The beginnings of a path that is not valid which a trusted root signed: clients need nothing
 * above. ACM requires at least one issuer.
 */
function shortenPath(
  { path, isValid }: RankedPath,
  roots: readonly X509Certificate[],
  now: number,
): RankedPath[] {
  if (isValid) return []
  return path
    .slice(2)
    .map((_, index) => rankPath(path.slice(0, index + 2), roots, now))
    .filter((beginning) => beginning.isValid && beginning.isTopTrusted)
}

/** The better path first. */
function comparePaths(a: RankedPath, b: RankedPath): number {
  return (
    Number(b.isValid) - Number(a.isValid) ||
    Number(b.isTopTrusted) - Number(a.isTopTrusted) ||
    Number(b.isTrusted) - Number(a.isTrusted) ||
    a.path.length - b.path.length ||
    Number(b.isTopSelfSigned) - Number(a.isTopSelfSigned)
  )
}
