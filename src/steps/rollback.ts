/**
 * What certificate and ingress do after a run that failed: what it made is removed, what it changed
 * is as it was.
 */
import type { Acm } from '../clients/aws/acm.ts'
import type { Context } from './step.ts'
import { ownedAnnotations } from '../clients/kubernetes/field-ownership.ts'
import { ingressPath } from '../clients/kubernetes/paths.ts'
import type { Ingress } from '../clients/kubernetes/types.ts'
import type { Settings } from '../inputs/types.ts'
import type { CertificateRef } from './certificate/certificate.ts'
import * as certificateRemoval from './certificate/removal.ts'
import { applyIngress, buildDesiredManifest, restoreOwnership } from './ingress/ingress.ts'
import {
  parseCertificateArns,
  diffIngress,
  fieldManager,
  buildPreviousManifest,
} from './ingress/manifest.ts'
import * as ingressRemoval from './ingress/removal.ts'
import type { Target } from './preflight/preflight.ts'

/**
 * A way back waits no longer than this for a load balancer to go: what made the run fail may be
 * what keeps it. Seconds.
 */
const maxRollbackWait = 120

const withCappedTimeout = (settings: Settings): Settings => ({
  ...settings,
  timeouts: {
    ...settings.timeouts,
    loadBalancer: Math.min(maxRollbackWait, settings.timeouts.loadBalancer),
  },
})

const why = 'put back, because the run failed'

/**
 * Deletes the certificate that this run imported, once nothing uses it.
 * @returns what there is to show for it
 * @throws ActionError `certificate-in-use`
 */
export async function deleteCertificate(
  context: Context,
  settings: Settings,
  acm: Acm,
  { arn, leaf }: CertificateRef,
): Promise<string> {
  const certificates = [{ arn, leaf, inUseBy: [] }]
  await certificateRemoval.remove(
    context,
    withCappedTimeout(settings),
    acm,
    certificates,
    certificateRemoval.planRemoval(certificates).map((change) => ({ ...change, why })),
  )
  context.setOutput('certificate-arn', '')
  context.setOutput('certificate-expiry', '')
  return 'the new one is deleted'
}

/**
 * Makes the Ingress what it was; one that this run made is deleted.
 * @returns what there is to show for it
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `ingress-not-deleted`
 */
export async function restoreIngress(
  context: Context,
  settings: Settings,
  clients: ingressRemoval.IngressRemovalClients,
  target: Target,
  certificateArn: string,
): Promise<string> {
  const { ingressName, ingress: before } = target
  const live = await clients.kubernetes.get<Ingress>(
    ingressPath(settings.namespace, ingressName),
    `read Ingress ${ingressName}`,
  )
  if (!live) return `there is no Ingress ${ingressName}`
  if (ownedAnnotations(live, fieldManager).size === 0)
    return `${ingressName} is not of this run, and is left alone`
  clearOutputs(context, before, certificateArn)
  if (!before) {
    const removalTarget = {
      namespace: target.namespace,
      ingressName,
      ingress: live,
      otherIngresses: [],
      serviceToRestore: undefined,
    }
    return ingressRemoval.remove(
      context,
      withCappedTimeout(settings),
      clients,
      removalTarget,
      undefined,
      ingressRemoval.planRemoval(removalTarget, settings).map((change) => ({ ...change, why })),
    )
  }
  const previousManifest = buildPreviousManifest(
    before,
    buildDesiredManifest(settings, target, certificateArn),
  )
  const changes = diffIngress(previousManifest, live)
  changes.forEach((difference) =>
    context.recordChange({
      step: 'ingress',
      object: `Ingress ${settings.namespace}/${ingressName}`,
      ...difference,
      why,
    }),
  )
  if (changes.length > 0) await applyIngress(settings, clients.kubernetes, target, previousManifest)
  if (ownedAnnotations(before, fieldManager).size === 0)
    await restoreOwnership(context, clients.kubernetes, settings.namespace, before)
  return `${ingressName} is as it was`
}

/** Outputs of what this run no longer stands for. */
function clearOutputs(context: Context, before: Ingress | undefined, certificateArn: string): void {
  context.setOutput('alb-address', '')
  context.setOutput('endpoint', '')
  const [previousArn = ''] = before ? parseCertificateArns(before) : []
  if (previousArn === certificateArn) return
  context.setOutput('certificate-arn', previousArn)
  context.setOutput('certificate-expiry', '')
}
