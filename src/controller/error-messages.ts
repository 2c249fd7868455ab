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
]

/**
 * Not transient, although a network error follows in the message: a service account without a role
 * makes the controller ask the node's metadata service, which does not answer.
 */
const missingRole = /no EC2 IMDS role found|NoCredentialProviders/

/**
 * ELB may not know a certificate for about a minute after its import. Source:
 * terraform-provider-aws #10510, #41789.
 */
const certificateNotYetKnown = /CertificateNotFound|UnsupportedCertificate/

/**
 * @param newlyImported whether the certificate was imported so recently that ELB may not know it
 */
export function isTransientError(message: string, newlyImported: boolean): boolean {
  if (newlyImported && certificateNotYetKnown.test(message)) return true
  return transientErrors.some((error) => error.test(message)) && !missingRole.test(message)
}

const patterns = new Map(controllerErrors.map((error) => [error, toPattern(error.contains)]))

/** `*` stands for one word. */
function toPattern(contains: readonly string[]): RegExp {
  const alternatives = contains.map((part) => RegExp.escape(part).replaceAll('\\*', '\\S*'))
  return new RegExp(alternatives.join('|'), 'i')
}

/** What to do about an error that is not transient. */
export function findRemedy(message: string): string {
  const error = controllerErrors.find((candidate) => patterns.get(candidate)?.test(message))
  return error?.remedy ?? unknownErrorRemedy
}
