/**
 * What the events of an Ingress say. Pure tables. Source: AWS Load Balancer Controller v3.5.0,
 * pkg/k8s/events.go and the errors of ELBv2, EC2 and ACM.
 */
import type { Event } from '../clients/kubernetes/types.ts'

/**
 * The controller's word on an Ingress. `refused` is final: waiting does not help; `trouble` may
 * heal by itself.
 */
export type ReconcileStatus =
  | { readonly kind: 'reconciled' }
  | { readonly kind: 'trouble'; readonly message: string }
  | { readonly kind: 'refused'; readonly message: string; readonly remedy: string }

const failureReasons = new Set([
  'FailedLoadGroupID',
  'FailedAddFinalizer',
  'FailedBuildModel',
  'FailedDeployModel',
  'FailedUpdateStatus',
  'FailedRemoveFinalizer',
])

/** Errors that time heals; everything else that the controller says is final. */
const transientErrors =
  /Throttl|RequestLimitExceeded|TooManyRequests|ServiceUnavailable|InternalFailure|InternalError|PriorityInUse|ResourceInUse|DependencyViolation|the object has been modified|context deadline exceeded|timed out waiting|connection re(fused|set)|i\/o timeout|EOF|request send failed/

/**
 * Final, though the words of a broken network come after it: a service account without a role asks
 * the node, which does not answer.
 */
const missingRole = /no EC2 IMDS role found|NoCredentialProviders/

/**
 * ELB may not know a certificate for about a minute after its import. Source:
 * terraform-provider-aws #10510, #41789.
 */
const certificateNotYetKnown = /CertificateNotFound|UnsupportedCertificate/

const [subnetRequirements, controllerPolicyRemedy] = [
  'two subnets in different zones with kubernetes.io/role/elb=1 (internal: kubernetes.io/role/internal-elb=1), with eight free addresses each',
  "This is the controller's role, not the job's: give it the policy of its version (docs/install/iam_policy.json of the AWS Load Balancer Controller)",
]

/** What to do about a refusal: the first pattern that matches. */
const remedies: readonly (readonly [RegExp, string])[] = [
  [
    /CertificateNotFound|no certificate found/,
    'Check that the certificate is in the region and account of the load balancer.',
  ],
  [
    /UnsupportedCertificate/,
    'Use a certificate with a fully qualified name and a key that an ALB takes (RSA 2048, EC P-256 or larger).',
  ],
  [
    /certificate must be specified/i,
    'Take empty values of certificate-arn out of the IngressClassParams of the class: an HTTPS listener needs a certificate.',
  ],
  [
    /SSLPolicyNotFound/,
    'Set ssl-policy to one that ELB has in this region ("aws elbv2 describe-ssl-policies").',
  ],
  [
    /TrustStoreNotFound/,
    'Correct the trust store in mutual-authentication of annotations: it must be in the region and account of the load balancer.',
  ],
  [
    /ExpiredToken|InvalidClientTokenId|NoCredentialProviders|failed to refresh cached credentials|AssumeRoleWithWebIdentity|no EC2 IMDS role found/,
    "Mend the credentials of the controller's service account (IRSA or Pod Identity), then run the job again.",
  ],
  [
    /DescribeListenerAttributes/,
    `${controllerPolicyRemedy}; since v2.9 that has elasticloadbalancing:DescribeListenerAttributes.`,
  ],
  [/AccessDenied|UnauthorizedOperation|not authorized to perform/, `${controllerPolicyRemedy}.`],
  [
    /deletion protection/i,
    'Turn deletion protection off first (load-balancer-attributes in annotations: deletion_protection.enabled=false), or keep scheme as it was: another scheme needs another ALB.',
  ],
  [/OperationNotPermitted/, 'Ask AWS Support: this account may not make load balancers yet.'],
  [/DuplicateLoadBalancerName/, 'Choose another load-balancer-name.'],
  [
    /DuplicateTargetGroupName/,
    'Delete the target group of that name, which another cluster of the same name, or a hand, has made.',
  ],
  [
    /conflicting/,
    'Another Ingress of the group says otherwise: make them agree, or change group-name.',
  ],
  [
    /RulesPerSecurityGroupLimitExceeded/,
    'Ask AWS for more rules per security group, or shorten inbound-cidrs.',
  ],
  [
    /TooMany\w+|LimitExceeded|AssociationLimit/,
    'Ask AWS for a higher quota, or delete what is not used.',
  ],
  [
    /matcher GRPC code/,
    'Take success-codes out of annotations (and off the Service), or give it gRPC codes, 0 to 99: a gRPC target group takes no HTTP codes.',
  ],
  [
    /IncompatibleProtocols|InvalidLoadBalancerAction|InvalidConfigurationRequest|protocol-version/,
    'gRPC takes an HTTPS listener and forwarding only: take listen-ports, ssl-redirect, actions and auth annotations off the Ingresses of the group and the class.',
  ],
  [
    /InvalidSubnetID|SubnetNotFound|subnets by names or IDs|couldn't find all subnets|subnet ID not found|subnet with Name tag not found/,
    'Correct the input subnets: ids or Name tags of subnets in the VPC of the cluster.',
  ],
  [
    /multiple subnets in same Availability Zone|subnets in multiple locales/,
    'Set subnets to one subnet for each zone, none of them in a local zone or on an Outpost beside others.',
  ],
  [
    /less than minimal required count/,
    `An ALB takes two zones: tag ${subnetRequirements}, or set subnets to two.`,
  ],
  [
    /InvalidSubnet/,
    'Set subnets to subnets in two zones, with eight free addresses each and, for an internet-facing ALB, a route to an internet gateway.',
  ],
  [/subnet/i, `Tag ${subnetRequirements}, none of them for another cluster only; or set subnets.`],
  [
    /security ?groups?|InvalidGroup|requested names/i,
    'Set security-groups to ids or Name tags of groups in the VPC of the cluster.',
  ],
  [/unable to find port/, 'Set service-port to a port of the Service.'],
  [/Service "[^"]*" not found/, 'Set service, or release, to the Milvus that is meant.'],
  [
    /TargetGroup port is empty|unknown targetType/,
    'Take target-type off the annotations of the Service, and targetType out of the IngressClassParams of the class: a ClusterIP Service needs ip.',
  ],
  [
    /unsupported IPv6|not dual-?stack/,
    'The Service has IPv6 addresses: give annotations the entry alb.ingress.kubernetes.io/ip-address-type: dualstack, and subnets with IPv6.',
  ],
  [
    /namespaceSelector/,
    'Label the namespace as the class wants, or set ingress-class to another class ("kubectl get ingressclass").',
  ],
  [
    /unknown parameters/,
    'Create the IngressClassParams that the class names, or set ingress-class to another class.',
  ],
  [
    /invalid ingress group/,
    'Set group-name to at most 63 lower-case letters, digits, - and ., with a letter or digit at both ends.',
  ],
  [
    /invalid ingress class|IngressClass/,
    'Set ingress-class to an IngressClass of the controller ("kubectl get ingressclass").',
  ],
  [
    /listen-ports|listen (port|protocol) must/,
    'Correct the annotation listen-ports of the Ingress that the message names; of its own this action makes it from listen-port.',
  ],
  [
    /SSLRedirect/,
    'Take ssl-redirect out of annotations (and sslRedirectPort out of the class), or set it to listen-port.',
  ],
  [/load balancer name/, 'Set load-balancer-name to at most 32 letters, digits and -.'],
  [
    /inbound-cidrs/,
    'Correct inbound-cidrs: each as 10.0.0.0/8, or an IPv6 one for a dualstack ALB.',
  ],
  [
    /unknown scheme|unknown IPAddressType|backend protocol|healthCheckProtocol|failed to parse \w+ annotation/,
    'Correct that annotation: in annotations, on the Service (whose annotations win), or in the class.',
  ],
]

