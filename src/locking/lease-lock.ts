/**
 * One run at a time in a namespace: a Lease that a run holds while it changes things. It ends by
 * itself when nobody renews it, and says what helm was about to do, so that the next run knows what
 * a dead one left. Source: Kubernetes, coordination.k8s.io/v1; client-go, tools/leaderelection.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { ActionError, createCancelledError } from '../failures/action-error.ts'
import { progressLogger, type Context } from '../steps/step.ts'
import { formatDuration, getErrorMessage } from '../util/text.ts'
import { pollInterval, waitFor } from '../util/polling.ts'
import type { KubernetesClient } from '../clients/kubernetes/client.ts'
import * as paths from '../clients/kubernetes/paths.ts'
import { StatusError } from '../clients/kubernetes/request.ts'
import type { Lease } from '../clients/kubernetes/types.ts'

/** The Lease, and the prefix of its annotations. */
export const leaseName = 'milvus-alb-action'

/** The labels that revisions of a release get: which run made them, and with which number. */
const holderLabel = `${leaseName}/holder`
const revisionLabel = `${leaseName}/revision`

/** The labels of a revision that a run is about to make. */
export const revisionLabels = (
  holder: string,
  revision: number,
): Readonly<Record<string, string>> => ({
  [holderLabel]: holder,
  [revisionLabel]: String(revision),
})

/**
 * The run of this action that made a revision; undefined when somebody else did. helm hands labels
 * on to the next revision, whoever makes it: that one then has another number than its label says.
 * Source: helm, pkg/action/upgrade.go, mergeCustomLabels.
 */
export const getRevisionHolder = (
  labels: Readonly<Record<string, string>> | undefined,
  revision: number,
): string | undefined =>
  labels?.[revisionLabel] === String(revision) ? labels[holderLabel] : undefined

/**
 * How long a Lease holds that nobody renews, in seconds: a runner that stands still for less keeps
 * it.
 */
const leaseSeconds = 30
/** Milliseconds. */
const renewInterval = 10_000
/**
 * How long giving the Lease back may take, and how much of a cancelled job's 10 s is left for it.
 * Milliseconds.
 */
const releaseTimeout = 10_000
const cancelledReleaseTimeout = 1_000

/** One work of helm, from before it begins. */
export interface HelmOperation {
  readonly holder: string
  readonly release: string
  /** The one that helm makes. */
  readonly revision: number
}

/** Who a run is. */
export interface Holder {
  /** Also the value of a label: at most 63 letters, digits, `-`, `_`, `.`. */
  readonly id: string
  /** For people. */
  readonly name: string
}

/** @param env of the runner. Source: GitHub, default environment variables */
export function identifyHolder(env: NodeJS.ProcessEnv): Holder {
  const {
    GITHUB_REPOSITORY: repository,
    GITHUB_RUN_ID: run,
    GITHUB_RUN_ATTEMPT: attempt = '1',
    GITHUB_JOB: job,
    GITHUB_SERVER_URL: server = 'https://github.com',
  } = env
  const runKey = repository && run ? `${run}-${attempt}` : 'local'
  const origin = (repository ?? hostname())
    .replace(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 63 - runKey.length - 10)
    .replace(/^-|-$/g, '')
  return {
    id: [origin, runKey, randomUUID().slice(0, 8)].join('.').replace(/^\.+/, ''),
    name:
      repository && run
        ? `${server}/${repository}/actions/runs/${run} (attempt ${attempt}${job ? `, job ${job}` : ''})`
        : `a run on ${hostname()}`,
  }
}

/** The Lease of one run. */
export class Lock {
  readonly holder: Holder
  private readonly context: Context
  private readonly kubernetes: KubernetesClient
  private readonly namespace: string
  /** Milliseconds that it may still wait. */
  private remainingWait: number
  private lease: Lease | undefined
  private recordedOperations: readonly HelmOperation[] = []
  private state: 'free' | 'held' | 'without' = 'free'
  private lostReason: string | undefined
  private renewedAt = 0
  private renewTimer: NodeJS.Timeout | undefined
  private lastWrite: Promise<unknown> = Promise.resolve()

  /** @param timeout seconds that it waits for others */
  constructor(
    context: Context,
    {
      kubernetes,
      namespace,
      timeout,
      holder,
    }: { kubernetes: KubernetesClient; namespace: string; timeout: number; holder: Holder },
  ) {
    this.context = context
    this.kubernetes = kubernetes
    this.namespace = namespace
    this.remainingWait = timeout * 1_000
    this.holder = holder
  }

  /** What helm was about to do for a run that did not say that it ended. */
  get pendingOperations(): readonly HelmOperation[] {
    return this.recordedOperations
  }

  /** Whether the Lease was there when it was looked at. */
  get exists(): boolean {
    return this.lease !== undefined
  }

