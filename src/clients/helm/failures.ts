/**
 * What helm's errors mean, and what to do about them. helm has one exit code for everything: its
 * words are all there is. Those of 3.17.3 and 4.1.4 were measured; where they differ, a pattern
 * takes both.
 */
import { ActionError } from '../../failures/action-error.ts'
import { type FailureCode } from '../../failures/codes.ts'
import type { ChartReference } from './chart-reference.ts'

type FailureRule<Subject> = readonly [
  pattern: RegExp,
  code: FailureCode,
  remedy: (subject: Subject, captured: string) => string,
]

/** The release that was to be upgraded. */
interface ReleaseIdentity {
  readonly release: string
  readonly namespace: string
}

/** The chart that was to be fetched. */
interface RequestedChart {
  readonly kind: ChartReference['kind']
  /** As the input names it. */
  readonly name: string
  readonly version: string
  /** The repository or registry. */
  readonly source: string
  readonly hasCredentials: boolean
}

/** Of `helm upgrade`. The first that matches counts. */
const upgradeFailureRules: readonly FailureRule<ReleaseIdentity>[] = [
  [
    /another operation \(install\/upgrade\/rollback\) is in progress/,
    'release-pending',
    ({ release, namespace }) =>
      `Another helm has begun since this run looked: wait until "helm status ${release} -n ${namespace}" no longer says pending, then run the job again.`,
  ],
  [
    /failed calling webhook "([^"]+\.elbv2\.k8s\.aws)"/,
    'controller-webhook-unavailable',
    () =>
      'Make the AWS Load Balancer Controller run ("kubectl -n kube-system get deployment aws-load-balancer-controller"), then run the job again.',
  ],
  [
    /failed calling webhook "([^"]+)"/,
    'helm-upgrade-failed',
    (_, captured) =>
      `Make whatever serves webhook ${captured} run ("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations"), then run the job again.`,
  ],
  [
    /admission webhook "([^"]+)" denied|violates PodSecurity/,
    'helm-upgrade-failed',
    () =>
      'A policy of the cluster refuses it: change with values what it names, or ask whoever keeps the policy; then run the job again.',
  ],
  // Before timeouts: a hook that ran out of time is first of all a hook.
  [
    /(?:pre|post)-(?:upgrade|install|rollback) hooks? failed/,
    'helm-hook-failed',
    ({ namespace }) =>
      `Look at the Job that helm names ("kubectl get jobs,pods -n ${namespace}", "kubectl logs job/NAME -n ${namespace}"), mend what it says, then run the job again.`,
  ],
  [
    /exceeded quota/,
    'helm-upgrade-failed',
    ({ namespace }) =>
      `Raise the quota of the namespace, or free some of it ("kubectl describe resourcequota -n ${namespace}"); then run the job again.`,
  ],
  [
    /is forbidden: User /,
    'cluster-forbidden',
    () =>
      'Bind the roles of docs/permissions/rbac.yaml to this identity (docs/permissions.md says how); a chart with other kinds of objects needs more.',
  ],
  [
    /Unauthorized|asked for the client to provide credentials/,
    'cluster-unauthorized',
    () =>
      'The credentials ended, or helm was given others than this action: run the job again, with new ones.',
  ],
  [
    /cluster unreachable/i,
    'cluster-unreachable',
    () =>
      'Run the job again; if it stays, check that this runner reaches the Kubernetes API for as long as helm takes.',
  ],
  [
    /conflicts? with "([^"]+)"/,
    'helm-upgrade-failed',
    (_, captured) =>
      `${captured} has changed an object of the release since: set it back there, or set force-conflicts: true to let helm take it over (helm 4).`,
  ],
  [
    /the object has been modified/,
    'helm-upgrade-failed',
    () => 'Somebody else changed the object at the same moment: run the job again.',
  ],
  [
    /invalid ownership metadata|cannot be imported into the current release/,
    'helm-upgrade-failed',
    () =>
      'An object of that name is there and belongs to nobody or to another release: delete it when nothing needs it, or let the release have another name for its own; then run the job again.',
  ],
  [
    /Forbidden: updates to statefulset spec|field is immutable/,
    'helm-upgrade-failed',
    () =>
      'Kubernetes does not change that field of an object that exists: take back the value or the chart-version that changes it, then run the job again.',
  ],
  [
    /no matches for kind "([^"]+)"|resource mapping not found/,
    'helm-upgrade-failed',
    () =>
      'The cluster does not know that kind of object: install what brings it, or switch it off with values; then run the job again.',
  ],
  [
    /Too long: must have at most/,
    'helm-upgrade-failed',
    () =>
      'helm keeps values and manifest of a revision in one Secret of at most 1 MiB: take large files out of values (a ConfigMap of your own can hold them), then run the job again.',
  ],
  [
    /timed out|deadline exceeded|would exceed context deadline/,
    'helm-upgrade-timeout',
    ({ namespace }) =>
      `Look why the pods do not become ready ("kubectl get pods,events -n ${namespace}"), or give release-timeout more time; then run the job again. helm left the release failed and rolled nothing back.`,
  ],
  [
    /missing in charts\/ directory/,
    'chart-not-found',
    () =>
      'Run "helm dependency build" in the directory of the chart before this step, then run the job again.',
  ],
  [
    /don't meet the specifications of the schema|execution error at|error calling |executing "|can't evaluate|YAML parse error|error validating data|unable to decode/,
    'helm-upgrade-failed',
    () =>
      'The chart cannot be rendered with these values: correct values (or give those that the chart-version needs), then run the job again.',
  ],
  [
    /./,
    'helm-upgrade-failed',
    ({ release, namespace }) =>
      `Mend what helm names; "helm history ${release} -n ${namespace}" shows the state of the release. Then run the job again.`,
  ],
]

