/**
 * One run at a time in a namespace: a Lease that a run holds while it changes things. It ends by itself when nobody renews it,
 * and says what helm was about to do, so that the next run knows what a dead one left.
 * Source: Kubernetes, coordination.k8s.io/v1; client-go, tools/leaderelection.
 */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { ActionError, cancelled } from '../core/errors.ts'
import { sayProgress, type Context } from '../core/step.ts'
import { inWords, messageOf } from '../core/text.ts'
import { growing, waitFor } from '../core/waiting.ts'
import type { KubernetesClient } from '../kubernetes/client.ts'
import * as paths from '../kubernetes/paths.ts'
import { StatusError } from '../kubernetes/request.ts'
import type { Lease } from '../kubernetes/types.ts'

/** The Lease, and the prefix of its annotations. */
export const leaseName = 'milvus-alb-action'

/** The labels that revisions of a release get: which run made them, and with which number. */
const holderLabel = `${leaseName}/holder`
const revisionLabel = `${leaseName}/revision`

/** The labels of a revision that a run is about to make. */
export const revisionLabels = (holder: string, revision: number): Readonly<Record<string, string>> => ({ [holderLabel]: holder, [revisionLabel]: String(revision) })

/**
 * The run of this action that made a revision; undefined when somebody else did. helm hands labels on to the next revision,
 * whoever makes it: that one then has another number than its label says. Source: helm, pkg/action/upgrade.go, mergeCustomLabels.
 */
export const makerOf = (labels: Readonly<Record<string, string>> | undefined, revision: number): string | undefined =>
  (labels?.[revisionLabel] === String(revision) ? labels[holderLabel] : undefined)

/** How long a Lease holds that nobody renews, in seconds: a runner that stands still for less keeps it. */
const duration = 30
/** Milliseconds. */
const renewEvery = 10_000
/** How long giving the Lease back may take, and how much of a cancelled job's 10 s is left for it. Milliseconds. */
const lastWord = 10_000
const lastWordOfCancelled = 1_000

/** One work of helm, from before it begins. */
export interface HelmWork {
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

/** @param environment of the runner. Source: GitHub, default environment variables */
export function holderOf(environment: NodeJS.ProcessEnv): Holder {
  const { GITHUB_REPOSITORY: repository, GITHUB_RUN_ID: run, GITHUB_RUN_ATTEMPT: attempt = '1', GITHUB_JOB: job, GITHUB_SERVER_URL: server = 'https://github.com' } = environment
  const own = repository && run ? `${run}-${attempt}` : 'local'
  const place = (repository ?? hostname()).replace(/[^A-Za-z0-9]+/g, '-').slice(0, 63 - own.length - 10).replace(/^-|-$/g, '')
  return {
    id: [place, own, randomUUID().slice(0, 8)].join('.').replace(/^\.+/, ''),
    name: repository && run ? `${server}/${repository}/actions/runs/${run} (attempt ${attempt}${job ? `, job ${job}` : ''})` : `a run on ${hostname()}`,
  }
}

/** The Lease of one run. */
export class Lock {
  readonly holder: Holder
  private readonly context: Context
  private readonly kubernetes: KubernetesClient
  private readonly namespace: string
  /** Milliseconds that it may still wait. */
  private patience: number
  private lease: Lease | undefined
  private works: readonly HelmWork[] = []
  private state: 'free' | 'held' | 'without' = 'free'
  private lost: string | undefined
  private renewed = 0
  private timer: NodeJS.Timeout | undefined
  private writing: Promise<unknown> = Promise.resolve()

  /** @param timeout seconds that it waits for others */
  constructor(context: Context, { kubernetes, namespace, timeout, holder }: { kubernetes: KubernetesClient; namespace: string; timeout: number; holder: Holder }) {
    this.context = context
    this.kubernetes = kubernetes
    this.namespace = namespace
    this.patience = timeout * 1_000
    this.holder = holder
  }

  /** What helm was about to do for a run that did not say that it ended. */
  get unfinished(): readonly HelmWork[] {
    return this.works
  }

  /** Whether the Lease was there when it was looked at. */
  get exists(): boolean {
    return this.lease !== undefined
  }