  /**
   * Looks who has the Lease. Who may not gets a note and goes without.
   * @returns whether another run works here now
   */
  async isHeldByOther(): Promise<boolean> {
    if (this.state !== 'free') return false
    try {
      this.cacheLease(
        await this.kubernetes.get<Lease>(
          this.path,
          `read Lease ${leaseName} in namespace ${this.namespace}`,
        ),
      )
    } catch (thrown) {
      // An API that does not answer is what the run's own reads say, or else the attempt to take
      // the Lease.
      if (!isApiUnavailable(thrown)) this.proceedUnlocked(thrown)
    }
    return this.otherHolder !== undefined
  }

  /**
   * Looks again.
   * @returns whether another run works here now, or has written the Lease since it was last
   *   looked at: what was seen meanwhile may be of its work
   */
  async hasChangedSinceRead(): Promise<boolean> {
    const previousVersion = this.lease?.metadata.resourceVersion
    return (await this.isHeldByOther()) || this.lease?.metadata.resourceVersion !== previousVersion
  }

  /**
   * Waits until no other run works here.
   * @throws ActionError `locked-by-another-run`, `cancelled`
   */
  async waitUntilFree(): Promise<void> {
    const { clock, signal, log } = this.context
    const start = clock.now()
    if (this.otherHolder !== undefined)
      log.progress(`Another run works in namespace ${this.namespace}: ${this.otherHolder}.`)
    await waitFor({
      poll: async () =>
        (await this.isHeldByOther())
          ? { pending: `waits for ${this.otherHolder ?? ''}` }
          : { done: true },
      interval: pollInterval,
      timeout: this.remainingWait,
      clock,
      signal,
      onProgress: progressLogger(log, 'preflight'),
      createTimeoutError: () =>
        new ActionError({
          code: 'locked-by-another-run',
          problem: `Another run works in namespace ${this.namespace} since ${formatDuration(this.heldDuration)}, longer than this one waits: ${this.otherHolder ?? ''}.`,
          remedy:
            'Look at that run, and run this job again when it is over; or give lock-timeout more. A run that died is out of the way 30 seconds later.',
        }),
    })
    this.remainingWait -= clock.now() - start
  }

  /**
   * Takes the Lease.
   * @throws ActionError when the API does not answer.
   * @returns false when another run has had it since it was looked at: what was seen then may be
   *   old
   */
  async acquire(): Promise<boolean> {
    if (this.state !== 'free') return true
    try {
      const isAcquired = await this.writeLease({
        acquireTime: this.formatNow(),
        leaseTransitions: (this.lease?.spec.leaseTransitions ?? 0) + 1,
      })
      if (!isAcquired) return false
    } catch (thrown) {
      if (isApiUnavailable(thrown)) throw thrown
      this.proceedUnlocked(thrown)
      return true
    }
    this.state = 'held'
    this.renewTimer = setInterval(
      () => void this.enqueueWrite(() => this.renew()),
      renewInterval,
    ).unref()
    return true
  }

  /** @throws ActionError `lock-lost` when another run may have begun */
  assertHeld(): void {
    if (this.state !== 'held') return
    if (this.lostReason === undefined && performance.now() - this.renewedAt < leaseSeconds * 1_000)
      return
    throw new ActionError({
      code: 'lock-lost',
      problem: `This run may no longer be the only one in namespace ${this.namespace}: ${this.lostReason ?? `its Lease ${leaseName} could not be renewed for ${leaseSeconds} seconds`}.`,
      remedy: 'Run the job again: it waits for the other, and goes on from what is there.',
    })
  }

  /**
   * Runs helm, and keeps in the Lease that it does until it has done all: a revision that it leaves
   * pending, because it was killed or the API was away when it wanted to say how it ended, is then
   * known to be ours.
   */
  async runRecorded<T>(
    operation: Omit<HelmOperation, 'holder'>,
    run: () => Promise<T>,
  ): Promise<T> {
    if (this.state !== 'held') return run()
    this.recordedOperations = [
      ...this.recordedOperations,
      { ...operation, holder: this.holder.id },
    ].slice(-5)
    await this.enqueueWrite(() => this.renew())
    this.assertHeld()
    const result = await run()
    this.recordedOperations = []
    return result
  }

  /**
   * Gives the Lease back, at once, whatever happened.
   * @param deleteLease whether nothing of this target is left, nor shall the Lease be
   */
  async release(deleteLease = false): Promise<void> {
    clearInterval(this.renewTimer)
    if (this.state !== 'held' || this.lostReason !== undefined) return
    const kubernetes = this.kubernetes.detached(
      this.context.signal.aborted ? cancelledReleaseTimeout : releaseTimeout,
    )
    await this.enqueueWrite(async () => {
      if (deleteLease && this.lease)
        await kubernetes.deleteObject(
          this.path,
          this.lease.metadata.uid,
          `delete Lease ${leaseName}`,
        )
      else
        await kubernetes.replace<Lease>(
          this.path,
          this.buildLease({}),
          `give back Lease ${leaseName}`,
        )
    }).catch((thrown: unknown) =>
      this.context.log.debug(
        `Lease ${leaseName} could not be given back, and ends by itself: ${getErrorMessage(thrown)}`,
      ),
    )
    this.state = 'free'
  }

  private get path(): string {
    return paths.leasePath(this.namespace, leaseName)
  }

