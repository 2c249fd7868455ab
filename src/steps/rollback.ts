/** Rolls the certificate and the Ingress back after a run that failed. */
import type { Acm } from '../clients/aws/acm.ts'
import { ownedAnnotations } from '../clients/kubernetes/field-ownership.ts'
import { ingressPath } from '../clients/kubernetes/paths.ts'
import type { Ingress } from '../clients/kubernetes/types.ts'
import type { Settings } from '../inputs/types.ts'
import type { CertificateRef } from './certificate/certificate.ts'
import * as certificateRemoval from './certificate/removal.ts'
import { applyIngress, buildDesiredManifest } from './ingress/ingress.ts'
import {
  buildPreviousManifest,
  diffIngress,
  fieldManager,
  parseCertificateArns,
} from './ingress/manifest.ts'
import { restoreOwnership } from './ingress/ownership.ts'
import * as ingressRemoval from './ingress/removal.ts'
import type { Target } from './preflight/preflight.ts'
import type { RemovalTarget } from './preflight/removal.ts'
import type { Change, Context } from './step.ts'

/**
 * Seconds that a rollback waits at most for a load balancer to be deleted: what made the run fail
 * may also keep it.
 */
const maxRollbackWait = 120

const withCappedTimeout = (settings: Settings): Settings => ({
  ...settings,
  timeouts: {
    ...settings.timeouts,
    loadBalancer: Math.min(maxRollbackWait, settings.timeouts.loadBalancer),
  },
})

const why = 'rolled back because the run failed'

const asRollback = (changes: readonly Change[]): Change[] =>
  changes.map((change) => ({ ...change, why }))

/**
 * Deletes the certificate that this run imported, once nothing uses it.
 * @returns the outcome, for the log
 * @throws ActionError `certificate-in-use`
 */
export async function deleteCertificate(
  context: Context,
  settings: Settings,
  acm: Acm,
  { arn, leaf }: CertificateRef,
): Promise<string> {
  const certificates = [{ arn, leaf, inUseBy: [] }]
  const changes = asRollback(certificateRemoval.planRemoval(certificates))
  await certificateRemoval.remove(context, withCappedTimeout(settings), acm, {
    certificates,
    changes,
  })
  context.setOutput('certificate-arn', '')
  context.setOutput('certificate-expiry', '')
  return 'the new certificate is deleted'
}

/** What the run applied. */
export interface AppliedTarget {
  /** With the Ingress as it was before the run. */
  readonly target: Target
  readonly certificateArn: string
}

/**
 * Restores the Ingress that existed before the run, or deletes the one that the run created.
 * @returns the outcome, for the log
 * @throws ActionError `ingress-conflict`, `ingress-refused`, `ingress-not-deleted`
 */
export async function restoreIngress(
  context: Context,
  settings: Settings,
  clients: ingressRemoval.IngressRemovalClients,
  { target, certificateArn }: AppliedTarget,
): Promise<string> {
  const { ingressName, ingress: before } = target
  const live = await clients.kubernetes.get<Ingress>(
    ingressPath(settings.namespace, ingressName),
    `read Ingress ${ingressName}`,
  )
  if (!live) return `Ingress ${ingressName} does not exist`
  if (ownedAnnotations(live, fieldManager).size === 0)
    return `Ingress ${ingressName} was not applied by this run and is unchanged`
  clearOutputs(context, before, certificateArn)
  if (!before) {
    const { namespace } = target
    return deleteNewIngress(context, settings, clients, { namespace, ingressName, ingress: live })
  }
  const manifest = buildPreviousManifest(
    before,
    buildDesiredManifest(settings, target, certificateArn),
  )
  const differences = diffIngress(manifest, live)
  const object = `Ingress ${settings.namespace}/${ingressName}`
  for (const difference of differences)
    context.recordChange({ step: 'ingress', object, ...difference, why })
  if (differences.length > 0) await applyIngress(settings, clients.kubernetes, target, manifest)
  if (ownedAnnotations(before, fieldManager).size === 0)
    await restoreOwnership(context, clients.kubernetes, settings.namespace, before)
  return `Ingress ${ingressName} is restored`
}

async function deleteNewIngress(
  context: Context,
  settings: Settings,
  clients: ingressRemoval.IngressRemovalClients,
  newIngress: Pick<RemovalTarget, 'namespace' | 'ingressName' | 'ingress'>,
): Promise<string> {
  const target = { ...newIngress, otherIngresses: [], serviceToRestore: undefined }
  const changes = asRollback(ingressRemoval.planRemoval(target, settings))
  return ingressRemoval.remove(context, withCappedTimeout(settings), clients, {
    target,
    observed: undefined,
    changes,
  })
}

/** Resets the outputs that the run set for what is now rolled back. */
function clearOutputs(context: Context, before: Ingress | undefined, certificateArn: string): void {
  context.setOutput('alb-address', '')
  context.setOutput('endpoint', '')
  const [previousArn = ''] = before ? parseCertificateArns(before) : []
  if (previousArn === certificateArn) return
  context.setOutput('certificate-arn', previousArn)
  context.setOutput('certificate-expiry', '')
}
