/**
 * A Lease ensures that only one run at a time changes a namespace. It expires when the run that
 * holds it does not renew it. It also records what Helm is about to do, so that the next run
 * recognizes what a run that died has left. Source: Kubernetes, coordination.k8s.io/v1; client-go,
 * tools/leaderelection.
 */
import type { KubernetesClient } from '../clients/kubernetes/client.ts'
import * as paths from '../clients/kubernetes/paths.ts'
import { StatusError } from '../clients/kubernetes/request.ts'
import type { Lease } from '../clients/kubernetes/types.ts'
import { jobCancelled } from '../failures/run.ts'
import { lockedByAnotherRun, lockLost } from '../failures/lock.ts'
import { progressLogger, type Context } from '../steps/step.ts'
import { pollInterval, waitFor, type PollResult } from '../util/polling.ts'
import { getErrorMessage } from '../util/text.ts'
import type { Holder } from './holder.ts'
import { formatLoss, formatUnlockedNote, isApiUnavailable } from './lease-errors.ts'
import {
  appendOperation,
  buildLease,
  cancelledReleaseTimeout,
  findOtherHolder,
  formatMicroTime,
  leaseName,
  leaseSeconds,
  listOtherOperations,
  readOperations,
  releaseTimeout,
  renewInterval,
  renewTimeout,
  type HelmOperation,
} from './lease.ts'

/** What a Lock needs from the run. */
export type LockContext = Pick<Context, 'clock' | 'signal' | 'log'>

export interface LockOptions {
  readonly kubernetes: KubernetesClient
  readonly namespace: string
  /** Seconds to wait for other runs. */
  readonly timeout: number
  readonly holder: Holder
}

/** The Lease of one run. */
export class Lock {
  readonly holder: Holder
  private readonly context: LockContext
  private readonly kubernetes: KubernetesClient
  private readonly namespace: string
  /** Milliseconds that are left to wait. */
  private remainingWait: number
  /** As it was last read or written. */
  private lease: Lease | undefined
  private recordedOperations: readonly HelmOperation[] = []
  /** `unavailable`: the run continues without a Lease. */
  private state: 'free' | 'held' | 'unavailable' = 'free'
  private lostReason: string | undefined
  /** By the monotonic clock. */
  private renewedAt = 0
  private renewTimer: NodeJS.Timeout | undefined
  private lastWrite: Promise<unknown> = Promise.resolve()

  constructor(context: LockContext, { kubernetes, namespace, timeout, holder }: LockOptions) {
    this.context = context
    this.kubernetes = kubernetes
    this.namespace = namespace
    this.remainingWait = timeout * 1_000
    this.holder = holder
  }

  /** The operations of Helm that the Lease records: those of runs that did not finish. */
  get pendingOperations(): readonly HelmOperation[] {
    return this.recordedOperations
  }

  /** Whether the Lease existed when it was last read. */
  get exists(): boolean {
    return this.lease !== undefined
  }

  /** Reads the Lease. Without the permission the run continues without a Lease, with a note. */
  async isHeldByOther(): Promise<boolean> {
    if (this.state !== 'free') return false
    try {
      await this.readLease()
    } catch (thrown) {
      // If the API does not respond, the reads of the run or acquire() report that.
      if (!isApiUnavailable(thrown)) this.proceedUnlocked(thrown)
    }
    return this.otherHolder !== undefined
  }

  /**
   * Reads the Lease again.
   * @returns whether another run holds it, or has written it since it was last read: what was
   *   observed in the meantime may come from that run
   */
  async hasChangedSinceRead(): Promise<boolean> {
    const previousVersion = this.lease?.metadata.resourceVersion
    return (await this.isHeldByOther()) || this.lease?.metadata.resourceVersion !== previousVersion
  }

  /**
   * Waits until no other run holds the Lease.
   * @throws ActionError `locked-by-another-run`, `cancelled`
   */
  async waitUntilFree(): Promise<void> {
    const { clock, signal, log } = this.context
    const start = clock.now()
    if (this.otherHolder !== undefined)
      log.progress(`Another run is working in namespace ${this.namespace}: ${this.otherHolder}.`)
    const poll = async (): Promise<PollResult<true>> =>
      (await this.isHeldByOther())
        ? { pending: `waiting for ${this.otherHolder ?? ''}` }
        : { done: true }
    await waitFor({
      poll,
      interval: pollInterval,
      timeout: this.remainingWait,
      clock,
      signal,
      onProgress: progressLogger(log, 'preflight'),
      createTimeoutError: () =>
        lockedByAnotherRun({
          namespace: this.namespace,
          holder: this.otherHolder ?? '',
          heldFor: this.kubernetes.now() - Date.parse(this.lease?.spec.acquireTime ?? ''),
        }),
    })
    this.remainingWait -= clock.now() - start
  }

  /**
   * Acquires the Lease.
   * @returns false when another run has held it since it was read, so that what was observed may be
   *   outdated
   * @throws ActionError when the API does not respond
   */
  async acquire(): Promise<boolean> {
    if (this.state !== 'free') return true
    try {
      const isAcquired = await this.writeLease({
        acquireTime: formatMicroTime(this.kubernetes.now()),
        leaseTransitions: (this.lease?.spec.leaseTransitions ?? 0) + 1,
      })
      if (!isAcquired) return false
    } catch (thrown) {
      if (isApiUnavailable(thrown)) throw thrown
      this.proceedUnlocked(thrown)
      return true
    }
    this.state = 'held'
    const renew = () => void this.enqueueWrite(() => this.renew())
    this.renewTimer = setInterval(renew, renewInterval).unref()
    return true
  }