const fallbackRemedy =
  'Change what the message names (an input, an annotation, or the set-up of the controller), then run the job again: that makes the controller look at once.'

/** Whether an event is one of the controller's about deploying an Ingress. */
export const isStatusEvent = ({ reason }: Event): boolean =>
  reason === 'SuccessfullyReconciled' || failureReasons.has(reason ?? '')

/**
 * @param newlyImported whether the certificate was imported so recently that ELB may not know it
 */
export function classifyEvent(event: Event, newlyImported: boolean): ReconcileStatus {
  if (event.reason === 'SuccessfullyReconciled') return { kind: 'reconciled' }
  const message = normalizeMessage(event.message ?? event.reason ?? '')
  const isTransient =
    (transientErrors.test(message) && !missingRole.test(message)) ||
    (newlyImported && certificateNotYetKnown.test(message))
  return isTransient
    ? { kind: 'trouble', message }
    : { kind: 'refused', message, remedy: findRemedy(message, event) }
}

function findRemedy(message: string, { involvedObject, metadata }: Event): string {
  const eventIngress = `${involvedObject.namespace ?? metadata.namespace ?? ''}/${involvedObject.name ?? ''}`
  const [, failedIngress] = /ingress: ([^\s/:]+\/[^\s/:]+): /.exec(message) ?? []
  const remedy = remedies.find(([pattern]) => pattern.test(message))?.[1] ?? fallbackRemedy
  // Of a group every member hears of the failure of one.
  return failedIngress === undefined || failedIngress === eventIngress
    ? remedy
    : `This is about Ingress ${failedIngress} of the same group, not about ours: mend it ("kubectl -n ${failedIngress.replace('/', ' describe ingress ')}") or take it out of the group, or change group-name.`
}

/**
 * The message without what differs between two tries of the same: the recorder's prefix and AWS'
 * request id.
 */
export function normalizeMessage(message: string): string {
  return message
    .replace(/^\(combined from similar events\): /, '')
    .replace(/https response error StatusCode: (\d+), RequestID: [^,]*, (api error )?/, 'HTTP $1, ')
    .replace(/\s{0,9}status code: \d+, request id: \S+/, '')
}

/** The newest verdict: by the API's resourceVersion, which grows with every write. */
export function latestStatusEvent(events: readonly Event[]): Event | undefined {
  return events
    .filter(isStatusEvent)
    .reduce<Event | undefined>(
      (latest, event) =>
        latest && getResourceVersion(latest) >= getResourceVersion(event) ? latest : event,
      undefined,
    )
}

/**
 * Of events as they come, only the newest verdict among those that count: the others are not kept.
 */
export const keepLatestStatusEvent =
  (isRelevant: (event: Event) => boolean) =>
  (events: readonly Event[]): Event[] => {
    const latest = latestStatusEvent(events.filter(isRelevant))
    return latest ? [latest] : []
  }

/** What narrows events to those of an Ingress. */
export const buildEventSelector = (ingress: string) => ({
  fieldSelector: `involvedObject.kind=Ingress,involvedObject.name=${ingress}`,
})

/**
 * A resourceVersion as a number. Source: Kubernetes API concepts, Resource versions: comparable
 * within one type of resource.
 */
export const parseResourceVersion = (resourceVersion: string): bigint =>
  /^\d+$/.test(resourceVersion) ? BigInt(resourceVersion) : 0n

/** An object's resourceVersion. */
export const getResourceVersion = (object: { metadata: { resourceVersion: string } }): bigint =>
  parseResourceVersion(object.metadata.resourceVersion)
