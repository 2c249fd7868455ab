/** deploy: plans, applies the changes, and probes Milvus through the ALB. */
import type { EndpointSettings, Settings } from '../inputs/types.ts'
import { identifyHolder } from '../locking/holder.ts'
import { deleteSuperseded, logSupersededNotes } from '../steps/certificate/superseded.ts'
import * as ingress from '../steps/ingress/ingress.ts'
import type { LockedRun, EndpointRun } from '../steps/run.ts'
import type { Change, Context, Outcome } from '../steps/step.ts'
import { applyPlan } from './apply-plan.ts'
import { createClients } from './clients.ts'
import { printPlan } from './dry-run.ts'
import { reportIrreversibleChanges } from './irreversible.ts'
import { setAddressOutputs } from './outputs.ts'
import { buildPlan, listChanges, type Plan } from './plan.ts'
import { withRollback } from './rollback.ts'
import { withLock } from './with-lock.ts'

/** @throws ActionError of the step that failed */
export async function deploy(
  context: Context,
  settings: EndpointSettings,
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const run: EndpointRun = { context, settings, clients: createClients(context, settings, env) }
  if (settings.dryRun) {
    await previewDeployment(run)
    return
  }
  await withLock(run, identifyHolder(env), {
    buildPlan: () => planDeployment(run),
    requiresLock: (plan) => listChanges(plan).length > 0 || plan.certificate.superseded.length > 0,
    apply: async (lockedRun, plan) => {
      await applyDeployment(lockedRun, plan)
      return { isFullyRemoved: false }
    },
  })
}

async function planDeployment(run: EndpointRun): Promise<Outcome<Plan>> {
  const outcome = await buildPlan(run)
  reportIrreversibleChanges(run, outcome.result)
  return outcome
}

async function previewDeployment(run: EndpointRun): Promise<void> {
  const { context, settings } = run
  const plan = await context.step('preflight', () => planDeployment(run))
  setAddressOutputs(context, settings, plan.target)
  if (settings.probe.required) logSupersededNotes(context, plan.certificate)
  noteUncheckedKey(context, settings)
  await printPlan(context, sortByExecution(listChanges(plan), settings))
}

function noteUncheckedKey(context: Context, { certificate }: EndpointSettings): void {
  if (certificate.kind === 'material' && certificate.material.key === undefined)
    context.recordUnreadable(
      'whether private-key belongs to certificate and clients accept the chain: it is empty',
    )
}

/** With cutover "last", the release changes after everything else. */
function sortByExecution(changes: readonly Change[], { cutover }: Settings): readonly Change[] {
  if (cutover !== 'last') return changes
  const isRelease = ({ step }: Change): boolean => step === 'release'
  return [...changes.filter((change) => !isRelease(change)), ...changes.filter(isRelease)]
}

async function applyDeployment(run: LockedRun<EndpointSettings>, plan: Plan): Promise<void> {
  await withRollback(run.context, run.settings, (registerRollback) =>
    applyPlan({ ...run, plan, registerRollback }),
  )
  await deleteRestService(run, plan)
  await deleteSupersededCertificates(run, plan)
}

/** Deletes the Service of the RESTful API once nothing refers to it and no rollback needs it. */
async function deleteRestService(
  run: LockedRun<EndpointSettings>,
  { ingress: operations }: Plan,
): Promise<void> {
  const cleanup = operations.filter(ingress.isCleanup)
  if (cleanup.length === 0) return
  await run.context.step('ingress', async () => {
    await ingress.apply(run, cleanup)
    const names = cleanup.map(({ name }) => name).join(', ')
    return { summary: `Service ${names} is deleted`, result: undefined }
  })
}

/** Deletes earlier certificates of this target, after the probe has confirmed the new one. */
async function deleteSupersededCertificates(
  run: LockedRun<EndpointSettings>,
  plan: Plan,
): Promise<void> {
  if (plan.certificate.superseded.length === 0 || !run.settings.probe.required) return
  await run.context.step('certificate', async () => {
    await deleteSuperseded(run, plan.certificate)
    return { summary: 'cleaned up superseded certificates', result: undefined }
  })
}
