/** Known issues of versions of the AWS Load Balancer Controller, whatever the Ingress asks for. */
import {
  formatVersion,
  isInRange,
  type Version,
  type VersionRange,
} from '../../controller/versions.ts'

interface KnownIssue extends VersionRange {
  readonly severity: 'warning' | 'info'
  readonly text: string
}

/**
 * Sources: the controller's release notes and documentation; its issues 3944 and 3960;
 * load_balancer_synthesizer.go and feature_gates.go.
 */
const knownIssues: readonly KnownIssue[] = [
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
    .filter((issue) => isInRange(version, issue))
    .map(({ severity, text }) => ({
      severity,
      text: `The AWS Load Balancer Controller is ${formatVersion(version)}: ${text}`,
    }))
}
