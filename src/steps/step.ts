/**
 * What the steps share. `observe` only reads, concurrently with that of the other steps. `plan` is
 * pure and returns typed operations. `apply` performs exactly these and records the changes of each
 * before its write; it may be killed at any instruction, and run again.
 */
import type { StepName } from '../failures/codes.ts'
import type { Clock } from '../util/polling.ts'
import type { CertificateDetails } from '../x509/certificate.ts'
import type { OutputName } from './outputs.ts'

/**
 * One difference between the current and the desired state. `before` is absent for what does not
 * exist yet, `after` for what is deleted.
 */
export interface Change {
  readonly step: StepName
  /** The changed object, for people: `Ingress milvus/milvus-demo`. */
  readonly object: string
  /**
   * The changed field: `metadata.annotations.alb.ingress.kubernetes.io/scheme`. Never contains the
   * user's Helm values.
   */
  readonly path: string
  readonly before?: string
  readonly after?: string
  readonly why: string
}

/** A planned change that a rollback could not restore completely. */
export interface IrreversibleChange {
  /** The object, for people: `ACM certificate arn:...` */
  readonly object: string
  /** What a rollback could not restore, as a clause. */
  readonly why: string
  /** What that means for a run that rolls back when it fails. */
  readonly note: string
}

/** The log of a step. */
export interface Log {
  /** A line in the group of the step. */
  info(line: string): void
  /** A line in the group and in the summary: worth knowing, though nothing is wrong. */
  note(line: string): void
  /** A warning annotation, once per run, and a line at the top of the summary. */
  warn(line: string): void
  /** A line that appears immediately, outside of groups: the heartbeat in a long wait. */
  progress(line: string): void
  debug(line: string): void
}

/**
 * Logs the progress of a step that waits.
 * @returns called by the wait with the milliseconds waited and the last status
 */
export const progressLogger =
  (log: Log, step: StepName) =>
  (elapsed: number, status: string): void =>
    log.progress(`${step}: ${Math.round(elapsed / 1000)} s, ${status}`)

/** The known parts of the route from a client to Milvus, for the summary. */
export interface Topology {
  /** Name of the ALB. */
  readonly loadBalancerName?: string
  readonly targetGroup?: string
  /** The target group and the Service of the RESTful API, while it is served. */
  readonly restTargetGroup?: string
  readonly restService?: string
  /** The IngressGroup whose ALB the Ingress shares. */
  readonly group?: string
  readonly service?: { readonly name: string; readonly port: number }
  /** Pods behind the Service. */
  readonly pods?: { readonly ready: number; readonly total: number }
  readonly certificate?: CertificateDetails
  /** Whether clients need the certificate of a private CA. */
  readonly hasPrivateCa?: boolean
}

/** How a step ended. One that a check compared `differs`; one without an object is `skipped`. */
export type StepState = 'done' | 'differs' | 'skipped' | 'failed'

/** The end of a step that did not fail. */
export interface Outcome<T> {
  /** A phrase for the title of the step's group in the log. */
  readonly summary: string
  /** `done` if absent. */
  readonly state?: Exclude<StepState, 'failed'>
  /** What later steps need. */
  readonly result: T
}

/** What every step receives besides its settings and clients. */
export interface Context {
  readonly log: Log
  /** Aborted when the job is cancelled. */
  readonly signal: AbortSignal
  readonly clock: Clock
  /** Runs a step as a group of the log. Errors that name no step get this one. */
  step<T>(name: StepName, work: () => Promise<Outcome<T>>): Promise<T>
  /** Records a change that is about to be made. Call it before the write. */
  recordChange(change: Change): void
  /** Records a change that is not made: the finding of a check, or the plan of a dry run. */
  recordDifference(change: Change): void
  /**
   * Notes what could not be checked, usually for lack of a permission. The result of mode check is
   * then "unknown".
   * @param what continues "could not check"
   */
  recordUnreadable(what: string): void
  /** Adds known parts of the route, for the summary. */
  recordTopology(part: Topology): void
  /** Sets an output as soon as it is known, so that it is set even if the job fails later. */
  setOutput(name: OutputName, value: string): void
  /** Masks a secret that was created or read during the run. */
  maskSecret(secret: string): void
  /** Removes a suspected secret from log and summary, but not from outputs. */
  redactSuspectedSecret(suspectedSecret: string): void
  /** The private directory of this run, mode 0700, which is removed at its end. */
  workDirectory(): Promise<string>
}