function credentialsRemedy({ kind, source, hasCredentials }: RequestedChart): string {
  if (kind === 'archive')
    return `helm has no credentials for the URL of an archive: set chart-repository to its repository and chart to the name of the chart, with chart-username and chart-password.`
  if (kind === 'path-or-alias')
    return `The credentials with which ${source} was added on this runner are refused: add it again with others, or set chart-repository to its URL, chart to the name of the chart, chart-username and chart-password.`
  return hasCredentials
    ? `${source} does not take chart-username and chart-password, or they may not read this chart: give others.`
    : `Give chart-username and chart-password, which ${source} asks for.`
}

const relocatedChartRemedy =
  'If it has moved, set chart-repository and chart to where it is (a path or an oci:// reference of a copy will do)'

/** helm knows no repository of that name, and no such path exists. */
function unknownAliasRemedy({ name }: RequestedChart): string {
  const [alias = '', ...chart] = name.split('/')
  return `Set chart-repository to the URL of the repository and chart to ${chart.join('/')}; or add the repository before this step ("helm repo add ${alias} URL"); for a directory, check it out first (a relative path starts at the working directory of the job).`
}

/** Of `helm pull`. The first that matches counts. */
const chartFailureRules: readonly FailureRule<RequestedChart>[] = [
  [
    / : 40[13] |status code 40[13]|basic credential not found|getting credentials|unauthorized|denied/i,
    'chart-repository-unreachable',
    credentialsRemedy,
  ],
  [/no repositories found|repo \S+ not found/, 'chart-not-found', unknownAliasRemedy],
  [
    /index\.yaml : 404|error unmarshaling|no API version/,
    'chart-repository-unreachable',
    ({ source }) =>
      `There is no chart repository at ${source}: set chart-repository to the URL whose index.yaml lists the chart; a registry goes into chart, as oci://.`,
  ],
  [
    / not found|not found$|: 404 |improper constraint/,
    'chart-not-found',
    ({ kind, version }) =>
      kind === 'archive'
        ? 'Correct the URL in chart; or set chart-repository to the URL of the repository and chart to the name of the chart.'
        : `${relocatedChartRemedy}; or set chart-version to one that is there, with allow-chart-change: true when it is not the deployed ${version}.`,
  ],
  [
    /x509:|tls:|server gave HTTP response/,
    'chart-repository-unreachable',
    () =>
      'Let this runner trust its certificate (NODE_EXTRA_CA_CERTS with the authority in PEM, on the step or the runner), then run the job again.',
  ],
  [
    /./,
    'chart-repository-unreachable',
    ({ source }) =>
      `Run the job again when ${source} answers; if it never does, check chart-repository, and HTTPS_PROXY and NO_PROXY of this runner.`,
  ],
]

/** A refusal or an absence stays, whatever else is said. */
const permanentErrorPattern = /(?:: |status code )40[134]\b|x509:|server gave HTTP response/

/**
 * Too many requests, a server that fails, a connection that breaks or is too slow. As Go and the
 * two registry clients of helm say it.
 */
const transientErrorPattern =
  /(?:: |status code )(?:429|50[0234])\b|connection reset|broken pipe|\bEOF\b|timeout|deadline exceeded|server misbehaving|temporary failure in name resolution|stream error|GOAWAY/i

/** Whether time can heal what kept helm from fetching a chart. */
export const isTransient = (message: string): boolean =>
  !permanentErrorPattern.test(message) && transientErrorPattern.test(message)

/** The error of an upgrade, or of its dry run. */
export function upgradeFailure(
  stderr: string,
  exitCode: number | null,
  releaseIdentity: ReleaseIdentity,
): ActionError {
  const message = extractErrorMessage(stderr) || describeExit(exitCode)
  return classifyFailure(
    upgradeFailureRules,
    message,
    `helm could not upgrade release ${releaseIdentity.release}: ${message}`,
    releaseIdentity,
  )
}

/**
 * What kept helm from fetching a chart; undefined when nothing did. helm 3.17 calls an update of a
 * repository that failed a success, and both majors say the reason on standard output only.
 * Measured.
 */
export function extractFetchError(
  exitCode: number | null,
  stdout: string,
  stderr: string,
): string | undefined {
  const [, updateError] =
    /Unable to get an update from the .* chart repository .*:\s+(.+)/.exec(stdout) ?? []
  if (updateError !== undefined) return updateError.trim()
  return exitCode === 0 ? undefined : extractErrorMessage(stderr) || describeExit(exitCode)
}

/**
 * The error of fetching a chart.
 * @param message what `fetchError` says
 */
export function chartFailure(message: string, chart: RequestedChart): ActionError {
  return classifyFailure(
    chartFailureRules,
    message,
    `helm could not fetch chart ${chart.name}${chart.kind === 'archive' ? '' : ` ${chart.version} from ${chart.source}`}: ${message}`,
    chart,
  )
}

const describeExit = (exitCode: number | null): string =>
  `it ended with ${exitCode === null ? 'a signal' : `exit code ${exitCode}`}`

function classifyFailure<Subject>(
  rules: readonly FailureRule<Subject>[],
  message: string,
  problem: string,
  subject: Subject,
): ActionError {
  for (const [pattern, code, remedy] of rules) {
    const match = pattern.exec(message)
    if (match) return new ActionError({ code, problem, remedy: remedy(subject, match[1] ?? '') })
  }
  throw new TypeError('a table of failures ends with one that takes everything')
}

/** What helm says went wrong: from its last "Error:" on, which may take several lines, as one. */
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
