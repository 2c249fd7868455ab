/** Looks and works while no other run changes the same namespace; what a dead one left half-done in helm is finished first. */
import { asActionError, type ActionError } from '../core/errors.ts'
import type { Context, Outcome } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import { holderOf, Lock } from '../steps/lock.ts'
import { findInterrupted, recover, type Interrupted } from '../steps/release-recovery.ts'
import type { Held, Rooms } from './rooms.ts'

/** What a mode does. */
export interface Work<P> {
  /** Reads everything and plans; is done again when what it saw may be old. */
  readonly look: () => Promise<Outcome<P>>
  /** Whether the plan writes anything: a run that does not needs no Lease. */
  readonly writes: (plan: P, lock: Lock) => boolean
  /** @param context its `changed` fails when the Lease was lost. @returns true when nothing of the target is left */
  readonly make: (context: Context, plan: P, rooms: Held) => Promise<boolean>
}

type Entered<P> = { readonly plan: P } | { readonly interrupted: Interrupted }

/** @throws ActionError of the step that failed, `locked-by-another-run`, `lock-lost` */
export async function exclusively<P>(context: Context, settings: Settings, rooms: Rooms, environment: NodeJS.ProcessEnv, work: Work<P>): Promise<void> {
  const holder = holderOf(environment)
  const locking: Promise<Held> = rooms.cluster.then((cluster) => ({ ...rooms, ...cluster, lock: new Lock(context, { kubernetes: cluster.kubernetes, namespace: settings.namespace, timeout: settings.timeouts.lock, holder }) }))
  let nothingLeft = false
  try {
    for (;;) {
      const entered = await context.step('preflight', () => enter(settings, locking, work))
      const held = await locking
      if ('plan' in entered) {
        const guarded: Context = { ...context, changed: (change) => {
          held.lock.check()
          context.changed(change)
        } }
        nothingLeft = await work.make(guarded, entered.plan, held)
        return
      }
      await context.step('release', async () => ({ verdict: await recover(context, settings, held, entered.interrupted), result: undefined }))
    }
  } finally {
    await locking.then(({ lock }) => lock.release(nothingLeft), () => undefined)
  }
}

/** Looks at the target and at the Lease at once, for mostly nobody has it, until what was seen holds. */
async function enter<P>(settings: Settings, locking: Promise<Held>, { look, writes }: Work<P>): Promise<Outcome<Entered<P>>> {
  for (;;) {
    const [isTaken, seen] = await Promise.all([
      // A cluster that cannot be reached is what the look says.
      locking.then(({ lock }) => lock.isTaken(), () => false),
      look().then((outcome) => ({ outcome }), (thrown: unknown) => ({ failure: asActionError(thrown) })),
    ])
    // Whom nobody can reach need not be asked again.
    if ('failure' in seen && seen.failure.code === 'cluster-unreachable') throw seen.failure
    // The other may have begun after the look, and be what made it fail.
    if ('failure' in seen && !isTaken && !await locking.then(({ lock }) => lock.hasMoved(), () => false)) {
      const interrupted = await ofDeadRun(settings, locking, seen.failure)
      if (await (await locking).lock.acquire()) return { verdict: `release ${interrupted.release} is ${interrupted.revision.status}, left so by a helm of ours that died`, result: { interrupted } }
    } else if ('outcome' in seen && !isTaken) {
      const { verdict, result } = seen.outcome
      const { lock } = await locking
      if (!writes(result, lock) || await lock.acquire()) return { verdict, result: { plan: result } }
    }
    await (await locking).lock.wait()
  }
}

/** @throws `failure` when it is not that a run of this action died in helm */
async function ofDeadRun(settings: Settings, locking: Promise<Held>, failure: ActionError): Promise<Interrupted> {
  if (!failure.all.some(({ code }) => code === 'release-pending')) throw failure
  const { kubernetes, lock } = await locking
  const interrupted = await findInterrupted(settings, kubernetes, lock.unfinished)
  if (!interrupted) throw failure
  return interrupted
}
