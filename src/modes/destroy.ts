/** destroy: removes what this action created, and nothing else. */
import type { RemovalSettings } from '../inputs/types.ts'
import { readOptional } from '../failures/optional-read.ts'
import { identifyHolder } from '../locking/holder.ts'
import { leaseName } from '../locking/lease.ts'
import * as certificate from '../steps/certificate/removal.ts'
import * as ingress from '../steps/ingress/removal.ts'
import type { ReleaseOperation } from '../steps/release/operations.ts'
import { findInterruptedOperation } from '../steps/release/recovery.ts'
import * as release from '../steps/release/release.ts'
import type { LockedRun, Run } from '../steps/run.ts'
import type { Context } from '../steps/step.ts'
import { createClients } from './clients.ts'
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
  settings: RemovalSettings,
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
      return { isFullyRemoved: !(await needsRecords(lockedRun)) }
    },
  })
}

/**
 * Whether the Lease records a revision that a killed run left pending. Without the record, the next
 * deployment could not complete it.
 */
async function needsRecords({
  context,
  settings,
  clients: { kubernetes, lock },
}: LockedRun): Promise<boolean> {
  const read = await readOptional(
    findInterruptedOperation(settings, kubernetes, lock.pendingOperations),
  )
  if (!read.available) {
    context.log.note(
      `Lease ${leaseName} is kept: it records operations of Helm, and this identity cannot read ` +
        'whether a killed run left one of them pending.',
    )
    return true
  }
  if (!read.value) return false
  const { release, revision } = read.value
  context.log.note(
    `Lease ${leaseName} is kept: it records that a killed run left release ${release} ` +
      `${revision.status}, which the next deployment completes.`,
  )
  return true
}

async function removeIngress(run: LockedRun, plan: RemovalPlan): Promise<void> {
  await run.context.step('ingress', async () => {
    const outcome = await ingress.applyRemoval(run, plan.ingress)
    const summary = outcome ?? `Ingress ${plan.target.ingressName} does not exist`
    return { summary, result: undefined }
  })
}

async function restoreService(run: LockedRun, plan: RemovalPlan): Promise<void> {
  const { serviceToRestore } = plan.target
  if (!serviceToRestore) return
  await run.context.step('release', async () => ({
    summary: await restoreServiceType(run, plan.release, serviceToRestore.service),
    result: undefined,
  }))
}

/** @returns a phrase for the log */
async function restoreServiceType(
  run: LockedRun,
  operations: readonly ReleaseOperation[],
  { name, type }: { readonly name: string; readonly type: string },
): Promise<string> {
  if (operations.length === 0) return `unchanged, Service ${name} is of type ${type}`
  const revision = await release.apply(ignoreReleaseInputs(run), operations)
  if (revision !== undefined) run.context.setOutput('release-revision', String(revision))
  return release.reportRestoredService(run, name)
}

async function removeCertificates(run: LockedRun, plan: RemovalPlan): Promise<void> {
  const { ownedCertificates, certificate: operations } = plan
  await run.context.step('certificate', async () => {
    certificate.logUsedCertificates(run.context, ownedCertificates)
    await certificate.applyRemoval(run, operations)
    const summary =
      ownedCertificates.length === 0
        ? 'no certificates of this target in ACM'
        : `${operations.length} of ${ownedCertificates.length} deleted`
    return { summary, result: undefined }
  })
}