  /** The other run that has it now, for people. */
  private get otherHolder(): string | undefined {
    const { holderIdentity = '', renewTime = '', leaseDurationSeconds = 0 } = this.lease?.spec ?? {}
    const isAlive =
      holderIdentity !== '' &&
      Date.parse(renewTime) + leaseDurationSeconds * 1_000 > this.kubernetes.now()
    return isAlive && holderIdentity !== this.holder.id
      ? (this.lease?.metadata.annotations?.[`${leaseName}/run`] ?? holderIdentity)
      : undefined
  }

  private get heldDuration(): number {
    return this.kubernetes.now() - Date.parse(this.lease?.spec.acquireTime ?? '')
  }

  private formatNow(): string {
    return new Date(this.kubernetes.now()).toISOString().replace('Z', '000Z')
  }

  private cacheLease(lease: Lease | undefined): void {
    this.lease = lease
    this.recordedOperations = parseOperations(lease?.metadata.annotations?.[`${leaseName}/helm`])
  }

  private buildLease(spec: Lease['spec']): object {
    const annotations = {
      [`${leaseName}/run`]: this.holder.name,
      ...(this.recordedOperations.length > 0 && {
        [`${leaseName}/helm`]: JSON.stringify(this.recordedOperations),
      }),
    }
    const { resourceVersion } = this.lease?.metadata ?? {}
    return {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: leaseName,
        namespace: this.namespace,
        annotations,
        ...(resourceVersion !== undefined && { resourceVersion }),
      },
      spec: { leaseTransitions: this.lease?.spec.leaseTransitions ?? 0, ...spec },
    }
  }

  /**
   * Writes that this run has it.
   * @returns false when another one does
   */
  private async writeLease(spec: Partial<Lease['spec']>): Promise<boolean> {
    const { acquireTime = this.formatNow() } = this.lease?.spec ?? {}
    const desiredLease = this.buildLease({
      holderIdentity: this.holder.id,
      leaseDurationSeconds: leaseSeconds,
      acquireTime,
      renewTime: this.formatNow(),
      ...spec,
    })
    const startedAt = performance.now()
    try {
      this.lease = this.lease
        ? await this.kubernetes.replace<Lease>(
            this.path,
            desiredLease,
            `take Lease ${leaseName} in namespace ${this.namespace}`,
          )
        : await this.kubernetes.create<Lease>(
            paths.leasesPath(this.namespace),
            desiredLease,
            `create Lease ${leaseName} in namespace ${this.namespace}`,
          )
    } catch (thrown) {
      // 404: it was deleted since it was read, and is made at the next try.
      if (!(thrown instanceof StatusError) || ![404, 409].includes(thrown.status)) throw thrown
      const operations = this.recordedOperations
      this.cacheLease(
        await this.kubernetes.get<Lease>(
          this.path,
          `read Lease ${leaseName} in namespace ${this.namespace}`,
        ),
      )
      // Ours: the answer to an earlier try was lost.
      if (this.lease?.spec.holderIdentity !== this.holder.id) return false
      this.recordedOperations = operations
    }
    this.renewedAt = startedAt
    return true
  }

  /**
   * What cannot be asked now is asked again at the next turn; `check` knows since when it was not
   * renewed.
   */
  private async renew(): Promise<void> {
    try {
      if (!(await this.writeLease({})))
        this.lostReason = `${this.otherHolder ?? 'somebody'} has taken its Lease ${leaseName}`
    } catch (thrown) {
      this.context.log.debug(`Lease ${leaseName} was not renewed: ${getErrorMessage(thrown)}`)
    }
  }

  /** One write after the other: each needs the resourceVersion that the one before it made. */
  private enqueueWrite<T>(write: () => Promise<T>): Promise<T> {
    const next = this.lastWrite.catch(() => undefined).then(write)
    this.lastWrite = next
    return next
  }

  private proceedUnlocked(thrown: unknown): void {
    if (this.context.signal.aborted) throw createCancelledError()
    this.state = 'without'
    const reason =
      thrown instanceof ActionError
        ? `This identity may not get, create and update Leases in namespace ${this.namespace}`
        : `Lease ${leaseName} in namespace ${this.namespace} cannot be taken (${getErrorMessage(thrown)})`
    this.context.log.note(
      `${reason}: only the concurrency group of the workflow keeps another run from working here at the same time.`,
    )
  }
}

/** Whether the API gave no answer, where it could have said that nobody may have a Lease here. */
const isApiUnavailable = (thrown: unknown): boolean =>
  thrown instanceof ActionError && thrown.code !== 'cluster-forbidden'

/** What the annotation says; nothing when somebody else has written it. */
function parseOperations(text: string | undefined): readonly HelmOperation[] {
  try {
    const operations = JSON.parse(text ?? '[]') as unknown
    const isHelmOperation = (operation: Partial<HelmOperation> | null): boolean =>
      typeof operation?.holder === 'string' &&
      typeof operation.release === 'string' &&
      typeof operation.revision === 'number'
    return Array.isArray(operations) && operations.every(isHelmOperation)
      ? (operations as HelmOperation[])
      : []
  } catch {
    return []
  }
}
