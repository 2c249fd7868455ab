/**
 * Looks and works while no other run changes the same namespace; what a dead one left half-done in
 * helm is finished first.
 */
import type { ActionError } from '../failures/action-error.ts'
import { toActionError } from '../failures/thrown.ts'
import type { Context, Outcome } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import { identifyHolder } from '../locking/holder.ts'
import { Lock } from '../locking/lease-lock.ts'
import {
  findInterruptedOperation,
  recover,
  type InterruptedOperation,
} from '../steps/release/recovery.ts'
import type { LockedClients, Clients } from './clients.ts'

/** What a mode does. */
export interface LockedOperation<P> {
  /** Reads everything and plans; is done again when what it saw may be old. */
  readonly buildPlan: () => Promise<Outcome<P>>
  /** Whether the plan writes anything: a run that does not needs no Lease. */
  readonly requiresLock: (plan: P, lock: Lock) => boolean
  /**
   * @param context its `changed` fails when the Lease was lost.
   * @returns true when nothing of the target is left
   */
  readonly apply: (context: Context, plan: P, clients: LockedClients) => Promise<boolean>
}

type PlanOrInterruption<P> = { readonly plan: P } | { readonly interrupted: InterruptedOperation }

/** @throws ActionError of the step that failed, `locked-by-another-run`, `lock-lost` */
export async function withLock<P>(
  context: Context,
  settings: Settings,
  clients: Clients,
  env: NodeJS.ProcessEnv,
  operation: LockedOperation<P>,
): Promise<void> {
  const holder = identifyHolder(env)
  const clientsWithLock: Promise<LockedClients> = clients.cluster.then((cluster) => ({
    ...clients,
    ...cluster,
    lock: new Lock(context, {
      kubernetes: cluster.kubernetes,
      namespace: settings.namespace,
      timeout: settings.timeouts.lock,
      holder,
    }),
  }))
  let isFullyRemoved = false
  try {
    for (;;) {
      const planned = await context.step('preflight', () =>
        acquireAndPlan(settings, clientsWithLock, operation),
      )
      const lockedClients = await clientsWithLock
      if ('plan' in planned) {
        const guardedContext: Context = {
          ...context,
          recordChange: (change) => {
            lockedClients.lock.assertHeld()
            context.recordChange(change)
          },
        }
        isFullyRemoved = await operation.apply(guardedContext, planned.plan, lockedClients)
        return
      }
      await context.step('release', async () => ({
        summary: await recover(context, settings, lockedClients, planned.interrupted),
        result: undefined,
      }))
    }
  } finally {
    await clientsWithLock.then(
      ({ lock }) => lock.release(isFullyRemoved),
      () => undefined,
    )
  }
}

/**
 * Looks at the target and at the Lease at once, for mostly nobody has it, until what was seen
 * holds.
 */
async function acquireAndPlan<P>(
  settings: Settings,
  clientsWithLock: Promise<LockedClients>,
  { buildPlan, requiresLock }: LockedOperation<P>,
): Promise<Outcome<PlanOrInterruption<P>>> {
  for (;;) {
    const [isHeldByOther, attempt] = await Promise.all([
      // A cluster that cannot be reached is what the look says.
      clientsWithLock.then(
        ({ lock }) => lock.isHeldByOther(),
        () => false,
      ),
      buildPlan().then(
        (outcome) => ({ outcome }),
        (thrown: unknown) => ({ failure: toActionError(thrown) }),
      ),
    ])
    // Whom nobody can reach need not be asked again.
    if ('failure' in attempt && attempt.failure.code === 'cluster-unreachable')
      throw attempt.failure
    // The other may have begun after the look, and be what made it fail.
    if (
      'failure' in attempt &&
      !isHeldByOther &&
      !(await clientsWithLock.then(
        ({ lock }) => lock.hasChangedSinceRead(),
        () => false,
      ))
    ) {
      const interrupted = await findInterruptedRun(settings, clientsWithLock, attempt.failure)
      if (await (await clientsWithLock).lock.acquire())
        return {
          summary: `release ${interrupted.release} is ${interrupted.revision.status}, left so by a helm of ours that died`,
          result: { interrupted },
        }
    } else if ('outcome' in attempt && !isHeldByOther) {
      const { summary, result } = attempt.outcome
      const { lock } = await clientsWithLock
      if (!requiresLock(result, lock) || (await lock.acquire()))
        return { summary, result: { plan: result } }
    }
    await (await clientsWithLock).lock.waitUntilFree()
  }
}

/** @throws `failure` when it is not that a run of this action died in helm */
async function findInterruptedRun(
  settings: Settings,
  clientsWithLock: Promise<LockedClients>,
  failure: ActionError,
): Promise<InterruptedOperation> {
  if (!failure.allErrors.some(({ code }) => code === 'release-pending')) throw failure
  const { kubernetes, lock } = await clientsWithLock
  const interrupted = await findInterruptedOperation(settings, kubernetes, lock.pendingOperations)
  if (!interrupted) throw failure
  return interrupted
}
