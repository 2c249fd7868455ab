/**
 * Plans and applies while no other run changes the same namespace. First finishes what an earlier
 * run left incomplete when it was killed during Helm.
 */
import type { ActionError } from '../failures/action-error.ts'
import { toActionError } from '../failures/thrown.ts'
import type { Clients, LockedClients, LockedRun, Run } from '../steps/run.ts'
import type { Outcome } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import type { Holder } from '../locking/holder.ts'
import { Lock } from '../locking/lease-lock.ts'
import {
  findInterruptedOperation,
  recover,
  type InterruptedOperation,
} from '../steps/release/recovery.ts'

/** A mode that writes. */
export interface LockedOperation<P, S extends Settings> {
  /** Reads and plans. Called again when another run may have changed what it read. */
  readonly buildPlan: () => Promise<Outcome<P>>
  /** Whether the plan writes anything. A run that writes nothing needs no Lease. */
  readonly requiresLock: (plan: P, lock: Lock) => boolean
  /**
   * @param run `recordChange` of its context throws when the Lease was lost
   * @returns whether nothing of the target is left, so that the Lease can be deleted
   */
  readonly apply: (run: LockedRun<S>, plan: P) => Promise<{ readonly isFullyRemoved: boolean }>
}

type PlanOrInterruption<P> = { readonly plan: P } | { readonly interrupted: InterruptedOperation }

/** @throws ActionError of the step that failed, `locked-by-another-run`, `lock-lost` */
export async function withLock<P, S extends Settings>(
  run: Run<Clients, S>,
  holder: Holder,
  operation: LockedOperation<P, S>,
): Promise<void> {
  const clientsWithLock = createLockedClients(run, holder)
  const acquire = (): Promise<PlanOrInterruption<P>> =>
    run.context.step('preflight', () => acquireAndPlan(run.settings, clientsWithLock, operation))
  let isFullyRemoved = false
  try {
    let acquired = await acquire()
    const lockedRun = { ...run, clients: await clientsWithLock }
    while ('interrupted' in acquired) {
      await recoverRelease(lockedRun, acquired.interrupted)
      acquired = await acquire()
    }
    ;({ isFullyRemoved } = await operation.apply(guardChanges(lockedRun), acquired.plan))
  } finally {
    const lock = await lockIfConnected(clientsWithLock)
    await lock?.release(isFullyRemoved)
  }
}

async function createLockedClients(run: Run, holder: Holder): Promise<LockedClients> {
  const { context, settings, clients } = run
  const cluster = await clients.cluster
  const lock = new Lock(context, {
    kubernetes: cluster.kubernetes,
    namespace: settings.namespace,
    timeout: settings.timeouts.lock,
    holder,
  })
  return { ...clients, ...cluster, lock }
}

/** @returns undefined when the cluster cannot be reached, which the plan reports */
const lockIfConnected = (clients: Promise<LockedClients>): Promise<Lock | undefined> =>
  clients.then(
    ({ lock }) => lock,
    () => undefined,
  )

/** The same run, which fails instead of recording a change when the Lease was lost. */
function guardChanges<S>(run: LockedRun<S>): LockedRun<S> {
  const { context, clients } = run
  const recordChange: typeof context.recordChange = (change) => {
    clients.lock.assertHeld()
    context.recordChange(change)
  }
  return { ...run, context: { ...context, recordChange } }
}

const recoverRelease = (run: LockedRun, interrupted: InterruptedOperation): Promise<void> =>
  run.context.step('release', async () => ({
    summary: await recover(run, interrupted),
    result: undefined,
  }))

/** Tries until no other run interferes, and until it holds the Lease if the plan needs it. */
async function acquireAndPlan<P>(
  settings: Settings,
  clients: Promise<LockedClients>,
  operation: Pick<LockedOperation<P, never>, 'buildPlan' | 'requiresLock'>,
): Promise<Outcome<PlanOrInterruption<P>>> {
  for (;;) {
    const acquired = await tryToAcquire(settings, clients, operation)
    if (acquired) return acquired
    await (await clients).lock.waitUntilFree()
  }
}

/**
 * Plans and reads the Lease at the same time, because the Lease is usually free.
 * @returns undefined when another run holds the Lease
 * @throws ActionError of the plan, unless another run may be its reason
 */
async function tryToAcquire<P>(
  settings: Settings,
  clients: Promise<LockedClients>,
  { buildPlan, requiresLock }: Pick<LockedOperation<P, never>, 'buildPlan' | 'requiresLock'>,
): Promise<Outcome<PlanOrInterruption<P>> | undefined> {
  const [isHeldByOther, attempt] = await Promise.all([
    lockIfConnected(clients).then((lock) => lock?.isHeldByOther() ?? false),
    attemptPlan(buildPlan),
  ])
  if ('failure' in attempt) {
    const { failure } = attempt
    // Without the cluster, the Lease cannot be read either.
    if (failure.code === 'cluster-unreachable') throw failure
    if (isHeldByOther || (await hasLeaseChanged(clients))) return undefined
    return acquireForRecovery(settings, clients, failure)
  }
  if (isHeldByOther) return undefined
  const { summary, result: plan } = attempt.outcome
  const { lock } = await clients
  if (requiresLock(plan, lock) && !(await lock.acquire())) return undefined
  return { summary, result: { plan } }
}

type PlanAttempt<P> = { readonly outcome: Outcome<P> } | { readonly failure: ActionError }

async function attemptPlan<P>(buildPlan: () => Promise<Outcome<P>>): Promise<PlanAttempt<P>> {
  try {
    return { outcome: await buildPlan() }
  } catch (thrown) {
    return { failure: toActionError(thrown) }
  }
}

/** Whether another run may have started after the Lease was read, and made the plan fail. */
async function hasLeaseChanged(clients: Promise<LockedClients>): Promise<boolean> {
  const lock = await lockIfConnected(clients)
  return (await lock?.hasChangedSinceRead()) ?? false
}

/**
 * @returns undefined when another run holds the Lease
 * @throws ActionError `failure`, unless its reason is a run of this action that died during Helm
 */
async function acquireForRecovery(
  settings: Settings,
  clients: Promise<LockedClients>,
  failure: ActionError,
): Promise<Outcome<{ readonly interrupted: InterruptedOperation }> | undefined> {
  if (!failure.allErrors.some(({ code }) => code === 'release-pending')) throw failure
  const { kubernetes, lock } = await clients
  const interrupted = await findInterruptedOperation(settings, kubernetes, lock.pendingOperations)
  if (!interrupted) throw failure
  if (!(await lock.acquire())) return undefined
  const { release, revision } = interrupted
  return {
    summary: `release ${release} is ${revision.status}, an earlier run was killed while Helm ran`,
    result: { interrupted },
  }
}
