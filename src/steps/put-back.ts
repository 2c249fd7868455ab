/** What certificate and ingress do after a run that failed: what it made is removed, what it changed is as it was. */
import type { Acm } from '../aws/acm.ts'
import type { Context } from '../core/step.ts'
import { ownedAnnotations } from '../kubernetes/ownership.ts'
import { ingressPath } from '../kubernetes/paths.ts'
import type { Ingress } from '../kubernetes/types.ts'
import type { Settings } from '../settings/types.ts'
import type { Served } from './certificate.ts'
import * as certificateRemoval from './certificate-removal.ts'
import { applyIngress, desired, giveBack } from './ingress.ts'
import { certificateArns, differences, fieldManager, restored } from './ingress-object.ts'
import * as ingressRemoval from './ingress-removal.ts'
import type { Target } from './preflight.ts'

/** A way back waits no longer than this for a load balancer to go: what made the run fail may be what keeps it. Seconds. */
const patience = 120

const impatient = (settings: Settings): Settings => ({ ...settings, timeouts: { ...settings.timeouts, loadBalancer: Math.min(patience, settings.timeouts.loadBalancer) } })

const why = 'put back, because the run failed'

/**
 * Deletes the certificate that this run imported, once nothing uses it.
 * @returns what there is to show for it
 * @throws ActionError `certificate-in-use`
 */
export async function deleteCertificate(context: Context, settings: Settings, acm: Acm, { arn, leaf }: Served): Promise<string> {
  const own = [{ arn, leaf, others: [] }]
  await certificateRemoval.remove(context, impatient(settings), acm, own, certificateRemoval.planRemoval(own).map((change) => ({ ...change, why })))
  context.output('certificate-arn', '')
  context.output('certificate-expiry', '')
  return 'the new one is deleted'
}

/**
 * Makes the Ingress what it was; one that this run made is deleted.
 * @returns what there is to show for it
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `ingress-not-deleted`
 */
export async function restoreIngress(context: Context, settings: Settings, rooms: ingressRemoval.Rooms, target: Target, certificateArn: string): Promise<string> {
  const { ingressName, ingress: before } = target
  const live = await rooms.kubernetes.get<Ingress>(ingressPath(settings.namespace, ingressName), `read Ingress ${ingressName}`)
  if (!live) return `there is no Ingress ${ingressName}`
  if (ownedAnnotations(live, fieldManager).size === 0) return `${ingressName} is not of this run, and is left alone`
  sayGone(context, before, certificateArn)
  if (!before) {
    const removal = { namespace: target.namespace, ingressName, ingress: live, others: [], restored: undefined }
    return ingressRemoval.remove(context, impatient(settings), rooms, removal, undefined, ingressRemoval.planRemoval(removal, settings).map((change) => ({ ...change, why })))
  }
  const was = restored(before, desired(settings, target, certificateArn))
  const changes = differences(was, live)
  changes.forEach((difference) => context.changed({ step: 'ingress', object: `Ingress ${settings.namespace}/${ingressName}`, ...difference, why }))
  if (changes.length > 0) await applyIngress(settings, rooms.kubernetes, target, was)
  if (ownedAnnotations(before, fieldManager).size === 0) await giveBack(context, rooms.kubernetes, settings.namespace, before)
  return `${ingressName} is as it was`
}

/** Outputs of what this run no longer stands for. */
function sayGone(context: Context, before: Ingress | undefined, certificateArn: string): void {
  context.output('alb-address', '')
  context.output('endpoint', '')
  const [served = ''] = before ? certificateArns(before) : []
  if (served === certificateArn) return
  context.output('certificate-arn', served)
  context.output('certificate-expiry', '')
}
