/**
 * What the controller's error messages mean. Source: AWS Load Balancer Controller v3.5.0 and the
 * errors of ELBv2, EC2 and ACM that it passes on.
 */
import { controllerErrors, unknownErrorRemedy } from '../failures/controller-errors.ts'

/** Errors that a later attempt of the controller may not have. */
const transientErrors: readonly RegExp[] = [
  // AWS throttles the controller.
  /Throttl|RequestLimitExceeded|TooManyRequests/,
  // An API of AWS is unavailable.
  /ServiceUnavailable|InternalFailure|InternalError/,
  // AWS has not released a resource yet.
  /PriorityInUse|ResourceInUse|DependencyViolation|timed out waiting/,
  // The Ingress changed during the reconcile.
  /the object has been modified/,
  // The network of the controller failed.
  /context deadline exceeded|connection re(fused|set)|i\/o timeout|EOF|request send failed/,
  // The controller restarts, or the Kubernetes API does not answer in time.
  /context canceled|etcdserver: |TLS handshake timeout/,
]

/**
 * Errors that AWS reports shortly after the controller has created something, and Kubernetes while
 * the server of a webhook starts. A later attempt succeeds, unless something is really missing.
 */
const propagationErrors: readonly RegExp[] = [
  /\b(LoadBalancer|TargetGroup|Listener|Rule)NotFound/,
  /WAFUnavailableEntityException|WAFNonexistentItemException/,
  // A security group that the controller has created. Those of a user are named first.
  /^(?!.*couldn't find all security groups).*InvalidGroup\.NotFound/s,
  /no endpoints available for service/,
]

/**
 * Not transient, although a network error follows in the message: a service account without a role
 * makes the controller ask the node's metadata service, which does not answer.
 */
const missingRole = /no EC2 IMDS role found|NoCredentialProviders/

/**
 * WAF and Shield, which the controller asks about every ALB, cannot be reached. In a VPC without a
 * route to them that does not change. Source: the controller's issues 1734, 2797 and 2885.
 */
const addonUnreachable =
  /\/\/(?:wafv2|waf-regional|shield)\.[a-z0-9.-]{1,200}\/?": (?:dial tcp|context deadline exceeded)/

/**
 * ELB may not know a certificate for about a minute after its import. Source:
 * terraform-provider-aws #10510, #41789.
 */
const certificateNotYetKnown = /CertificateNotFound|UnsupportedCertificate/

/** What was written so recently that AWS may not know all of it. */
export interface RecentWrites {
  /** The certificate, by its import. */
  readonly certificate?: boolean
  /** The Ingress, so that the controller has just created or changed resources. */
  readonly apply?: boolean
}

export function isTransientError(message: string, recent: RecentWrites): boolean {
  if (recent.certificate && certificateNotYetKnown.test(message)) return true
  if (addonUnreachable.test(message)) return recent.apply === true
  if (recent.apply && propagationErrors.some((error) => error.test(message))) return true
  return transientErrors.some((error) => error.test(message)) && !missingRole.test(message)
}

/** `*` stands for one word. */
function toPattern(contains: readonly string[]): RegExp {
  const alternatives = contains.map((part) => RegExp.escape(part).replaceAll('\\*', '\\S*'))
  return new RegExp(alternatives.join('|'), 'i')
}

/** What to do about an error that is not transient. */
export function findRemedy(message: string): string {
  const error = controllerErrors.find(({ contains }) => toPattern(contains).test(message))
  return error?.remedy ?? unknownErrorRemedy
}
