import { describe, expect, test } from '@jest/globals'
import {
  isStatusEvent,
  latestStatusEvent,
  normalizeMessage,
  classifyEvent,
  getResourceVersion,
} from '../../src/controller/events.ts'
import { createEvent } from '../steps/fixtures.ts'

const buildPrefix = 'Failed build model due to '
const formatElbError = (operation: string, status: number, detail: string): string =>
  `Failed deploy model due to operation error Elastic Load Balancing v2: ${operation}, https response error StatusCode: ${status}, RequestID: 3f2a1b-77, ${detail}`
const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/x'

const formatEc2Error = (operation: string, status: number, detail: string): string =>
  `operation error EC2: ${operation}, https response error StatusCode: ${status}, RequestID: 1, ${detail}`
const ingressPrefix = `${buildPrefix}ingress: milvus/milvus-demo: `
const subnetPrefix = `${buildPrefix}couldn't auto-discover subnets: `
const groupPrefix = 'failed load groupID due to invalid ingress group: '
const classPrefix = 'failed load groupID due to invalid ingress class: '

/**
 * Texts of controller v3.5.0, and of older ones where they differ, as seen or as its source has
 * them.
 */
const permanentFailures: { name: string; reason: string; message: string; remedy: RegExp }[] = [
  // Building the model.
  {
    name: 'no certificate for the host',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}no certificate found for host: other.example.com`,
    remedy: /certificate is in the region and account/,
  },
  {
    name: 'subnets that are not tagged',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}unable to resolve at least one subnet. Evaluated 4 subnets: 2 are tagged for other clusters, and 0 have insufficient available IP addresses`,
    remedy: /^Tag two subnets.*kubernetes\.io\/role\/elb.*eight free addresses/,
  },
  {
    name: 'subnets that are not tagged, before v2.7',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}unable to discover at least one subnet`,
    remedy: /^Tag two subnets/,
  },
  {
    name: 'one subnet',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}subnets count less than minimal required count: 1 < 2`,
    remedy: /needs two zones/,
  },
  {
    name: 'two subnets of a zone',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}multiple subnets in same Availability Zone us-east-2a: [subnet-1 subnet-2]`,
    remedy: /one subnet per zone/,
  },
  {
    name: 'subnets of a zone and an Outpost',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}subnets in multiple locales`,
    remedy: /Outpost/,
  },
  {
    name: 'subnets that do not exist',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to list subnets by names or IDs: ${formatEc2Error('DescribeSubnets', 400, "api error InvalidSubnetID.NotFound: The subnet ID 'subnet-aaaaaaaa' does not exist")}`,
    remedy: /input subnets/,
  },
  {
    name: 'subnets that are too few',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to list subnets by names or IDs: couldn't find all subnets, want: [a b], found: [subnet-1]`,
    remedy: /input subnets/,
  },
  {
    name: 'an unknown subnet ID',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}subnet ID not found: subnet-1`,
    remedy: /input subnets/,
  },
  {
    name: 'an unknown Name tag of a subnet',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}subnet with Name tag not found: a`,
    remedy: /input subnets/,
  },
  {
    name: 'a denied call to EC2, inside subnet discovery',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}failed to list subnets by role tag: ${formatEc2Error('DescribeSubnets', 403, 'api error UnauthorizedOperation: You are not authorized to perform this operation.')}`,
    remedy: /controller's role/,
  },
  {
    name: 'malformed listen-ports',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}failed to parse listen-ports configuration: \`443\`: json: cannot unmarshal number into Go value of type []map[string]int32`,
    remedy: /annotation listen-ports/,
  },
  {
    name: 'empty listen-ports',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}empty listen-ports configuration: \`[]\``,
    remedy: /annotation listen-ports/,
  },
  {
    name: 'an invalid listener port',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}listen port must be within [1, 65535]: 70000`,
    remedy: /annotation listen-ports/,
  },
  {
    name: 'an invalid listener protocol',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}listen protocol must be within [HTTP, HTTPS]: TCP`,
    remedy: /annotation listen-ports/,
  },
  {
    name: 'an unknown scheme',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}unknown scheme: public`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'an unknown address type',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}unknown IPAddressType: ipv6`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'an unknown target type',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}unknown targetType: pod`,
    remedy: /Remove target-type/,
  },
  {
    name: 'an invalid backend protocol',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}backend protocol must be within [HTTP, HTTPS]: GRPC`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'an invalid protocol version',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}backend protocol version must be within [HTTP1, HTTP2, GRPC]: grpc`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'an invalid health check protocol',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}healthCheckProtocol must be within [HTTP, HTTPS]: TCP`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'a load balancer name that is too long',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}load balancer name cannot be longer than 32 characters`,
    remedy: /^Set load-balancer-name/,
  },
  {
    name: 'an invalid CIDR block',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}invalid inbound-cidrs settings on Ingress: milvus/milvus-demo: invalid CIDR address: 10.0.0.0/33`,
    remedy: /^Correct inbound-cidrs/,
  },
  {
    name: 'malformed attributes',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to parse stringMap annotation, alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'a malformed number',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to parse int32 annotation, alb.ingress.kubernetes.io/group.order: x`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'a malformed boolean',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to parse bool annotation, alb.ingress.kubernetes.io/manage-backend-security-group-rules: x`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'malformed JSON',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to parse json annotation, alb.ingress.kubernetes.io/auth-idp-oidc: x`,
    remedy: /Correct that annotation/,
  },
  {
    name: 'a redirect to a missing listener',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}listener does not exist for SSLRedirect port: 443`,
    remedy: /ssl-redirect/,
  },
  {
    name: 'a redirect to HTTP',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}listener protocol non-SSL for SSLRedirect port: 80`,
    remedy: /ssl-redirect/,
  },
  {
    name: 'a group with two schemes',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}conflicting scheme: [internal internet-facing]`,
    remedy: /Make them equal/,
  },
  {
    name: 'a group with two security policies',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to merge listenPort config for port: 443: conflicting sslPolicy, milvus/milvus-demo: A | milvus/other: B`,
    remedy: /Make them equal/,
  },
  {
    name: 'a group with two sets of CIDR blocks',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}failed to merge listenPort config for port: 443: conflicting inbound-cidrs, milvus/milvus-demo: [10.0.0.0/8], [] | milvus/other: [0.0.0.0/0], []`,
    remedy: /Make them equal/,
  },
  {
    name: 'a group with two load balancer names',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}conflicting load balancer name: map[a:{} b:{}]`,
    remedy: /Make them equal/,
  },
  {
    name: 'a group with two values of an attribute',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}conflicting loadBalancerAttribute idle_timeout.timeout_seconds: 60 | 600`,
    remedy: /Make them equal/,
  },
  {
    name: 'a security group that does not exist',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}couldn't find all security groups: ${formatEc2Error('DescribeSecurityGroups', 400, "api error InvalidGroup.NotFound: The security group 'sg-1' does not exist")}`,
    remedy: /security-groups/,
  },
  {
    name: 'an unknown security group name',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}couldn't find all security groups, requested names [a b] but found [a]`,
    remedy: /security-groups/,
  },
  {
    name: 'a missing Service',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}Service "milvus-demo" not found`,
    remedy: /^Set input service, or release/,
  },
  {
    name: 'a missing port',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}unable to find port 19531 on service milvus/milvus-demo`,
    remedy: /service-port/,
  },
  {
    name: 'instance targets of a ClusterIP Service',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}TargetGroup port is empty. When using Instance targets, your service be must of type 'NodePort' or 'LoadBalancer'`,
    remedy: /needs the target type ip/,
  },
  {
    name: 'an IPv6 Service',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}unsupported IPv6 configuration, lb not dual-stack`,
    remedy: /dualstack/,
  },
  {
    name: 'another Ingress of the group',
    reason: 'FailedBuildModel',
    message: `${buildPrefix}ingress: web/shop: unable to find port 80 on service web/shop`,
    remedy:
      /^The error is about Ingress web\/shop of the same group\..*kubectl -n web describe ingress shop/,
  },
  // The class and the group.
  {
    name: 'a class that does not exist',
    reason: 'FailedLoadGroupID',
    message: `${classPrefix}IngressClass.networking.k8s.io "nope" not found`,
    remedy: /ingress-class/,
  },
  {
    name: 'a class without its parameters',
    reason: 'FailedLoadGroupID',
    message: `${classPrefix}IngressClass alb references unknown parameters`,
    remedy: /IngressClassParams/,
  },
  {
    name: 'a class for other namespaces',
    reason: 'FailedLoadGroupID',
    message: `${classPrefix}namespaceSelector of IngressClassParams platform mismatch`,
    remedy: /Label the namespace/,
  },
  {
    name: 'an invalid group name',
    reason: 'FailedLoadGroupID',
    message: `${groupPrefix}groupName must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
    remedy: /^Set group-name/,
  },
  {
    name: 'a group name that is too long',
    reason: 'FailedLoadGroupID',
    message: `${groupPrefix}groupName must be no more than 63 characters`,
    remedy: /^Set group-name/,
  },
  {
    name: 'a forbidden finalizer',
    reason: 'FailedAddFinalizer',
    message:
      'Failed add finalizer due to ingresses.networking.k8s.io "milvus-demo" is forbidden: User "system:serviceaccount:kube-system:aws-load-balancer-controller" cannot patch resource "ingresses"',
    remedy: /what the message names/,
  },
  // Deploying it.
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
  // Permissions, credentials.
  {
    name: 'a denied call to ELB',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'CreateListener',
      403,
      'api error AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateListener',
    ),
    remedy: /controller's role/,
  },
  {
    name: 'a policy from before v2.9',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'DescribeListenerAttributes',
      403,
      'api error AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:DescribeListenerAttributes',
    ),
    remedy: /Since v2\.9/,
  },
  {
    name: 'a denied call to ELB, in the format of the old SDK',
    reason: 'FailedDeployModel',
    message:
      'Failed deploy model due to AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateListener\n\tstatus code: 403, request id: 0a1b',
    remedy: /controller's role/,
  },
  {
    name: 'a denied call to ACM',
    reason: 'FailedBuildModel',
    message: `${ingressPrefix}operation error ACM: ListCertificates, https response error StatusCode: 400, RequestID: 1, api error AccessDeniedException: x`,
    remedy: /controller's role/,
  },
  {
    name: 'a role that the controller may not assume',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}operation error EC2: DescribeSubnets, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity`,
    remedy: /service account/,
  },
  {
    name: 'a service account without a role',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}operation error EC2: DescribeSubnets, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, exceeded maximum number of attempts, 3, request send failed, Get "http://169.254.169.254/latest/meta-data/iam/security-credentials/": context deadline exceeded`,
    remedy: /service account/,
  },
  {
    name: 'a service account without a role, in the format of the old SDK',
    reason: 'FailedBuildModel',
    message: `${subnetPrefix}NoCredentialProviders: no valid providers in chain. Deprecated.`,
    remedy: /service account/,
  },
  {
    name: 'an expired session',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'DescribeTags',
      403,
      'api error ExpiredToken: The security token included in the request is expired',
    ),
    remedy: /service account/,
  },
  {
    name: 'an unknown access key',
    reason: 'FailedDeployModel',
    message: formatElbError('DescribeTags', 403, 'api error InvalidClientTokenId: x'),
    remedy: /service account/,
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

describe('classifyEvent', () => {
  test.each(permanentFailures)(
    'treats $name as a permanent failure',
    ({ reason, message, remedy }) => {
      expect(classifyEvent(createEvent(reason, message), false)).toEqual({
        kind: 'failed',
        message: normalizeMessage(message),
        remedy: expect.stringMatching(remedy) as unknown,
      })
    },
  )

  test.each(permanentFailures)(
    'treats $name as a permanent failure also in a combined event',
    ({ reason, message, remedy }) => {
      expect(
        classifyEvent(createEvent(reason, `(combined from similar events): ${message}`), false),
      ).toEqual({
        kind: 'failed',
        message: normalizeMessage(message),
        remedy: expect.stringMatching(remedy) as unknown,
      })
    },
  )

  test.each<[string, string]>([
    ['throttling', formatElbError('DescribeTags', 400, 'api error Throttling: Rate exceeded')],
    [
      'throttling after ten attempts',
      'Failed deploy model due to operation error Elastic Load Balancing v2: DescribeTags, exceeded maximum number of attempts, 10, https response error StatusCode: 400, RequestID: 1, api error Throttling: Rate exceeded',
    ],
    [
      'throttling, in the format of the old SDK',
      'Failed deploy model due to Throttling: Rate exceeded\n\tstatus code: 400, request id: 0a1b',
    ],
    [
      'too many requests to ACM',
      `${buildPrefix}operation error ACM: ListCertificates, https response error StatusCode: 400, RequestID: 1, api error TooManyRequestsException: x`,
    ],
    [
      'too many requests to EC2',
      `${buildPrefix}operation error EC2: DescribeSubnets, https response error StatusCode: 503, RequestID: 1, api error RequestLimitExceeded: Request limit exceeded.`,
    ],
    [
      'an unavailable service',
      formatElbError('CreateRule', 503, 'api error ServiceUnavailable: x'),
    ],
    ['a rule priority in use', formatElbError('CreateRule', 400, 'PriorityInUse: x')],
    ['a target group in use', formatElbError('DeleteTargetGroup', 400, 'ResourceInUse: x')],
    [
      'a dependency violation',
      'Failed deploy model due to failed to delete securityGroup: operation error EC2: DeleteSecurityGroup, https response error StatusCode: 400, RequestID: 1, api error DependencyViolation: x',
    ],
    [
      'an object that changed meanwhile',
      'Failed update status due to Operation cannot be fulfilled on ingresses.networking.k8s.io "milvus-demo": the object has been modified; please apply your changes to the latest version and try again',
    ],
    [
      'a timed-out wait',
      'Failed deploy model due to failed to delete securityGroup: timed out waiting for the condition',
    ],
    [
      'a role that temporarily cannot be assumed',
      `${buildPrefix}operation error EC2: DescribeSubnets, get identity: get credentials: failed to refresh cached credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 0, RequestID: , request send failed, Post "https://sts.us-east-2.amazonaws.com/": dial tcp: i/o timeout`,
    ],
    [
      'an unreachable network',
      `${buildPrefix}operation error EC2: DescribeSubnets, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-2.amazonaws.com/": dial tcp 1.2.3.4:443: i/o timeout`,
    ],
    [
      'an unresolved host name',
      `${buildPrefix}operation error EC2: DescribeSubnets, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-2.amazonaws.com/": dial tcp: lookup ec2.us-east-2.amazonaws.com: no such host`,
    ],
    [
      'a timed-out handshake',
      `${buildPrefix}operation error EC2: DescribeSubnets, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-2.amazonaws.com/": net/http: TLS handshake timeout`,
    ],
  ])('treats %s as transient', (_, message) => {
    expect(classifyEvent(createEvent('FailedDeployModel', message), false)).toEqual({
      kind: 'transient',
      message: normalizeMessage(message),
    })
  })

  test.each([
    ['CertificateNotFound', formatElbError('CreateListener', 400, 'CertificateNotFound: x')],
    ['UnsupportedCertificate', formatElbError('CreateListener', 400, 'UnsupportedCertificate: x')],
  ])('treats %s as transient only for a newly imported certificate', (_, message) => {
    expect(classifyEvent(createEvent('FailedDeployModel', message), true).kind).toBe('transient')
    expect(classifyEvent(createEvent('FailedDeployModel', message), false).kind).toBe('failed')
  })

  test('treats other errors as permanent failures also for a newly imported certificate', () => {
    expect(
      classifyEvent(createEvent('FailedBuildModel', `${buildPrefix}unknown scheme: public`), true)
        .kind,
    ).toBe('failed')
  })

  test('reports a successful reconciliation', () => {
    expect(
      classifyEvent(createEvent('SuccessfullyReconciled', 'Successfully reconciled'), false),
    ).toEqual({ kind: 'reconciled' })
  })
})

