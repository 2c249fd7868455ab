/**
 * Finds out what an error of Helm means. Helm has one exit code for all errors, so that only its
 * messages tell. Those of Helm 3.17.3 and 4.1.4 were measured; where they differ, a pattern matches
 * both.
 */
import type { ActionError } from '../../failures/action-error.ts'
import * as chartFailures from '../../failures/chart.ts'
import * as helmFailures from '../../failures/helm.ts'

/** What an error means whose message matches. */
interface FailureRule<Subject> {
  readonly pattern: RegExp
  /** @param captured the first group of the pattern; empty without one */
  readonly toFailure: (subject: Subject, captured: string) => ActionError
}

/** Errors of `helm upgrade`. The first rule that matches applies. */
const upgradeFailureRules: readonly FailureRule<helmFailures.FailedUpgrade>[] = [
  {
    pattern: /another operation \(install\/upgrade\/rollback\) is in progress/,
    toFailure: helmFailures.otherOperationInProgress,
  },
  {
    pattern: /failed calling webhook "([^"]+\.elbv2\.k8s\.aws)"/,
    toFailure: helmFailures.controllerWebhookUnavailable,
  },
  {
    pattern: /failed calling webhook "([^"]+)"/,
    toFailure: helmFailures.otherWebhookUnavailable,
  },
  {
    pattern: /admission webhook "([^"]+)" denied|violates PodSecurity/,
    toFailure: helmFailures.rejectedByPolicy,
  },
  // Before timeouts: a hook that timed out is a failed hook.
  {
    pattern: /(?:pre|post)-(?:upgrade|install|rollback) hooks? failed/,
    toFailure: helmFailures.hookFailed,
  },
  {
    pattern: /exceeded quota/,
    toFailure: helmFailures.quotaExceeded,
  },
  {
    pattern: /is forbidden: User /,
    toFailure: helmFailures.upgradeForbidden,
  },
  {
    pattern: /Unauthorized|asked for the client to provide credentials/,
    toFailure: helmFailures.upgradeUnauthorized,
  },
  {
    pattern: /cluster unreachable/i,
    toFailure: helmFailures.upgradeClusterUnreachable,
  },
  {
    pattern: /conflicts? with "([^"]+)"/,
    toFailure: helmFailures.fieldConflict,
  },
  {
    pattern: /the object has been modified/,
    toFailure: helmFailures.concurrentModification,
  },
  {
    pattern: /invalid ownership metadata|cannot be imported into the current release/,
    toFailure: helmFailures.objectOwnedElsewhere,
  },
  {
    pattern: /Forbidden: updates to statefulset spec|field is immutable/,
    toFailure: helmFailures.immutableField,
  },
  {
    pattern: /no matches for kind "([^"]+)"|resource mapping not found/,
    toFailure: helmFailures.unknownKind,
  },
  {
    pattern: /Too long: must have at most/,
    toFailure: helmFailures.revisionTooLarge,
  },
  {
    pattern: /timed out|deadline exceeded|would exceed context deadline/,
    toFailure: helmFailures.upgradeTimedOut,
  },
  {
    pattern: /missing in charts\/ directory/,
    toFailure: helmFailures.subchartsMissing,
  },
  {
    pattern:
      /don't meet the specifications of the schema|execution error at|error calling |executing "|can't evaluate|YAML parse error|error validating data|unable to decode/,
    toFailure: helmFailures.chartNotRenderable,
  },
]

/** Errors of `helm pull` and `helm repo`. The first rule that matches applies. */
const chartFailureRules: readonly FailureRule<chartFailures.FailedFetch>[] = [
  {
    pattern:
      / : 40[13] |status code 40[13]|basic credential not found|getting credentials|unauthorized|denied/i,
    toFailure: chartFailures.chartCredentialsRejected,
  },
  {
    pattern: /no repositories found|repo \S+ not found/,
    toFailure: chartFailures.chartAliasUnknown,
  },
  {
    pattern: /index\.yaml : 404|error unmarshaling|no API version/,
    toFailure: chartFailures.chartRepositoryNotFound,
  },
  {
    pattern: / not found|not found$|: 404 |improper constraint/,
    toFailure: chartFailures.chartNotFound,
  },
  {
    pattern: /x509:|tls:|server gave HTTP response/,
    toFailure: chartFailures.chartRepositoryUntrusted,
  },
]

/** An answer that another attempt would repeat, whatever else the message says. */
const permanentErrorPattern = /(?:: |status code )40[134]\b|x509:|server gave HTTP response/

/**
 * Too many requests, a server error, or a connection that breaks or is too slow, in the words of Go
 * and of the two registry clients of Helm.
 */
const transientErrorPattern =
  /(?:: |status code )(?:429|50[0234])\b|connection reset|broken pipe|\bEOF\b|timeout|deadline exceeded|server misbehaving|temporary failure in name resolution|stream error|GOAWAY/i

/** Whether another attempt at fetching the chart may succeed. */
export const isTransient = (message: string): boolean =>
  !permanentErrorPattern.test(message) && transientErrorPattern.test(message)

/** The failure of an upgrade, or of its dry run. */
export function upgradeFailure(
  stderr: string,
  exitCode: number | null,
  { release, namespace }: Pick<helmFailures.FailedUpgrade, 'release' | 'namespace'>,
): ActionError {
  const message = extractErrorMessage(stderr) || describeExit(exitCode)
  const failedUpgrade = { release, namespace, message }
  return (
    findFailure(upgradeFailureRules, failedUpgrade) ??
    helmFailures.otherUpgradeFailure(failedUpgrade)
  )
}

/**
 * Why Helm could not fetch a chart; undefined when it could. Helm 3.17 exits with 0 when the update
 * of a repository failed, and both major versions print the reason to standard output only.
 * Measured.
 */
export function extractFetchError(
  exitCode: number | null,
  stdout: string,
  stderr: string,
): string | undefined {
  const [, updateError] =
    /Unable to get an update from the "[^"\n]{1,300}" chart repository \([^)\n]{1,1000}\):\s{1,9}(.+)/.exec(
      stdout,
    ) ?? []
  if (updateError !== undefined) return updateError.trim()
  return exitCode === 0 ? undefined : extractErrorMessage(stderr) || describeExit(exitCode)
}

/**
 * The failure of fetching a chart.
 * @param message what extractFetchError returns
 */
export function chartFailure(
  message: string,
  chart: Omit<chartFailures.FailedFetch, 'message'>,
): ActionError {
  const failedFetch = { ...chart, message }
  return (
    findFailure(chartFailureRules, failedFetch) ??
    chartFailures.chartRepositoryUnreachable(failedFetch)
  )
}

const describeExit = (exitCode: number | null): string =>
  exitCode === null ? 'it was ended by a signal' : `it ended with exit code ${exitCode}`

function findFailure<Subject extends { readonly message: string }>(
  rules: readonly FailureRule<Subject>[],
  subject: Subject,
): ActionError | undefined {
  for (const { pattern, toFailure } of rules) {
    const match = pattern.exec(subject.message)
    if (match) return toFailure(subject, match[1] ?? '')
  }
  return undefined
}

/**
 * The error that Helm printed, on one line: its last "Error:" and all lines after it.
 * @returns the last line when no line starts with "Error:"
 */
export function extractErrorMessage(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const start = lines.findLastIndex((line) => /^Error: /.test(line))
  return lines
    .slice(start)
    .join('; ')
    .replace(/^Error: /, '')
    .replace(/^UPGRADE FAILED: /, '')
}
