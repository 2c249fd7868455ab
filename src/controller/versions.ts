/** Versions of the AWS Load Balancer Controller. */

/** Major, minor and patch. */
export type Version = readonly number[]

/** A range of versions: from `since` up to, but not including, `before`. */
export interface VersionRange {
  readonly since?: Version
  readonly before?: Version
}

export const formatVersion = (version: Version): string => `v${version.join('.')}`

/**
 * @param images of the containers
 * @returns undefined for an image by digest, and below v2, which is the version of the chart: every
 *   aws-load-balancer-controller is v2 or later
 */
export function parseControllerVersion(images: readonly string[]): Version | undefined {
  const imagePattern =
    /aws-(?:alb-ingress|load-balancer)-controller[^:]{0,200}:v?(\d+)\.(\d+)\.(\d+)/
  const match = images.map((image) => imagePattern.exec(image)).find((found) => found !== null)
  const version = match?.slice(1).map(Number)
  return version && isOlder(version, [2, 0, 0]) ? undefined : version
}

export function isOlder(version: Version, other: Version): boolean {
  const firstDifference = version.findIndex((part, index) => part !== other[index])
  return firstDifference >= 0 && (version[firstDifference] ?? 0) < (other[firstDifference] ?? 0)
}

export const isInRange = (version: Version, { since, before }: VersionRange): boolean =>
  (since === undefined || !isOlder(version, since)) &&
  (before === undefined || isOlder(version, before))