  /** @throws ActionError `lock-lost` when another run may have begun */
  assertHeld(): void {
    if (this.state !== 'held') return
    if (this.lostReason !== undefined) throw lockLost(this.namespace, this.lostReason)
    if (performance.now() - this.renewedAt >= leaseSeconds * 1_000)
      throw lockLost(
        this.namespace,
        `its Lease ${leaseName} could not be renewed for ${leaseSeconds} seconds`,
      )
  }

  /**
   * Runs Helm, and records the operation in the Lease until it ends. A revision that it leaves
   * pending, because it was killed or could not reach the API at the end, is then known to come
   * from this action. Records of other releases stay: their revisions may still be pending.
   */
  async runRecorded<T>(
    operation: Omit<HelmOperation, 'holder'>,
    run: () => Promise<T>,
  ): Promise<T> {
    if (this.state !== 'held') return run()
    const others = listOtherOperations(this.recordedOperations, operation.release)
    this.recordedOperations = appendOperation(others, { ...operation, holder: this.holder.id })
    await this.enqueueWrite(() => this.renew())
    this.assertHeld()
    const result = await run()
    this.recordedOperations = others
    return result
  }

  /**
   * Releases the Lease. Never throws: otherwise it expires.
   * @param deleteLease whether to delete it, because nothing of the target remains
   */
  async release(deleteLease = false): Promise<void> {
    clearInterval(this.renewTimer)
    if (this.state !== 'held' || this.lostReason !== undefined) return
    const timeout = this.context.signal.aborted ? cancelledReleaseTimeout : releaseTimeout
    const kubernetes = this.kubernetes.detached(timeout)
    const write = async () => {
      if (deleteLease && this.lease) {
        // With its resourceVersion, because another run may have acquired it since.
        const { uid, resourceVersion } = this.lease.metadata
        const description = `delete Lease ${leaseName}`
        await kubernetes.deleteObject(this.path, { uid, resourceVersion }, description)
      } else {
        await kubernetes.replace<Lease>(this.path, this.build({}), `release Lease ${leaseName}`)
      }
    }
    try {
      await this.enqueueWrite(write)
    } catch (thrown) {
      const reason = getErrorMessage(thrown)
      this.context.log.debug(`Lease ${leaseName} could not be released, and will expire: ${reason}`)
    }
    this.state = 'free'
  }

  private get path(): string {
    return paths.leasePath(this.namespace, leaseName)
  }

  /** For people. */
  private get otherHolder(): string | undefined {
    return findOtherHolder(this.lease, this.holder.id, this.kubernetes.now())
  }

  private build(spec: Lease['spec']): object {
    const { namespace, holder, recordedOperations: operations } = this
    return buildLease({ namespace, holder, operations, spec }, this.lease)
  }

  private async readLease(): Promise<void> {
    const purpose = `read Lease ${leaseName} in namespace ${this.namespace}`
    this.lease = await this.kubernetes.get<Lease>(this.path, purpose)
    this.recordedOperations = readOperations(this.lease)
  }

  /**
   * Writes that this run holds the Lease.
   * @returns false when another run does
   */
  private async writeLease(spec: Lease['spec'], kubernetes = this.kubernetes): Promise<boolean> {
    const now = formatMicroTime(this.kubernetes.now())
    const desiredLease = this.build({
      holderIdentity: this.holder.id,
      leaseDurationSeconds: leaseSeconds,
      acquireTime: this.lease?.spec.acquireTime ?? now,
      renewTime: now,
      ...spec,
    })
    const startedAt = performance.now()
    try {
      this.lease = await this.createOrReplace(desiredLease, kubernetes)
    } catch (thrown) {
      // 404: it was deleted since it was read. The next attempt creates it.
      if (!(thrown instanceof StatusError) || ![404, 409].includes(thrown.status)) throw thrown
      const operations = this.recordedOperations
      await this.readLease()
      if (this.lease?.spec.holderIdentity !== this.holder.id) return false
      // The response to an earlier attempt of this run was lost.
      this.recordedOperations = operations
    }
    this.renewedAt = startedAt
    return true
  }

  private createOrReplace(lease: object, kubernetes: KubernetesClient): Promise<Lease> {
    const description = `Lease ${leaseName} in namespace ${this.namespace}`
    return this.lease
      ? kubernetes.replace<Lease>(this.path, lease, `update ${description}`)
      : kubernetes.create<Lease>(paths.leasesPath(this.namespace), lease, `create ${description}`)
  }

  /**
   * Never throws: the next interval tries again, and assertHeld() knows when it was renewed. A
   * Lease that was lost is not renewed: it belongs to whoever acquires it next.
   */
  private async renew(): Promise<void> {
    if (this.lostReason !== undefined) return
    try {
      if (await this.writeLease({}, this.kubernetes.withTimeout(renewTimeout))) return
      this.lostReason = formatLoss(this.lease, this.otherHolder)
      clearInterval(this.renewTimer)
    } catch (thrown) {
      this.context.log.debug(`Lease ${leaseName} could not be renewed: ${getErrorMessage(thrown)}`)
    }
  }

  /** One write after the other: each needs the resourceVersion of the previous one. */
  private enqueueWrite<T>(write: () => Promise<T>): Promise<T> {
    const next = this.lastWrite.catch(() => undefined).then(write)
    this.lastWrite = next
    return next
  }

  private proceedUnlocked(thrown: unknown): void {
    if (this.context.signal.aborted) throw jobCancelled()
    this.state = 'unavailable'
    this.context.log.note(formatUnlockedNote(this.namespace, thrown))
  }
}