describe('normalizeMessage', () => {
  test.each([
    [
      formatElbError('CreateListener', 400, 'CertificateNotFound: x'),
      'Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, HTTP 400, CertificateNotFound: x',
    ],
    [
      `(combined from similar events): ${formatElbError('CreateRule', 403, 'api error AccessDenied: y')}`,
      'Failed deploy model due to operation error Elastic Load Balancing v2: CreateRule, HTTP 403, AccessDenied: y',
    ],
    ['x\n\tstatus code: 400, request id: 0a1b', 'x'],
    ['nothing to remove', 'nothing to remove'],
  ])('%s', (message, expected) => {
    expect(normalizeMessage(message)).toBe(expected)
  })

  test('returns the same message for two attempts with the same error', () => {
    const message = formatElbError('CreateListener', 400, 'CertificateNotFound: x')
    expect(normalizeMessage(message.replace('3f2a1b-77', 'other-id'))).toBe(
      normalizeMessage(message),
    )
  })
})

describe('latestStatusEvent', () => {
  const createStatusEvent = (
    reason: string,
    resourceVersion: string,
  ): ReturnType<typeof createEvent> => createEvent(reason, '', resourceVersion)
  test.each<{ name: string; events: [string, string][]; expected: string | undefined }>([
    { name: 'no events', events: [], expected: undefined },
    {
      name: 'resource versions in numerical order',
      events: [
        ['FailedBuildModel', '9'],
        ['SuccessfullyReconciled', '10'],
      ],
      expected: '10',
    },
    {
      name: 'events in any order',
      events: [
        ['SuccessfullyReconciled', '30'],
        ['FailedBuildModel', '20'],
      ],
      expected: '30',
    },
    {
      name: 'other events beside status events',
      events: [
        ['SuccessfullyReconciled', '30'],
        ['FailedToUpdateEndpointSlices', '99'],
        ['Scheduled', '100'],
      ],
      expected: '30',
    },
    { name: 'only other events', events: [['Scheduled', '100']], expected: undefined },
    {
      name: 'a number beyond 2^53',
      events: [
        ['FailedBuildModel', '9007199254740993'],
        ['SuccessfullyReconciled', '9007199254740992'],
      ],
      expected: '9007199254740993',
    },
    {
      name: 'a repeated failure with a new resource version',
      events: [
        ['SuccessfullyReconciled', '30'],
        ['FailedDeployModel', '31'],
      ],
      expected: '31',
    },
  ])('$name', ({ events, expected }) => {
    expect(
      latestStatusEvent(
        events.map(([reason, resourceVersion]) => createStatusEvent(reason, resourceVersion)),
      )?.metadata.resourceVersion,
    ).toBe(expected)
  })

  test.each([
    ['SuccessfullyReconciled', true],
    ['FailedLoadGroupID', true],
    ['FailedAddFinalizer', true],
    ['FailedBuildModel', true],
    ['FailedDeployModel', true],
    ['FailedUpdateStatus', true],
    ['FailedRemoveFinalizer', true],
    ['BackendNotFound', false],
    ['', false],
  ])('%s is a status event: %s', (reason, expected) => {
    expect(isStatusEvent(createEvent(reason))).toBe(expected)
  })

  test.each([
    ['12', 12n],
    ['', 0n],
    ['abc', 0n],
  ])('getResourceVersion(%j)', (resourceVersion, expected) => {
    expect(getResourceVersion({ metadata: { resourceVersion } })).toBe(expected)
  })
})