  /** Looks who has the Lease. Who may not gets a note and goes without. @returns whether another run works here now */
  async isTaken(): Promise<boolean> {
    if (this.state !== 'free') return false
    try {
      this.remember(await this.kubernetes.get<Lease>(this.path, `read Lease ${leaseName} in namespace ${this.namespace}`))
    } catch (thrown) {
      // An API that does not answer is what the run's own reads say, or else the attempt to take the Lease.
      if (!isUnanswered(thrown)) this.goWithout(thrown)
    }
    return this.other !== undefined
  }

  /** Looks again. @returns whether another run works here now, or has written the Lease since it was last looked at: what was seen meanwhile may be of its work */
  async hasMoved(): Promise<boolean> {
    const before = this.lease?.metadata.resourceVersion
    return (await this.isTaken()) || this.lease?.metadata.resourceVersion !== before
  }

  /** Waits until no other run works here. @throws ActionError `locked-by-another-run`, `cancelled` */
  async wait(): Promise<void> {
    const { clock, signal, log } = this.context
    const start = clock.now()
    if (this.other !== undefined) log.progress(`Another run works in namespace ${this.namespace}: ${this.other}.`)
    await waitFor({
      look: async () => (await this.isTaken() ? { pending: `waits for ${this.other ?? ''}` } : { done: true }),
      interval: growing, timeout: this.patience, clock, signal, onProgress: sayProgress(log, 'preflight'),
      timedOut: () => new ActionError({
        code: 'locked-by-another-run',
        problem: `Another run works in namespace ${this.namespace} since ${inWords(this.heldFor)}, longer than this one waits: ${this.other ?? ''}.`,
        remedy: 'Look at that run, and run this job again when it is over; or give lock-timeout more. A run that died is out of the way 30 seconds later.',
      }),
    })
    this.patience -= clock.now() - start
  }

  /** Takes the Lease. @throws ActionError when the API does not answer. @returns false when another run has had it since it was looked at: what was seen then may be old */
  async acquire(): Promise<boolean> {
    if (this.state !== 'free') return true
    try {
      const taken = await this.put({ acquireTime: this.time(), leaseTransitions: (this.lease?.spec.leaseTransitions ?? 0) + 1 })
      if (!taken) return false
    } catch (thrown) {
      if (isUnanswered(thrown)) throw thrown
      this.goWithout(thrown)
      return true
    }
    this.state = 'held'
    this.timer = setInterval(() => void this.queue(() => this.renew()), renewEvery).unref()
    return true
  }

  /** @throws ActionError `lock-lost` when another run may have begun */
  check(): void {
    if (this.state !== 'held') return
    if (this.lost === undefined && performance.now() - this.renewed < duration * 1_000) return
    throw new ActionError({
      code: 'lock-lost',
      problem: `This run may no longer be the only one in namespace ${this.namespace}: ${this.lost ?? `its Lease ${leaseName} could not be renewed for ${duration} seconds`}.`,
      remedy: 'Run the job again: it waits for the other, and goes on from what is there.',
    })
  }

  /**
   * Runs helm, and keeps in the Lease that it does until it has done all: a revision that it leaves pending, because it was
   * killed or the API was away when it wanted to say how it ended, is then known to be ours.
   */
  async during<T>(work: Omit<HelmWork, 'holder'>, run: () => Promise<T>): Promise<T> {
    if (this.state !== 'held') return run()
    this.works = [...this.works, { ...work, holder: this.holder.id }].slice(-5)
    await this.queue(() => this.renew())
    this.check()
    const result = await run()
    this.works = []
    return result
  }

  /** Gives the Lease back, at once, whatever happened. @param gone whether nothing of this target is left, nor shall the Lease be */
  async release(gone = false): Promise<void> {
    clearInterval(this.timer)
    if (this.state !== 'held' || this.lost !== undefined) return
    const kubernetes = this.kubernetes.lasting(this.context.signal.aborted ? lastWordOfCancelled : lastWord)
    await this.queue(async () => {
      if (gone && this.lease) await kubernetes.remove(this.path, this.lease.metadata.uid, `delete Lease ${leaseName}`)
      else await kubernetes.replace<Lease>(this.path, this.body({}), `give back Lease ${leaseName}`)
    }).catch((thrown: unknown) => this.context.log.debug(`Lease ${leaseName} could not be given back, and ends by itself: ${messageOf(thrown)}`))
    this.state = 'free'
  }

  private get path(): string {
    return paths.leasePath(this.namespace, leaseName)
  }

