/**
 * What the events of an Ingress say. Pure tables.
 * Source: AWS Load Balancer Controller v3.5.0, pkg/k8s/events.go and the errors of ELBv2, EC2 and ACM.
 */
import type { Event } from '../kubernetes/types.ts'

/** The controller's word on an Ingress. `refused` is final: waiting does not help; `trouble` may heal by itself. */
export type Verdict =
  | { readonly kind: 'reconciled' }
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string }

const refusingReasons = new Set(['FailedLoadGroupID', 'FailedAddFinalizer', 'FailedBuildModel', 'FailedDeployModel', 'FailedUpdateStatus', 'FailedRemoveFinalizer'])

/** Errors that time heals; everything else that the controller says is final. */
const transient = /Throttl|RequestLimitExceeded|ServiceUnavailable|InternalFailure|InternalError|PriorityInUse|ResourceInUse|DependencyViolation|the object has been modified|context deadline exceeded|timed out waiting|connection re(fused|set)|i\/o timeout|EOF|request send failed/

/** ELB may not know a certificate for about a minute after its import. Source: terraform-provider-aws #10510, #41789. */
const certificateUnknown = /CertificateNotFound|UnsupportedCertificate/

/** What to do about a refusal: the first pattern that matches. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [/CertificateNotFound|no certificate found/, 'Check that the certificate is in the region and account of the load balancer.'],
  [/UnsupportedCertificate/, 'Use a certificate with a fully qualified name and a key that an ALB takes (RSA 2048, EC P-256 or larger).'],
  [/SSLPolicyNotFound/, 'Set ssl-policy to one that ELB has in this region ("aws elbv2 describe-ssl-policies").'],
  [/ExpiredToken|InvalidClientTokenId|NoCredentialProviders|failed to refresh cached credentials|AssumeRoleWithWebIdentity/, "Mend the credentials of the controller's service account (IRSA or Pod Identity), then run the job again."],
  [/AccessDenied|UnauthorizedOperation|not authorized to perform/, "This is the controller's role, not the job's: give it the policy of its version (docs/install/iam_policy.json of the AWS Load Balancer Controller)."],
  [/OperationNotPermitted/, 'Ask AWS Support: this account may not make load balancers yet.'],
  [/DuplicateLoadBalancerName/, 'Choose another load-balancer-name.'],
  [/conflicting/, 'Another Ingress of the group says otherwise: make them agree, or change group-name.'],
  [/TooMany\w+|LimitExceeded/, 'Ask AWS for a higher quota, or delete what is not used.'],
  [/InvalidSubnetID|subnets by names or IDs/, 'Correct the input subnets: ids or Name tags of subnets in the VPC of the cluster.'],
  [/subnet/i, 'Tag two subnets in different zones with kubernetes.io/role/elb=1 (internal: kubernetes.io/role/internal-elb=1), or set subnets.'],
  [/security groups?|InvalidGroup/i, 'Set security-groups to groups of the VPC of the cluster.'],
  [/unable to find port/, 'Set service-port to a port of the Service.'],
  [/Service "[^"]*" not found/, 'Set service, or release, to the Milvus that is meant.'],
  [/invalid ingress class|IngressClass/, 'Set ingress-class to an IngressClass of the controller ("kubectl get ingressclass").'],
]

const fallbackRemedy = 'Change what the message names (an input, an annotation, or the set-up of the controller), then run the job again: that makes the controller look at once.'

/** Whether an event is one of the controller's about deploying an Ingress. */
export const isVerdict = ({ reason }: Event): boolean => reason === 'SuccessfullyReconciled' || refusingReasons.has(reason ?? '')

/** @param freshCertificate whether the certificate was imported so recently that ELB may not know it */
export function verdict(event: Event, freshCertificate: boolean): Verdict {
  if (event.reason === 'SuccessfullyReconciled') return { kind: 'reconciled' }
  const message = readable(event.message ?? event.reason ?? '')
  if (transient.test(message) || (freshCertificate && certificateUnknown.test(message))) return { kind: 'trouble', message }
  return { kind: 'refused', message, remedy: remedies.find(([pattern]) => pattern.test(message))?.[1] ?? fallbackRemedy }
}

/** The message without what differs between two tries of the same: the recorder's prefix and AWS' request id. */
export function readable(message: string): string {
  return message
    .replace(/^\(combined from similar events\): /, '')
    .replace(/https response error StatusCode: (\d+), RequestID: [^,]*, (api error )?/, 'HTTP $1, ')
    .replace(/\s*status code: \d+, request id: \S+/, '')
}

/** The newest verdict: by the API's resourceVersion, which grows with every write. */
export function newest(events: readonly Event[]): Event | undefined {
  return events.filter(isVerdict).reduce<Event | undefined>((latest, event) => (latest && version(latest) >= version(event) ? latest : event), undefined)
}

/** A resourceVersion as a number. Source: Kubernetes API concepts, Resource versions: comparable within one type of resource. */
export const asNumber = (resourceVersion: string): bigint => (/^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n)

/** An object's resourceVersion. */
export const version = (object: { metadata: { resourceVersion: string } }): bigint => asNumber(object.metadata.resourceVersion)
