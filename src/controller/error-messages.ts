/**
 * What the controller's error messages mean. Source: AWS Load Balancer Controller v3.5.0 and the
 * errors of ELBv2, EC2 and ACM that it passes on.
 */
import { controllerRemedies as remedies } from '../failures/controller.ts'

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

/** An error that only a person can fix. */
interface PermanentError {
  readonly message: RegExp
  readonly remedy: string
}

/** The first match wins, so errors of AWS precede the texts of the controller around them. */
const permanentErrors: readonly PermanentError[] = [
  // Certificates and TLS
  {
    message: /CertificateNotFound|no certificate found/,
    remedy: remedies.certificateNotFound,
  },
  {
    message: /UnsupportedCertificate/,
    remedy: remedies.certificateUnsupported,
  },
  {
    message: /certificate must be specified/i,
    remedy: remedies.certificateMissing,
  },
  {
    message: /SSLPolicyNotFound/,
    remedy: remedies.sslPolicyNotFound,
  },
  {
    message: /TrustStoreNotFound/,
    remedy: remedies.trustStoreNotFound,
  },

  // Permissions of the controller. A role that cannot be assumed is also reported as AccessDenied.
  {
    message:
      /ExpiredToken|InvalidClientTokenId|NoCredentialProviders|failed to refresh cached credentials|AssumeRoleWithWebIdentity|no EC2 IMDS role found/,
    remedy: remedies.credentialsInvalid,
  },
  {
    message: /DescribeListenerAttributes/,
    remedy: remedies.listenerAttributesDenied,
  },
  {
    message: /AccessDenied|UnauthorizedOperation|not authorized to perform/,
    remedy: remedies.permissionDenied,
  },

  // Load balancer. Deletion protection is also reported as OperationNotPermitted.
  {
    message: /deletion protection/i,
    remedy: remedies.deletionProtected,
  },
  {
    message: /OperationNotPermitted/,
    remedy: remedies.accountNotEnabled,
  },
  {
    message: /DuplicateLoadBalancerName/,
    remedy: remedies.loadBalancerNameTaken,
  },
  {
    message: /DuplicateTargetGroupName/,
    remedy: remedies.targetGroupNameTaken,
  },
  {
    message: /conflicting/,
    remedy: remedies.groupConflict,
  },

  // Quotas
  {
    message: /RulesPerSecurityGroupLimitExceeded/,
    remedy: remedies.securityGroupRuleQuota,
  },
  {
    message: /TooMany\w+|LimitExceeded|AssociationLimit/,
    remedy: remedies.quotaExceeded,
  },

  // gRPC
  {
    message: /matcher GRPC code/,
    remedy: remedies.grpcMatcherInvalid,
  },
  {
    message:
      /IncompatibleProtocols|InvalidLoadBalancerAction|InvalidConfigurationRequest|protocol-version/,
    remedy: remedies.grpcUnsupported,
  },

  // Subnets, from the most specific to any other message about them
  {
    message:
      /InvalidSubnetID|SubnetNotFound|subnets by names or IDs|couldn't find all subnets|subnet ID not found|subnet with Name tag not found/,
    remedy: remedies.subnetsNotFound,
  },
  {
    message: /multiple subnets in same Availability Zone|subnets in multiple locales/,
    remedy: remedies.subnetsInSameZone,
  },
  {
    message: /less than minimal required count/,
    remedy: remedies.tooFewSubnets,
  },
  {
    message: /InvalidSubnet/,
    remedy: remedies.subnetRejected,
  },
  {
    message: /subnet/i,
    remedy: remedies.subnetsNotDiscovered,
  },

  // Security groups
  {
    message: /security ?groups?|InvalidGroup|requested names/i,
    remedy: remedies.securityGroupNotFound,
  },

  // Service
  {
    message: /unable to find port/,
    remedy: remedies.servicePortNotFound,
  },
  {
    message: /Service "[^"]*" not found/,
    remedy: remedies.serviceNotFound,
  },
  {
    message: /TargetGroup port is empty|unknown targetType/,
    remedy: remedies.targetTypeInvalid,
  },
  {
    message: /unsupported IPv6|not dual-?stack/,
    remedy: remedies.ipv6Unsupported,
  },

  // Class and group
  {
    message: /namespaceSelector/,
    remedy: remedies.namespaceNotSelected,
  },
  {
    message: /unknown parameters/,
    remedy: remedies.classParamsNotFound,
  },
  {
    message: /invalid ingress group/,
    remedy: remedies.groupNameInvalid,
  },
  {
    message: /invalid ingress class|IngressClass/,
    remedy: remedies.classInvalid,
  },

  // Annotations
  {
    message: /listen-ports|listen (port|protocol) must/,
    remedy: remedies.listenPortsInvalid,
  },
  {
    message: /SSLRedirect/,
    remedy: remedies.sslRedirectInvalid,
  },
  {
    message: /load balancer name/,
    remedy: remedies.loadBalancerNameInvalid,
  },
  {
    message: /inbound-cidrs/,
    remedy: remedies.inboundCidrsInvalid,
  },
  {
    message:
      /unknown scheme|unknown IPAddressType|backend protocol|healthCheckProtocol|failed to parse \w+ annotation/,
    remedy: remedies.annotationInvalid,
  },
]

/** What to do about an error that is not transient. */
export function findRemedy(message: string): string {
  const error = permanentErrors.find(({ message: pattern }) => pattern.test(message))
  return error?.remedy ?? remedies.other
}