  /** The other run that has it now, for people. */
  private get other(): string | undefined {
    const { holderIdentity = '', renewTime = '', leaseDurationSeconds = 0 } = this.lease?.spec ?? {}
    const alive = holderIdentity !== '' && Date.parse(renewTime) + leaseDurationSeconds * 1_000 > this.kubernetes.now()
    return alive && holderIdentity !== this.holder.id ? (this.lease?.metadata.annotations?.[`${leaseName}/run`] ?? holderIdentity) : undefined
  }

  private get heldFor(): number {
    return this.kubernetes.now() - Date.parse(this.lease?.spec.acquireTime ?? '')
  }

  private time(): string {
    return new Date(this.kubernetes.now()).toISOString().replace('Z', '000Z')
  }

  private remember(lease: Lease | undefined): void {
    this.lease = lease
    this.works = readWorks(lease?.metadata.annotations?.[`${leaseName}/helm`])
  }

  private body(spec: Lease['spec']): object {
    const annotations = { [`${leaseName}/run`]: this.holder.name, ...(this.works.length > 0 && { [`${leaseName}/helm`]: JSON.stringify(this.works) }) }
    const { resourceVersion } = this.lease?.metadata ?? {}
    return {
      apiVersion: 'coordination.k8s.io/v1', kind: 'Lease',
      metadata: { name: leaseName, namespace: this.namespace, annotations, ...(resourceVersion !== undefined && { resourceVersion }) },
      spec: { leaseTransitions: this.lease?.spec.leaseTransitions ?? 0, ...spec },
    }
  }

  /** Writes that this run has it. @returns false when another one does */
  private async put(spec: Partial<Lease['spec']>): Promise<boolean> {
    const { acquireTime = this.time() } = this.lease?.spec ?? {}
    const wanted = this.body({ holderIdentity: this.holder.id, leaseDurationSeconds: duration, acquireTime, renewTime: this.time(), ...spec })
    const began = performance.now()
    try {
      this.lease = this.lease
        ? await this.kubernetes.replace<Lease>(this.path, wanted, `take Lease ${leaseName} in namespace ${this.namespace}`)
        : await this.kubernetes.create<Lease>(paths.leasesPath(this.namespace), wanted, `create Lease ${leaseName} in namespace ${this.namespace}`)
    } catch (thrown) {
      // 404: it was deleted since it was read, and is made at the next try.
      if (!(thrown instanceof StatusError) || ![404, 409].includes(thrown.status)) throw thrown
      const works = this.works
      this.remember(await this.kubernetes.get<Lease>(this.path, `read Lease ${leaseName} in namespace ${this.namespace}`))
      // Ours: the answer to an earlier try was lost.
      if (this.lease?.spec.holderIdentity !== this.holder.id) return false
      this.works = works
    }
    this.renewed = began
    return true
  }

  /** What cannot be asked now is asked again at the next turn; `check` knows since when it was not renewed. */
  private async renew(): Promise<void> {
    try {
      if (!await this.put({})) this.lost = `${this.other ?? 'somebody'} has taken its Lease ${leaseName}`
    } catch (thrown) {
      this.context.log.debug(`Lease ${leaseName} was not renewed: ${messageOf(thrown)}`)
    }
  }

  /** One write after the other: each needs the resourceVersion that the one before it made. */
  private queue<T>(write: () => Promise<T>): Promise<T> {
    const next = this.writing.catch(() => undefined).then(write)
    this.writing = next
    return next
  }

  private goWithout(thrown: unknown): void {
    if (this.context.signal.aborted) throw cancelled()
    this.state = 'without'
    const why = thrown instanceof ActionError ? `This identity may not get, create and update Leases in namespace ${this.namespace}` : `Lease ${leaseName} in namespace ${this.namespace} cannot be taken (${messageOf(thrown)})`
    this.context.log.note(`${why}: only the concurrency group of the workflow keeps another run from working here at the same time.`)
  }
}

/** Whether the API gave no answer, where it could have said that nobody may have a Lease here. */
const isUnanswered = (thrown: unknown): boolean => thrown instanceof ActionError && thrown.code !== 'cluster-forbidden'

/** What the annotation says; nothing when somebody else has written it. */
function readWorks(text: string | undefined): readonly HelmWork[] {
  try {
    const works = JSON.parse(text ?? '[]') as unknown
    const isWork = (work: Partial<HelmWork> | null): boolean => typeof work?.holder === 'string' && typeof work.release === 'string' && typeof work.revision === 'number'
    return Array.isArray(works) && works.every(isWork) ? (works as HelmWork[]) : []
  } catch {
    return []
  }
}
