/** destroy: removes what this action created, and nothing else. */
import type { Context } from '../steps/step.ts'
import type { Settings } from '../inputs/types.ts'
import { identifyHolder } from '../locking/holder.ts'
import * as certificate from '../steps/certificate/removal.ts'
import * as ingress from '../steps/ingress/removal.ts'
import { restoreLoadBalancerClass } from '../steps/release/load-balancer-class.ts'
import * as release from '../steps/release/release.ts'
import { createClients, type LockedClients, type Run } from './clients.ts'
import { printPlan } from './dry-run.ts'
import {
  buildRemovalPlan,
  ignoreReleaseInputs,
  listRemovalChanges,
  type RemovalPlan,
} from './removal-plan.ts'
import { withLock } from './with-lock.ts'

/** @throws ActionError of the step that failed */
export async function destroy(
  context: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const run: Run = { context, settings, clients: createClients(context, settings, env) }
  const buildPlan = () => buildRemovalPlan(run)
  if (settings.dryRun) {
    const plan = await context.step('preflight', buildPlan)
    await printPlan(context, listRemovalChanges(plan))
    return
  }
  await withLock(run, identifyHolder(env), {
    buildPlan,
    requiresLock: (plan, { exists }) => exists || listRemovalChanges(plan).length > 0,
    apply: async (lockedRun, plan) => {
      await removeIngress(lockedRun, plan)
      // Before the certificate: ACM may call it used for minutes, and clients need the Service.
      await restoreService(lockedRun, plan)
      await removeCertificates(lockedRun, plan)
      return true
    },
  })
}

async function removeIngress(
  { context, settings, clients }: Run<LockedClients>,
  { target, observed, ingress: changes }: RemovalPlan,
): Promise<void> {
  await context.step('ingress', async () => ({
    summary: await ingress.remove(context, settings, clients, { target, observed, changes }),
    result: undefined,
  }))
}

async function restoreService(run: Run<LockedClients>, plan: RemovalPlan): Promise<void> {
  const { serviceToRestore } = plan.target
  if (!serviceToRestore) return
  await run.context.step('release', async () => ({
    summary: await restoreServiceType(run, plan.release, serviceToRestore),
    result: undefined,
  }))
}

/** @returns a phrase for the log */
async function restoreServiceType(
  { context, settings, clients }: Run<LockedClients>,
  { changes, upgrade, restoredClass }: RemovalPlan['release'],
  serviceToRestore: NonNullable<RemovalPlan['target']['serviceToRestore']>,
): Promise<string> {
  const { name, type } = serviceToRestore.service
  if (changes.length === 0) return `unchanged, Service ${name} is of type ${type}`
  if (restoredClass) await restoreLoadBalancerClass(context, clients.kubernetes, restoredClass)
  const revision = await release.apply(context, ignoreReleaseInputs(settings), clients, {
    target: serviceToRestore,
    changes,
    upgrade,
  })
  if (revision !== undefined) context.setOutput('release-revision', String(revision))
  return release.reportRestoredService(context, settings, clients.kubernetes, name)
}

async function removeCertificates(
  { context, settings, clients }: Run<LockedClients>,
  { certificate: removal }: RemovalPlan,
): Promise<void> {
  await context.step('certificate', async () => {
    const deleted = await certificate.remove(context, settings, clients.acm, removal)
    const total = removal.certificates.length
    const summary =
      total === 0 ? 'no certificates of this target in ACM' : `${deleted} of ${total} deleted`
    return { summary, result: undefined }
  })
}
