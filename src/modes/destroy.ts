/** destroy: look at what this action made, remove that and nothing else. The Service, when it is restored, comes before ACM's minutes. */
import { asActionError, settleAll } from '../core/errors.ts'
import type { Change, Context } from '../core/step.ts'
import type { Settings } from '../settings/types.ts'
import * as certificate from '../steps/certificate-removal.ts'
import { hostname } from '../steps/ingress-object.ts'
import * as ingress from '../steps/ingress-removal.ts'
import type { Observed } from '../steps/load-balancer/drift.ts'
import { lookAtElb } from '../steps/load-balancer/wait.ts'
import { Access, removalPermissions, type Permission } from '../steps/preflight/access.ts'
import { helmPermissions } from '../steps/preflight/helm-permissions.ts'
import { observeRemoval, type RemovalTarget } from '../steps/preflight/removal.ts'
import { noClass, restoredLoadBalancer } from '../steps/preflight/service-load-balancer.ts'
import * as release from '../steps/release.ts'
import { leftoverChanges } from '../steps/release-leftovers.ts'
import { reviewUpgrade, type ReviewedUpgrade } from '../steps/release-preview.ts'
import { classChange, restoreClass, type RestoredClass } from '../steps/service-class.ts'
import { rehearse } from './dry-run.ts'
import { exclusively } from './exclusively.ts'
import { count, permissionsOf } from './look.ts'
import { createRooms, type Held, type Rooms } from './rooms.ts'

/** What is there, and what goes. */
export interface Removal {
  readonly target: RemovalTarget
  /** What ELBv2 says of the load balancer of the Ingress. */
  readonly observed: Observed | undefined
  readonly ingress: readonly Change[]
  /** Only with restore-service-type. */
  readonly release: { readonly changes: readonly Change[]; readonly upgrade: ReviewedUpgrade | undefined; readonly restoredClass: RestoredClass | undefined }
  readonly certificate: { readonly found: readonly certificate.Own[]; readonly changes: readonly Change[] }
}

/** Every change of a removal, in the order in which they are made. */
export const changesOf = ({ ingress: ofIngress, release: { changes, restoredClass }, certificate: { changes: ofCertificate } }: Removal): readonly Change[] =>
  [...ofIngress, ...(restoredClass ? [classChange(restoredClass)] : []), ...changes, ...ofCertificate]

/** @throws ActionError of the step that failed */
export async function destroy(context: Context, settings: Settings, environment: NodeJS.ProcessEnv): Promise<void> {
  const rooms = createRooms(context, settings, environment)
  const look = () => lookToRemove(context, settings, rooms)
  if (settings.dryRun) {
    await rehearse(context, changesOf(await context.step('preflight', look)))
    return
  }
  await exclusively(context, settings, rooms, environment, {
    look,
    writes: (plan, { exists }) => exists || changesOf(plan).length > 0,
    make: async (guarded, plan, held) => {
      await remove(guarded, settings, held, plan)
      return true
    },
  })
}

async function remove(context: Context, settings: Settings, rooms: Held, { target, observed, ...changes }: Removal): Promise<void> {
  await context.step('ingress', async () => ({ verdict: await ingress.remove(context, settings, rooms, target, observed, changes.ingress), result: undefined }))

  const { restored } = target
  if (restored) {
    await context.step('release', async () => {
      const { name, type } = restored.service
      if (changes.release.changes.length === 0) return { verdict: `unchanged, Service ${name} is of type ${type}`, result: undefined }
      if (changes.release.restoredClass) await restoreClass(context, rooms.kubernetes, changes.release.restoredClass)
      const revision = await release.apply(context, asDeployed(settings), rooms, restored, changes.release.changes, changes.release.upgrade)
      if (revision !== undefined) context.output('release-revision', String(revision))
      return { verdict: await release.sayRestored(context, settings, rooms.kubernetes, name), result: undefined }
    })
  }

  await context.step('certificate', async () => {
    const { found } = changes.certificate
    const deleted = await certificate.remove(context, settings, rooms.acm, found, changes.certificate.changes)
    return { verdict: found.length === 0 ? 'ACM has none of this target' : `${deleted} of ${found.length} deleted`, result: undefined }
  })
}

