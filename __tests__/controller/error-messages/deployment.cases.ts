/** Failures to deploy the model, exceeded quotas included. Sources: see formats.ts. */
import { formatElbError, arn, formatEc2Error, type PermanentFailure } from './formats.ts'

export const deploymentFailures: readonly PermanentFailure[] = [
  {
    name: 'a certificate that ACM does not contain',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateListener',
      400,
      'CertificateNotFound: Supplied certificate was not found',
    ),
    remedy: /certificate is in the region and account/,
  },
  {
    name: 'a missing certificate of an existing listener',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'ModifyListener',
      400,
      `CertificateNotFound: Certificate ${arn} not found`,
    ),
    remedy: /certificate is in the region and account/,
  },
  {
    name: 'a missing additional certificate',
    reason: 'FailedDeployModel',
    message: `Failed deploy model due to failed to update extra certificates on listener: operation error Elastic Load Balancing v2: AddListenerCertificates, https response error StatusCode: 400, RequestID: 1, CertificateNotFound: x`,
    remedy: /certificate is in the region and account/,
  },
  {
    name: 'a certificate without a full name',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateListener',
      400,
      `UnsupportedCertificate: The certificate '${arn}' must have a fully-qualified domain name, a supported signature, and a supported key size.`,
    ),
    remedy: /fully qualified domain name/,
  },
  {
    name: 'no certificate at all',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateListener',
      400,
      'api error ValidationError: A certificate must be specified for HTTPS listeners',
    ),
    remedy: /IngressClassParams/,
  },
  {
    name: 'an unknown security policy',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateListener', 400, "SSLPolicyNotFound: SSL policy 'X' not found"),
    remedy: /ssl-policy/,
  },
  {
    name: 'an unknown trust store',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateListener', 400, 'TrustStoreNotFound: x'),
    remedy: /trust store/,
  },
  {
    name: 'gRPC behind an HTTP listener',
    reason: 'FailedDeployModel',
    message: `Failed deploy model due to failed to create listener rule: operation error Elastic Load Balancing v2: CreateRule, https response error StatusCode: 400, RequestID: 1, InvalidLoadBalancerAction: Listener protocol 'HTTP' is not supported with a target group with the protocol-version 'GRPC'`,
    remedy: /needs an HTTPS listener/,
  },
  {
    name: 'incompatible protocols',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateRule', 400, 'IncompatibleProtocols: x'),
    remedy: /needs an HTTPS listener/,
  },
  {
    name: 'a configuration that ELB rejects',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateListener', 400, 'InvalidConfigurationRequest: x'),
    remedy: /needs an HTTPS listener/,
  },
  {
    name: 'success codes of HTTP',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateTargetGroup',
      400,
      "api error ValidationError: Health check matcher GRPC code '200' must be within '0-99' inclusive",
    ),
    remedy: /success-codes/,
  },
  {
    name: 'success codes of HTTP, in the format of the old SDK',
    reason: 'FailedDeployModel',
    message:
      "Failed deploy model due to ValidationError: Health check matcher GRPC code '200' must be within '0-99' inclusive\n\tstatus code: 400, request id: 0a1b",
    remedy: /success-codes/,
  },
  {
    name: 'any other validation error',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateTargetGroup',
      400,
      "api error ValidationError: Health check timeout '10' must be smaller than the interval '5'",
    ),
    remedy: /what the message names/,
  },
  {
    name: 'a subnet that ELB rejects',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateLoadBalancer',
      400,
      'InvalidSubnet: Not enough IP space available in subnet-1. ELB requires at least 8 free IP addresses in each subnet.',
    ),
    remedy: /eight free addresses/,
  },
  {
    name: 'a deleted subnet',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateLoadBalancer', 400, 'SubnetNotFound: x'),
    remedy: /input subnets/,
  },
  {
    name: 'a security group that ELB rejects',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateLoadBalancer', 400, 'InvalidSecurityGroup: x'),
    remedy: /security-groups/,
  },
  {
    name: 'a load balancer name in use',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateLoadBalancer', 400, 'DuplicateLoadBalancerName: x'),
    remedy: /another load-balancer-name/,
  },
  {
    name: 'an existing target group with the same name',
    reason: 'FailedDeployModel',
    message: formatElbError('CreateTargetGroup', 400, 'DuplicateTargetGroupName: x'),
    remedy: /Delete the target group/,
  },
  {
    name: 'deletion protection, when another scheme is requested',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'DeleteLoadBalancer',
      400,
      "OperationNotPermitted: Load balancer 'arn' cannot be deleted because deletion protection is enabled",
    ),
    remedy: /deletion_protection\.enabled=false/,
  },
  // Quotas.
  ...[
    'TooManyLoadBalancers',
    'TooManyTargetGroups',
    'TooManyListeners',
    'TooManyRules',
    'TooManyCertificates',
    'TooManyTargets',
    'TooManyUniqueTargetGroupsPerLoadBalancer',
    'TargetGroupAssociationLimit',
  ].map((code) => ({
    name: `the quota ${code}`,
    reason: 'FailedDeployModel',
    message: formatElbError('CreateLoadBalancer', 400, `${code}: x`),
    remedy: /higher quota/,
  })),
  {
    name: 'the quota SecurityGroupLimitExceeded',
    reason: 'FailedDeployModel',
    message: `Failed deploy model due to ${formatEc2Error('CreateSecurityGroup', 400, 'api error SecurityGroupLimitExceeded: x')}`,
    remedy: /higher quota/,
  },
  {
    name: 'the quota RulesPerSecurityGroupLimitExceeded',
    reason: 'FailedDeployModel',
    message: `Failed deploy model due to ${formatEc2Error('AuthorizeSecurityGroupIngress', 400, 'api error RulesPerSecurityGroupLimitExceeded: x')}`,
    remedy: /shorten inbound-cidrs/,
  },
  {
    name: 'a CIDR block in another form than EC2 stores',
    reason: 'FailedDeployModel',
    message: `Failed deploy model due to ${formatEc2Error('AuthorizeSecurityGroupIngress', 400, 'api error InvalidPermission.Duplicate: the specified rule "peer: 10.0.0.0/8, TCP, from port: 443, to port: 443, ALLOW" already exists')}`,
    remedy: /as EC2 stores it/,
  },
  {
    name: 'an account that cannot create load balancers',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateLoadBalancer',
      400,
      'OperationNotPermitted: This AWS account currently does not support creating load balancers.',
    ),
    remedy: /AWS Support/,
  },
]
