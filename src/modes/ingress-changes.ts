/** The planned changes of the Ingress, before the ARN of a new certificate is known. */
import * as ingress from '../steps/ingress/ingress.ts'
import type { CertificateDecision } from '../steps/certificate/selection.ts'
import type { LoadBalancerSnapshot } from '../steps/load-balancer/snapshot.ts'
import * as loadBalancer from '../steps/load-balancer/load-balancer.ts'
import type { Target } from '../steps/preflight/preflight.ts'
import type { Change } from '../steps/step.ts'
import type { Run } from './clients.ts'

/** Stands for the ARN of a certificate that the run does not know. */
export const unknownCertificateArn = '(the certificate of the deployment)'

/** The ARN that the Ingress should contain, as far as it is known before the import. */
export function expectedArn(decision: CertificateDecision): string {
  if (decision.action === 'none') return unknownCertificateArn
  return decision.action === 'import' ? '(known after the import)' : decision.arn
}

/**
 * The differences of the Ingress from the inputs. If there are none, the annotation that requests a
 * reconcile, in case the load balancer differs from the Ingress.
 */
export function planIngressChanges(
  { context, settings }: Run,
  target: Target,
  certificateArn: string,
  snapshot: LoadBalancerSnapshot | undefined,
): readonly Change[] {
  const changes = ingress.plan(target, settings, certificateArn)
  if (changes.length > 0 || !target.ingress) return changes
  return loadBalancer.plan(target, settings, {
    applied: { ingress: target.ingress, eventCursor: undefined },
    observed: snapshot,
    now: new Date(context.clock.now()),
  })
}
