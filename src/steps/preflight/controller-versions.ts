/** Known issues of versions of the AWS Load Balancer Controller. */

/** Major, minor and patch. */
export type Version = readonly number[]

/** An issue of the versions from `since` up to, but not including, `before`. */
interface KnownIssue {
  readonly since?: Version
  readonly before?: Version
  readonly severity: 'warning' | 'info'
  readonly text: string
}

/**
 * Sources: the controller's release notes and documentation; its issues 3944 and 3960;
 * load_balancer_synthesizer.go and feature_gates.go.
 */
const knownIssues: readonly KnownIssue[] = [
  {
    before: [2, 1, 0],
    severity: 'warning',
    text:
      'v2.0 does not support gRPC target groups (backend-protocol-version came with v2.1.0). ' +
      'Update the controller first.',
  },
  {
    since: [2, 1, 0],
    before: [2, 7, 0],
    severity: 'warning',
    text:
      'before v2.7 it registers no target at all when it cannot find the network interface of ' +
      'one pod. If the probe finds no targets, update the controller.',
  },
  {
    since: [2, 9, 0],
    severity: 'info',
    text:
      'since v2.9 its own role needs elasticloadbalancing:DescribeListenerAttributes, which ' +
      'policies for earlier versions do not contain.',
  },
  {
    since: [2, 11, 0],
    severity: 'info',
    text: 'since v2.11 it checks a provisioning ALB only every 2 minutes, without reporting.',
  },
]

/** The issues of one version, as sentences. */
export function describeKnownIssues(
  version: Version,
): { readonly severity: 'warning' | 'info'; readonly text: string }[] {
  return knownIssues
    .filter((issue) => isAffected(version, issue))
    .map(({ severity, text }) => ({
      severity,
      text: `The AWS Load Balancer Controller is v${version.join('.')}: ${text}`,
    }))
}

const isAffected = (version: Version, { since, before }: KnownIssue): boolean =>
  (since === undefined || !isOlder(version, since)) &&
  (before === undefined || isOlder(version, before))

/**
 * @param images of the containers
 * @returns undefined for an image by digest
 */
export function parseControllerVersion(images: readonly string[]): Version | undefined {
  const imagePattern =
    /aws-(?:alb-ingress|load-balancer)-controller[^:]{0,200}:v?(\d+)\.(\d+)\.(\d+)/
  const match = images.map((image) => imagePattern.exec(image)).find((found) => found !== null)
  return match?.slice(1).map(Number)
}

function isOlder(version: Version, other: Version): boolean {
  const firstDifference = version.findIndex((part, index) => part !== other[index])
  return firstDifference >= 0 && (version[firstDifference] ?? 0) < (other[firstDifference] ?? 0)
}
