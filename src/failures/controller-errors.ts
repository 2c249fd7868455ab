/**
 * Errors in the events of the AWS Load Balancer Controller, and what to do about each. Source: AWS
 * Load Balancer Controller v3.5.0, and the errors of ELBv2, EC2 and ACM that it passes on.
 * docs/troubleshooting.md lists them (`npm run docs`).
 */

/** An error that only a person can fix. */
export interface ControllerError {
  /** Parts of messages, one of which occurs; `*` stands for one word, and case does not matter. */
  readonly contains: readonly string[]
  readonly remedy: string
}

const controllerPolicyRemedy =
  "Attach the IAM policy of the controller's version to the controller's role, not to that of this job (docs/install/iam_policy.json of the AWS Load Balancer Controller)"

const addonRemedy =
  'turn them off with the arguments --enable-wafv2=false, --enable-waf=false and --enable-shield=false of the controller (enableWafv2, enableWaf and enableShield in the values of its chart)'

const subnetRequirements =
  'two subnets in different zones with kubernetes.io/role/elb=1 (internal: kubernetes.io/role/internal-elb=1), with eight free addresses each'

/** The first match wins, so errors of AWS precede the texts of the controller around them. */
export const controllerErrors: readonly ControllerError[] = [
  // Certificates and TLS
  {
    contains: ['CertificateNotFound', 'no certificate found'],
    remedy: 'Check that the certificate is in the region and account of the load balancer.',
  },
  {
    contains: ['UnsupportedCertificate'],
    remedy:
      'Use a certificate with a fully qualified domain name and a key that an ALB supports (RSA 2048, EC P-256 or larger).',
  },
  {
    contains: ['certificate must be specified'],
    remedy:
      'Remove empty values of certificate-arn from the IngressClassParams of the class. An HTTPS listener needs a certificate.',
  },
  {
    contains: ['SSLPolicyNotFound'],
    remedy:
      'Set ssl-policy to a policy that ELB has in this region ("aws elbv2 describe-ssl-policies").',
  },
  {
    contains: ['TrustStoreNotFound'],
    remedy:
      'Correct the trust store of mutual-authentication in input annotations. It must be in the region and account of the load balancer.',
  },

  // Permissions of the controller. A role that cannot be assumed is also reported as AccessDenied.
  {
    contains: [
      'ExpiredToken',
      'InvalidClientTokenId',
      'NoCredentialProviders',
      'failed to refresh cached credentials',
      'AssumeRoleWithWebIdentity',
      'no EC2 IMDS role found',
    ],
    remedy:
      "Fix the credentials of the controller's service account (IRSA or Pod Identity), then run the job again.",
  },
  {
    contains: ['service control policy', 'resource control policy', 'permissions boundary'],
    remedy: `Have that policy of the organization, or the permissions boundary of the controller's role, allow the action. For actions of WAF and Shield, you can ${addonRemedy}.`,
  },
  {
    contains: ['https://wafv2.', 'https://waf-regional.', 'https://shield.'],
    remedy: `The controller cannot reach WAF or Shield, which it asks about every ALB. Give its pods a route to them, or ${addonRemedy}.`,
  },
  {
    contains: ['DescribeListenerAttributes'],
    remedy: `${controllerPolicyRemedy}. Since v2.9 that policy contains elasticloadbalancing:DescribeListenerAttributes.`,
  },
  {
    contains: ['AccessDenied', 'UnauthorizedOperation', 'not authorized to perform'],
    remedy: `${controllerPolicyRemedy}.`,
  },

  // Load balancer. Deletion protection is also reported as OperationNotPermitted.
  {
    contains: ['deletion protection'],
    remedy:
      'Turn off deletion protection first (deletion_protection.enabled=false in load-balancer-attributes of input annotations), or keep the previous scheme: a different scheme requires a new ALB.',
  },
  {
    contains: ['OperationNotPermitted'],
    remedy: 'Ask AWS Support to enable load balancers for this account.',
  },
  {
    contains: ['DuplicateLoadBalancerName'],
    remedy: 'Choose another load-balancer-name.',
  },
  {
    contains: ['DuplicateTargetGroupName'],
    remedy:
      'Delete the target group of that name. It was created by hand, or by another cluster with the same name.',
  },
  {
    contains: ['conflicting'],
    remedy:
      'Another Ingress of the group has a different value. Make them equal, or change group-name.',
  },

  // Quotas
  {
    contains: ['RulesPerSecurityGroupLimitExceeded'],
    remedy: 'Request a higher quota of rules per security group, or shorten inbound-cidrs.',
  },
  {
    contains: ['InvalidPermission.Duplicate'],
    remedy:
      'Write each CIDR block as EC2 stores it (10.0.0.0/8, not 10.0.0.1/8), in inbound-cidrs, and in inboundCIDRs of the IngressClassParams.',
  },
  {
    contains: ['TooMany', 'LimitExceeded', 'AssociationLimit'],
    remedy: 'Request a higher quota from AWS, or delete unused resources.',
  },

  // gRPC
  {
    contains: ['matcher GRPC code'],
    remedy:
      'Remove success-codes from input annotations and from the Service, or set it to gRPC codes (0 to 99). A gRPC target group does not accept HTTP codes.',
  },
  {
    contains: [
      'IncompatibleProtocols',
      'InvalidLoadBalancerAction',
      'InvalidConfigurationRequest',
      'protocol-version',
    ],
    remedy:
      'gRPC needs an HTTPS listener that only forwards. Remove the annotations listen-ports, ssl-redirect, actions and auth-* from the Ingresses of the group and from the class.',
  },

  // Subnets, from the most specific to any other message about them
  {
    contains: [
      'InvalidSubnetID',
      'SubnetNotFound',
      'subnets by names or IDs',
      "couldn't find all subnets",
      'subnet ID not found',
      'subnet with Name tag not found',
    ],
    remedy: 'Correct input subnets. Use IDs or Name tags of subnets in the VPC of the cluster.',
  },
  {
    contains: ['multiple subnets in same Availability Zone', 'subnets in multiple locales'],
    remedy:
      'Set subnets to one subnet per zone. Do not mix subnets of a local zone or an Outpost with others.',
  },
  {
    contains: ['less than minimal required count'],
    remedy: `An ALB needs two zones. Tag ${subnetRequirements}, or set subnets to two.`,
  },
  {
    contains: ['InvalidSubnet'],
    remedy:
      'Set subnets to subnets in two zones, with eight free addresses each and, for an internet-facing ALB, a route to an internet gateway.',
  },
  {
    contains: ['subnet'],
    remedy: `Tag ${subnetRequirements}, none of them for another cluster only; or set subnets.`,
  },

  // Security groups
  {
    contains: ['security group', 'securityGroup', 'InvalidGroup', 'requested names'],
    remedy: 'Set security-groups to IDs or Name tags of security groups in the VPC of the cluster.',
  },

  // Service
  {
    contains: ['healthCheckPort'],
    remedy:
      'Set healthcheck-port to traffic-port or a number, in input annotations or on the Service (whose annotations take precedence).',
  },
  {
    contains: ['unable to find port'],
    remedy: 'Set service-port to a port of the Service.',
  },
  {
    contains: ['Service "*" not found'],
    remedy: 'Set input service, or release, to the Milvus to use.',
  },
  {
    contains: ['EnableIPTargetType'],
    remedy:
      'Remove EnableIPTargetType=false from --feature-gates of the controller. A ClusterIP Service needs the target type ip.',
  },
  {
    contains: ['external managed tag'],
    remedy:
      'Remove that tag from input tags (and from the annotation tags of the Service), or from --external-managed-tags of the controller.',
  },
  {
    contains: ['TargetGroup port is empty', 'unknown targetType'],
    remedy:
      'Remove target-type from the annotations of the Service, and targetType from the IngressClassParams of the class. A ClusterIP Service needs the target type ip.',
  },
  {
    contains: ['unsupported IPv6', 'not dual-stack', 'not dualstack'],
    remedy:
      'The Service has IPv6 addresses. Add alb.ingress.kubernetes.io/ip-address-type: dualstack to input annotations, and use subnets with IPv6.',
  },

  // Class and group
  {
    contains: ['namespaceSelector'],
    remedy:
      'Label the namespace as the class requires, or set ingress-class to another class ("kubectl get ingressclass").',
  },
  {
    contains: ['unknown parameters'],
    remedy:
      'Create the IngressClassParams that the class refers to, or set ingress-class to another class.',
  },
  {
    contains: ['invalid ingress group'],
    remedy:
      'Set group-name to at most 63 lower-case letters, digits, - and ., with a letter or digit at both ends.',
  },
  {
    contains: ['invalid ingress class', 'IngressClass'],
    remedy: 'Set ingress-class to an IngressClass of the controller ("kubectl get ingressclass").',
  },

  // Annotations
  {
    contains: ['listen-ports', 'listen port must', 'listen protocol must'],
    remedy:
      'Correct the annotation listen-ports of the Ingress that the message names. For its own Ingress, this action sets it from input listen-port.',
  },
  {
    contains: ['SSLRedirect'],
    remedy:
      'Remove ssl-redirect from input annotations (and sslRedirectPort from the class), or set it to listen-port.',
  },
  {
    contains: ['load balancer name'],
    remedy: 'Set load-balancer-name to at most 32 letters, digits and -.',
  },
  {
    contains: ['inbound-cidrs'],
    remedy:
      'Correct inbound-cidrs. Write each as 10.0.0.0/8, or as an IPv6 block for a dualstack ALB.',
  },
  {
    contains: [
      'unknown scheme',
      'unknown IPAddressType',
      'backend protocol',
      'healthCheckProtocol',
      'failed to parse * annotation',
    ],
    remedy:
      'Correct that annotation. It is set in input annotations, on the Service (whose annotations take precedence), or in the class.',
  },
]

/** What to do about every other error. */
export const unknownErrorRemedy =
  'Correct what the message names (an input, an annotation, or the configuration of the controller), then run the job again. A new run makes the controller retry at once.'
