/**
 * The one error class of the action, and the catalogue of its codes. docs/troubleshooting.md has a section for each code,
 * in this order; a test holds the two together.
 */
import { getErrorMessage, truncate } from '../util/text.ts'

/** The steps of a deployment, in the order in which they change things. */
export const stepNames = ['preflight', 'certificate', 'release', 'ingress', 'load-balancer', 'probe'] as const
export type StepName = (typeof stepNames)[number]

/** Every code that `failure-code` can have, in the order in which several problems of one run are ranked. */
export const failureCodes = [
  // preflight: the inputs
  'input-missing',
  'input-invalid',
  'inputs-conflict',
  // preflight: the certificate that was given
  'certificate-unreadable',
  'private-key-unreadable',
  'private-key-mismatch',
  'certificate-chain-invalid',
  'certificate-key-unsupported',
  'certificate-signature-weak',
  'certificate-expired',
  'certificate-not-yet-valid',
  'certificate-host-mismatch',
  // preflight: who we are, and what we find
  'aws-credentials-missing',
  'aws-credentials-expired',
  'aws-credentials-refused',
  'aws-account-not-allowed',
  'aws-access-denied',
  'aws-request-failed',
  'kubeconfig-invalid',
  'cluster-not-found',
  'cluster-unreachable',
  'cluster-unauthorized',
  'cluster-forbidden',
  'cluster-request-failed',
  'namespace-not-found',
  'locked-by-another-run',
  'ingress-class-not-found',
  'ingress-class-unsupported',
  'ingress-class-params-unsuitable',
  'subnets-unsuitable',
  'ingress-not-ours',
  'ingress-group-conflict',
  'ingress-terminating',
  'load-balancer-protected',
  'release-not-found',
  'release-ambiguous',
  'release-pending',
  'release-unreadable',
  'release-chart-differs',
  'release-chart-unsupported',
  'release-failed',
  'release-managed-elsewhere',
  'service-not-found',
  'service-ambiguous',
  'service-port-not-found',
  'service-unsupported',
  'service-annotations-conflict',
  'service-class-lost',
  'milvus-tls-mismatch',
  'helm-not-found',
  'helm-too-old',
  'chart-not-found',
  'chart-repository-unreachable',
  'release-changes-more',
  'service-type-not-set',
  'release-conflict',
  'release-not-ready',
  // certificate
  'certificate-not-found',
  'certificate-not-ours',
  'certificate-not-issued',
  'certificate-refused',
  'certificate-quota-exceeded',
  'certificate-in-use',
  // release
  'helm-upgrade-failed',
  'helm-hook-failed',
  'helm-upgrade-timeout',
  'service-not-cluster-ip',
  'service-not-restored',
  // ingress
  'ingress-conflict',
  'ingress-refused',
  'controller-webhook-unavailable',
  'ingress-not-deleted',
  // load-balancer
  'controller-refused',
  'load-balancer-failed',
  'load-balancer-timeout',
  // probe
  'probe-dns-failed',
  'probe-unreachable',
  'probe-tls-failed',
  'probe-certificate-untrusted',
  'probe-certificate-host-mismatch',
  'probe-certificate-differs',
  'probe-http2-missing',
  'probe-not-routed',
  'probe-protocol-mismatch',
  'probe-no-targets',
  'probe-target-failed',
  'probe-target-timeout',
  'probe-http-error',
  'probe-grpc-error',
  'milvus-unauthenticated',
  'milvus-authorization-off',
  'milvus-not-found',
  'milvus-not-ready',
  'milvus-unhealthy',
  'probe-host-dns-missing',
  'probe-host-dns-differs',
  // check
  'drift-found',
  'drift-unknown',
  // any step
  'runner-disk-failed',
  'rollback-incomplete',
  'lock-lost',
  'cancelled',
  'internal-error',
] as const
export type FailureCode = (typeof failureCodes)[number]

/** What an ActionError is made of. */
export interface ActionErrorOptions {
  readonly code: FailureCode
  /** One sentence: what is wrong, naming the input or the thing. */
  readonly problem: string
  /** One sentence: what to do about it. */
  readonly remedy: string
  readonly cause?: unknown
  /** Set by the step that ran into it, when whoever threw it does not know. */
  readonly step?: StepName
}

/** Characters. What others say (a controller, helm, Milvus) is part of a problem, and may be of any length. */
const maxProblemLength = 2_000

/** A failure that a person can act on. `also` holds the other problems that were found at the same time. */
export class ActionError extends Error {
  override readonly name = 'ActionError'
  readonly code: FailureCode
  readonly remedy: string
  readonly step: StepName | undefined
  readonly otherErrors: readonly ActionError[]

