/** Errors of the AWS Load Balancer Controller, and what to do about them. */
import { ActionError } from './action-error.ts'

const controllerPolicyRemedy =
  "Attach the IAM policy of the controller's version to the controller's role, not to that of this job (docs/install/iam_policy.json of the AWS Load Balancer Controller)"

const subnetRequirements =
  'two subnets in different zones with kubernetes.io/role/elb=1 (internal: kubernetes.io/role/internal-elb=1), with eight free addresses each'

/** What to do about a webhook that the Kubernetes API cannot call. */
export const webhookRemedies = {
  controller:
    'Check that the AWS Load Balancer Controller is running ("kubectl -n kube-system get deployment aws-load-balancer-controller"), then run the job again.',
  other:
    'Check that the server of that webhook is running ("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations" lists them), then run the job again.',
} as const

/** What to do about an error of the controller. Each key says what is wrong. */
export const controllerRemedies = {
  // Certificates and TLS
  certificateNotFound:
    'Check that the certificate is in the region and account of the load balancer.',
  certificateUnsupported:
    'Use a certificate with a fully qualified domain name and a key that an ALB supports (RSA 2048, EC P-256 or larger).',
  certificateMissing:
    'Remove empty values of certificate-arn from the IngressClassParams of the class. An HTTPS listener needs a certificate.',
  sslPolicyNotFound:
    'Set ssl-policy to a policy that ELB has in this region ("aws elbv2 describe-ssl-policies").',
  trustStoreNotFound:
    'Correct the trust store of mutual-authentication in input annotations. It must be in the region and account of the load balancer.',

  // Permissions of the controller
  credentialsInvalid:
    "Fix the credentials of the controller's service account (IRSA or Pod Identity), then run the job again.",
  listenerAttributesDenied: `${controllerPolicyRemedy}. Since v2.9 that policy contains elasticloadbalancing:DescribeListenerAttributes.`,
  permissionDenied: `${controllerPolicyRemedy}.`,

  // Load balancer
  deletionProtected:
    'Turn off deletion protection first (deletion_protection.enabled=false in load-balancer-attributes of input annotations), or keep the previous scheme: a different scheme requires a new ALB.',
  accountNotEnabled: 'Ask AWS Support to enable load balancers for this account.',
  loadBalancerNameTaken: 'Choose another load-balancer-name.',
  loadBalancerNameInvalid: 'Set load-balancer-name to at most 32 letters, digits and -.',
  targetGroupNameTaken:
    'Delete the target group of that name. It was created by hand, or by another cluster with the same name.',
  groupConflict:
    'Another Ingress of the group has a different value. Make them equal, or change group-name.',
  groupNameInvalid:
    'Set group-name to at most 63 lower-case letters, digits, - and ., with a letter or digit at both ends.',

  // Quotas
  securityGroupRuleQuota:
    'Request a higher quota of rules per security group, or shorten inbound-cidrs.',
  quotaExceeded: 'Request a higher quota from AWS, or delete unused resources.',

  // Listeners and rules
  grpcMatcherInvalid:
    'Remove success-codes from input annotations and from the Service, or set it to gRPC codes (0 to 99). A gRPC target group does not accept HTTP codes.',
  grpcUnsupported:
    'gRPC needs an HTTPS listener that only forwards. Remove the annotations listen-ports, ssl-redirect, actions and auth-* from the Ingresses of the group and from the class.',
  listenPortsInvalid:
    'Correct the annotation listen-ports of the Ingress that the message names. For its own Ingress, this action sets it from input listen-port.',
  sslRedirectInvalid:
    'Remove ssl-redirect from input annotations (and sslRedirectPort from the class), or set it to listen-port.',

  // Subnets and security groups
  subnetsNotFound:
    'Correct input subnets. Use IDs or Name tags of subnets in the VPC of the cluster.',
  subnetsInSameZone:
    'Set subnets to one subnet per zone. Do not mix subnets of a local zone or an Outpost with others.',
  tooFewSubnets: `An ALB needs two zones. Tag ${subnetRequirements}, or set subnets to two.`,
  subnetRejected:
    'Set subnets to subnets in two zones, with eight free addresses each and, for an internet-facing ALB, a route to an internet gateway.',
  subnetsNotDiscovered: `Tag ${subnetRequirements}, none of them for another cluster only; or set subnets.`,
  securityGroupNotFound:
    'Set security-groups to IDs or Name tags of security groups in the VPC of the cluster.',
  inboundCidrsInvalid:
    'Correct inbound-cidrs. Write each as 10.0.0.0/8, or as an IPv6 block for a dualstack ALB.',

  // Service
  servicePortNotFound: 'Set service-port to a port of the Service.',
  serviceNotFound: 'Set input service, or release, to the Milvus to use.',
  targetTypeInvalid:
    'Remove target-type from the annotations of the Service, and targetType from the IngressClassParams of the class. A ClusterIP Service needs the target type ip.',
  ipv6Unsupported:
    'The Service has IPv6 addresses. Add alb.ingress.kubernetes.io/ip-address-type: dualstack to input annotations, and use subnets with IPv6.',

  // Class
  namespaceNotSelected:
    'Label the namespace as the class requires, or set ingress-class to another class ("kubectl get ingressclass").',
  classParamsNotFound:
    'Create the IngressClassParams that the class refers to, or set ingress-class to another class.',
  classInvalid:
    'Set ingress-class to an IngressClass of the controller ("kubectl get ingressclass").',

  annotationInvalid:
    'Correct that annotation. It is set in input annotations, on the Service (whose annotations take precedence), or in the class.',
  other:
    'Correct what the message names (an input, an annotation, or the configuration of the controller), then run the job again. A new run makes the controller retry at once.',
} as const

/** @param ingress `NAMESPACE/NAME` of another Ingress of the group, which the error is about */
export const groupMemberRemedy = (ingress: string): string =>
  `The error is about Ingress ${ingress} of the same group. Fix that Ingress ("kubectl -n ${ingress.replace('/', ' describe ingress ')}") or remove it from the group, or change group-name.`

/** The API could not call an admission webhook, of the controller or of something else. */
export function webhookUnavailable({
  webhook,
  ingress,
  message,
  cause,
}: {
  webhook: string
  ingress: string
  message: string
  cause: unknown
}): ActionError {
  return new ActionError({
    code: 'controller-webhook-unavailable',
    problem: `The Kubernetes API could not call webhook ${webhook}, which must admit Ingress ${ingress}: ${message}`,
    remedy: webhook.endsWith('.elbv2.k8s.aws') ? webhookRemedies.controller : webhookRemedies.other,
    cause,
  })
}