/** Every read at once, every problem together, and what would change. Writes nothing. */
export async function lookToRemove(context: Context, settings: Settings, rooms: Rooms): Promise<{ verdict: string; result: Removal }> {
  const access = rooms.cluster.then(({ kubernetes }) => new Access(kubernetes, settings.namespace))
  const finding = Promise.all([rooms.cluster, access]).then(([{ kubernetes }, asked]) => observeRemoval(context, settings, kubernetes, asked))
  const certificates = certificate.observe(context, rooms.acm, rooms.loadBalancers, finding).catch((thrown: unknown) => {
    throw asActionError(thrown).inStep('certificate')
  })
  const observing = finding.then(async (found) => {
    const address = hostname(found.ingress)
    const observed = address === undefined ? undefined : await lookAtElb(settings, rooms.loadBalancers, address)
    ingress.checkProtection(found, observed)
    return observed
  })
  const restoring = Promise.all([rooms.cluster, finding]).then(async ([{ helm, kubernetes }, { restored }]) => {
    const changes = restored ? release.plan(restored, asDeployed(settings)) : []
    if (!restored?.release || changes.length === 0) return { changes, upgrade: undefined, restoredClass: undefined }
    release.check(restored, asDeployed(settings))
    const planning = Promise.resolve().then(() => planClass(context, settings, restored))
    const reviewing = reviewUpgrade(context, asDeployed(settings), { helm, kubernetes }, { ...restored, release: restored.release })
    const [restoredClass, upgrade] = await settleAll([planning, reviewing] as const)
    return { changes: [...changes, ...leftoverChanges(settings.namespace, upgrade.leftovers)], restoredClass, upgrade }
  })
  const ofUpgrade = permissionsOf(restoring.then(({ upgrade }) => upgrade))
  const permitted = Promise.all([access, finding, ofUpgrade]).then(([asked, found, more]) => asked.require([...writePermissions(settings, found), ...more]))
  const [target, found, observed, restoration] = await settleAll([finding, certificates, observing, restoring, permitted] as const)
  context.output('ingress-name', target.ingressName)
  const plan: Removal = { target, observed, ingress: ingress.planRemoval(target, settings), release: restoration, certificate: { found, changes: certificate.planRemoval(found) } }
  const changes = changesOf(plan)
  return { verdict: changes.length === 0 ? 'nothing is left to remove' : `${count(changes)} to make`, result: plan }
}

/** What the inputs ask of the release beside the type of its Service was for a deployment: it stays as it is. */
const asDeployed = (settings: Settings): Settings => ({ ...settings, cutover: 'first', values: {}, chart: { ...settings.chart, version: undefined } })

/** Says which load balancer the restored Service gets. @returns its class, where helm cannot set it. @throws ActionError `service-class-lost` */
function planClass(context: Context, settings: Settings, { namespace, service }: NonNullable<RemovalTarget['restored']>): RestoredClass | undefined {
  if (settings.serviceType !== 'LoadBalancer' || service.type === 'LoadBalancer' || !service.live) return undefined
  context.log.note(`Service ${service.name} gets ${restoredLoadBalancer(settings, service.live).text}.`)
  const { restoredClass } = settings
  if (restoredClass === undefined || restoredClass === noClass) return undefined
  return { namespace: namespace.name, service: service.name, loadBalancerClass: restoredClass, why: 'restore-load-balancer-class asks for it' }
}

function writePermissions(settings: Settings, found: RemovalTarget): Permission[] {
  const { restored } = found
  const upgraded = restored && release.plan(restored, asDeployed(settings)).length > 0 ? restored.release : undefined
  return [
    ...(ingress.planRemoval(found, settings).length > 0 ? removalPermissions(settings.namespace, undefined) : []),
    ...(upgraded ? helmPermissions(settings.helmStorage, settings.namespace, upgraded.last.manifest) : []),
  ]
}