  constructor(problem: ActionErrorOptions, otherErrors: readonly ActionError[] = []) {
    super(truncate(problem.problem, maxProblemLength), { cause: problem.cause })
    this.code = problem.code
    this.remedy = problem.remedy
    this.step = problem.step
    this.otherErrors = otherErrors
  }

  /** This error and those found with it, each once. */
  get allErrors(): readonly ActionError[] {
    return [this, ...this.otherErrors]
  }

  /** The same error, said to have happened in `step` unless it knows better. */
  withStep(step: StepName): ActionError {
    const copyWithStep = (error: ActionError, otherErrors: readonly ActionError[]) =>
      new ActionError({ code: error.code, problem: error.message, remedy: error.remedy, cause: error.cause, step: error.step ?? step }, otherErrors)
    return copyWithStep(this, this.otherErrors.map((error) => copyWithStep(error, [])))
  }
}

/** Problems of a whole connection or identity: every call meets them, and one of them says it. */
const deduplicatedCodes: ReadonlySet<FailureCode> = new Set(['aws-credentials-missing', 'aws-credentials-expired', 'aws-credentials-refused', 'cluster-unreachable', 'cluster-unauthorized', 'cancelled'])

/**
 * Folds problems that were found together into one error, ranked in the order of `failureCodes`; the same problem met
 * twice (two calls with the same expired credentials) counts once.
 * @param errors at least one
 */
export function combineErrors(errors: readonly ActionError[]): ActionError {
  const flattened = errors.flatMap((error) => error.allErrors)
  const isDuplicate = (candidate: ActionError, other: ActionError): boolean => candidate.code === other.code && (candidate.message === other.message || deduplicatedCodes.has(candidate.code))
  const unique = flattened.filter((error, index) => flattened.findIndex((other) => isDuplicate(other, error)) === index)
  const sorted = unique.sort((a, b) => failureCodes.indexOf(a.code) - failureCodes.indexOf(b.code))
  const [first, ...otherErrors] = sorted
  if (!first) throw new TypeError('combine() needs at least one error')
  return new ActionError({ code: first.code, problem: first.message, remedy: first.remedy, cause: first.cause, ...(first.step && { step: first.step }) }, otherErrors)
}

/** The error of a job that was cancelled. */
export const createCancelledError = (): ActionError =>
  new ActionError({
    code: 'cancelled',
    problem: 'The job was cancelled.',
    remedy: 'Run it again when you want to: a run continues from whatever an earlier one left.',
  })

/** What the runner's disk says, in the words of errno(3), and what to do about it. */
const diskErrorRemedies: Readonly<Record<string, string>> = {
  ENOSPC: 'Free space on the runner ("df -h" shows where there is none), or run the job on another one, and run it again.',
  EDQUOT: "Free some of what the runner's user has on that disk, or have its quota raised, and run the job again.",
  EROFS: 'That disk is mounted read-only: give the runner a RUNNER_TEMP that it can write to, and run the job again.',
  EACCES: "Give the runner's user the right to write there, or set RUNNER_TEMP to a directory of its own, and run the job again.",
  EPERM: "Give the runner's user the right to write there, or set RUNNER_TEMP to a directory of its own, and run the job again.",
  ENOENT: 'See that RUNNER_TEMP, GITHUB_OUTPUT and GITHUB_STEP_SUMMARY name places that are there, and that nothing else clears them while the job runs.',
  EIO: 'The disk of the runner is broken: run the job on another one.',
}

/** Calls of node:fs; a socket has others. */
const fileSystemCalls: ReadonlySet<string> = new Set(['open', 'write', 'close', 'mkdir', 'mkdtemp', 'rename', 'rm', 'unlink', 'rmdir', 'scandir', 'lstat'])

/** Any thrown value as an ActionError: what is neither one nor the runner's disk is a defect of ours and says so. */
export function toActionError(thrown: unknown): ActionError {
  if (thrown instanceof ActionError) return thrown
  const { code = '', syscall = '' } = thrown instanceof Error ? (thrown as NodeJS.ErrnoException) : {}
  const remedy = diskErrorRemedies[code]
  if (remedy !== undefined && fileSystemCalls.has(syscall)) return new ActionError({ code: 'runner-disk-failed', problem: `The runner's disk failed: ${getErrorMessage(thrown)}.`, remedy, cause: thrown })
  return new ActionError({
    code: 'internal-error',
    problem: `Something went wrong inside the action: ${getErrorMessage(thrown)}`,
    remedy: 'Run the job again with debug logging, and report the log as an issue of the action.',
    cause: thrown,
  })
}

/**
 * Awaits everything, so that all problems are reported and not only the fastest.
 * @returns the values in order
 * @throws ActionError of all the problems
 */
export async function settleAll<const T extends readonly Promise<unknown>[]>(promises: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(promises)
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [toActionError(result.reason)] : []))
  if (errors.length > 0) throw combineErrors(errors)
  return Promise.all(promises)
}
