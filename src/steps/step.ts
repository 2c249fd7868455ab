/**
 * What a step is given and what it says. A step is a module of three functions: `observe` reads
 * only and runs together with every other step's; `plan` is pure and returns typed changes; `apply`
 * makes them one step after the other, reports each before its write, and may be killed at any
 * instruction and run again.
 */
import type { StepName } from '../failures/codes.ts'
import type { Clock } from '../util/polling.ts'
import type { CertificateDetails } from '../x509/certificate.ts'

/**
 * One difference between what is and what should be. `before` is absent when there was nothing,
 * `after` when it goes.
 */
export interface Change {
  readonly step: StepName
  /** The thing, as people call it: `Ingress milvus/milvus-demo`. */
  readonly object: string
  /**
   * Where in the thing: `metadata.annotations.alb.ingress.kubernetes.io/scheme`. Never with a value
   * of the user's helm values.
   */
  readonly path: string
  readonly before?: string
  readonly after?: string
  readonly why: string
}

/** What a step says while it works. */
export interface Log {
  /** A line inside the step's group. */
  info(line: string): void
  /**
   * A line that belongs in the summary too: something a person should know, though nothing is
   * wrong.
   */
  note(line: string): void
  /** A warning annotation. */
  warn(line: string): void
  /** A line that shows at once, outside of any group: the sign of life in a long wait. */
  progress(line: string): void
  debug(line: string): void
}

/**
 * The sign of life of a step that waits.
 * @returns what a wait calls with the milliseconds waited and the last thing seen
 */
export const progressLogger =
  (log: Log, step: StepName) =>
  (elapsed: number, status: string): void =>
    log.progress(`${step}: ${Math.round(elapsed / 1000)} s, ${status}`)

/** The outputs of the action, by their names in action.yml; a test compares. */
export const outputNames = [
  'alb-address',
  'endpoint',
  'certificate-arn',
  'certificate-expiry',
  'release-revision',
  'ingress-name',
  'milvus-version',
  'changed',
  'changes',
  'drift',
  'failed-step',
  'failure-code',
] as const
export type OutputName = (typeof outputNames)[number]

/**
 * What a run has found of the way from a client to Milvus, for the summary: each part as soon as it
 * is known.
 */
export interface Topology {
  /** Name of the ALB. */
  readonly loadBalancerName?: string
  readonly targetGroup?: string
  readonly service?: { readonly name: string; readonly port: number }
  /** Pods behind the Service. */
  readonly pods?: { readonly ready: number; readonly total: number }
  readonly certificate?: CertificateDetails
}

/**
 * What a step has to show for itself: a phrase for its line in the log, and what later steps need.
 */
export interface Outcome<T> {
  readonly summary: string
  readonly result: T
}

/** What every step is handed beside its settings and rooms. */
export interface Context {
  readonly log: Log
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Runs a step as a group of the log; errors without a step are said to be this one's. */
  step<T>(name: StepName, work: () => Promise<Outcome<T>>): Promise<T>
  /** Records a change that is made now: call it before the write that makes it. */
  recordChange(change: Change): void
  /** Records a change that is not made: what a check finds, or a dry run would do. */
  recordDifference(change: Change): void
  /**
   * Notes what could not be seen, mostly for lack of permission; a check then does not know whether
   * all is as it should be.
   * @param what continues "could not see"
   */
  recordUnreadable(what: string): void
  /** Remembers parts of the way for the summary. */
  recordTopology(part: Topology): void
  /** Sets an output as soon as it is known, so that it is there also when the job fails later. */
  setOutput(name: OutputName, value: string): void
  /** Keeps a secret that came up on the way out of everything that is shown. */
  maskSecret(secret: string): void
  /**
   * Keeps what may be a secret out of log and summary; outputs and the runner's own masks are left
   * alone.
   */
  redactGuess(suspectedSecret: string): void
  /** A directory of this run alone, mode 0700, removed when the run ends. */
  workDirectory(): Promise<string>
}
