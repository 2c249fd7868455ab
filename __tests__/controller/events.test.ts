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
const permanentFailures: [string, reason: string, message: string, remedy: RegExp][] = [
  // Building the model.
  [
    'no certificate for the host',
    'FailedBuildModel',
    `${ingressPrefix}no certificate found for host: other.example.com`,
    /certificate is in the region and account/,
  ],
  [
    'subnets that are not tagged',
    'FailedBuildModel',
    `${subnetPrefix}unable to resolve at least one subnet. Evaluated 4 subnets: 2 are tagged for other clusters, and 0 have insufficient available IP addresses`,
    /^Tag two subnets.*kubernetes\.io\/role\/elb.*eight free addresses/,
  ],
  [
    'subnets that are not tagged, before v2.7',
    'FailedBuildModel',
    `${subnetPrefix}unable to discover at least one subnet`,
    /^Tag two subnets/,
  ],
  [
    'one subnet',
    'FailedBuildModel',
    `${subnetPrefix}subnets count less than minimal required count: 1 < 2`,
    /needs two zones/,
  ],
  [
    'two subnets of a zone',
    'FailedBuildModel',
    `${buildPrefix}multiple subnets in same Availability Zone us-east-2a: [subnet-1 subnet-2]`,
    /one subnet per zone/,
  ],
  [
    'subnets of a zone and an Outpost',
    'FailedBuildModel',
    `${buildPrefix}subnets in multiple locales`,
    /Outpost/,
  ],
  [
    'subnets that do not exist',
    'FailedBuildModel',
    `${buildPrefix}failed to list subnets by names or IDs: ${formatEc2Error('DescribeSubnets', 400, "api error InvalidSubnetID.NotFound: The subnet ID 'subnet-aaaaaaaa' does not exist")}`,
    /input subnets/,
  ],
  [
    'subnets that are too few',
    'FailedBuildModel',
    `${buildPrefix}failed to list subnets by names or IDs: couldn't find all subnets, want: [a b], found: [subnet-1]`,
    /input subnets/,
  ],
  [
    'an unknown subnet ID',
    'FailedBuildModel',
    `${buildPrefix}subnet ID not found: subnet-1`,
    /input subnets/,
  ],
  [
    'an unknown Name tag of a subnet',
    'FailedBuildModel',
    `${buildPrefix}subnet with Name tag not found: a`,
    /input subnets/,
  ],
  [
    'a denied call to EC2, inside subnet discovery',
    'FailedBuildModel',
    `${subnetPrefix}failed to list subnets by role tag: ${formatEc2Error('DescribeSubnets', 403, 'api error UnauthorizedOperation: You are not authorized to perform this operation.')}`,
    /controller's role/,
  ],
  [
    'malformed listen-ports',
    'FailedBuildModel',
    `${ingressPrefix}failed to parse listen-ports configuration: \`443\`: json: cannot unmarshal number into Go value of type []map[string]int32`,
    /annotation listen-ports/,
  ],
  [
    'empty listen-ports',
    'FailedBuildModel',
    `${ingressPrefix}empty listen-ports configuration: \`[]\``,
    /annotation listen-ports/,
  ],
  [
    'an invalid listener port',
    'FailedBuildModel',
    `${ingressPrefix}listen port must be within [1, 65535]: 70000`,
    /annotation listen-ports/,
  ],
  [
    'an invalid listener protocol',
    'FailedBuildModel',
    `${ingressPrefix}listen protocol must be within [HTTP, HTTPS]: TCP`,
    /annotation listen-ports/,
  ],
  [
    'an unknown scheme',
    'FailedBuildModel',
    `${buildPrefix}unknown scheme: public`,
    /Correct that annotation/,
  ],
  [
    'an unknown address type',
    'FailedBuildModel',
    `${buildPrefix}unknown IPAddressType: ipv6`,
    /Correct that annotation/,
  ],
  [
    'an unknown target type',
    'FailedBuildModel',
    `${ingressPrefix}unknown targetType: pod`,
    /Remove target-type/,
  ],
  [
    'an invalid backend protocol',
    'FailedBuildModel',
    `${ingressPrefix}backend protocol must be within [HTTP, HTTPS]: GRPC`,
    /Correct that annotation/,
  ],
  [
    'an invalid protocol version',
    'FailedBuildModel',
    `${ingressPrefix}backend protocol version must be within [HTTP1, HTTP2, GRPC]: grpc`,
    /Correct that annotation/,
  ],
  [
    'an invalid health check protocol',
    'FailedBuildModel',
    `${ingressPrefix}healthCheckProtocol must be within [HTTP, HTTPS]: TCP`,
    /Correct that annotation/,
  ],
  [
    'a load balancer name that is too long',
    'FailedBuildModel',
    `${buildPrefix}load balancer name cannot be longer than 32 characters`,
    /^Set load-balancer-name/,
  ],
  [
    'an invalid CIDR block',
    'FailedBuildModel',
    `${ingressPrefix}invalid inbound-cidrs settings on Ingress: milvus/milvus-demo: invalid CIDR address: 10.0.0.0/33`,
    /^Correct inbound-cidrs/,
  ],
  [
    'malformed attributes',
    'FailedBuildModel',
    `${buildPrefix}failed to parse stringMap annotation, alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout`,
    /Correct that annotation/,
  ],
  [
    'a malformed number',
    'FailedBuildModel',
    `${buildPrefix}failed to parse int32 annotation, alb.ingress.kubernetes.io/group.order: x`,
    /Correct that annotation/,
  ],
  [
    'a malformed boolean',
    'FailedBuildModel',
    `${buildPrefix}failed to parse bool annotation, alb.ingress.kubernetes.io/manage-backend-security-group-rules: x`,
    /Correct that annotation/,
  ],
  [
    'malformed JSON',
    'FailedBuildModel',
    `${buildPrefix}failed to parse json annotation, alb.ingress.kubernetes.io/auth-idp-oidc: x`,
    /Correct that annotation/,
  ],
  [
    'a redirect to a missing listener',
    'FailedBuildModel',
    `${buildPrefix}listener does not exist for SSLRedirect port: 443`,
    /ssl-redirect/,
  ],
  [
    'a redirect to HTTP',
    'FailedBuildModel',
    `${buildPrefix}listener protocol non-SSL for SSLRedirect port: 80`,
    /ssl-redirect/,
  ],
  [
    'a group with two schemes',
    'FailedBuildModel',
    `${buildPrefix}conflicting scheme: [internal internet-facing]`,
    /Make them equal/,
  ],
  [
    'a group with two security policies',
    'FailedBuildModel',
    `${buildPrefix}failed to merge listenPort config for port: 443: conflicting sslPolicy, milvus/milvus-demo: A | milvus/other: B`,
    /Make them equal/,
  ],
  [
    'a group with two sets of CIDR blocks',
    'FailedBuildModel',
    `${buildPrefix}failed to merge listenPort config for port: 443: conflicting inbound-cidrs, milvus/milvus-demo: [10.0.0.0/8], [] | milvus/other: [0.0.0.0/0], []`,
    /Make them equal/,
  ],
  [
    'a group with two load balancer names',
    'FailedBuildModel',
    `${buildPrefix}conflicting load balancer name: map[a:{} b:{}]`,
    /Make them equal/,
  ],
  [
    'a group with two values of an attribute',
    'FailedBuildModel',
    `${buildPrefix}conflicting loadBalancerAttribute idle_timeout.timeout_seconds: 60 | 600`,
    /Make them equal/,
  ],
  [
    'a security group that does not exist',
    'FailedBuildModel',
    `${buildPrefix}couldn't find all security groups: ${formatEc2Error('DescribeSecurityGroups', 400, "api error InvalidGroup.NotFound: The security group 'sg-1' does not exist")}`,
    /security-groups/,
  ],
  [
    'an unknown security group name',
    'FailedBuildModel',
    `${buildPrefix}couldn't find all security groups, requested names [a b] but found [a]`,
    /security-groups/,
  ],
  [
    'a missing Service',
    'FailedBuildModel',
    `${ingressPrefix}Service "milvus-demo" not found`,
    /^Set input service, or release/,
  ],
  [
    'a missing port',
    'FailedBuildModel',
    `${ingressPrefix}unable to find port 19531 on service milvus/milvus-demo`,
    /service-port/,
  ],
  [
    'instance targets of a ClusterIP Service',
    'FailedBuildModel',
    `${ingressPrefix}TargetGroup port is empty. When using Instance targets, your service be must of type 'NodePort' or 'LoadBalancer'`,
    /needs the target type ip/,
  ],
  [
    'an IPv6 Service',
    'FailedBuildModel',
    `${ingressPrefix}unsupported IPv6 configuration, lb not dual-stack`,
    /dualstack/,
  ],
  [
    'another Ingress of the group',
    'FailedBuildModel',
    `${buildPrefix}ingress: web/shop: unable to find port 80 on service web/shop`,
    /^The error is about Ingress web\/shop of the same group\..*kubectl -n web describe ingress shop/,
  ],
  // The class and the group.
  [
    'a class that does not exist',
    'FailedLoadGroupID',
    `${classPrefix}IngressClass.networking.k8s.io "nope" not found`,
    /ingress-class/,
  ],
  [
    'a class without its parameters',
    'FailedLoadGroupID',
    `${classPrefix}IngressClass alb references unknown parameters`,
    /IngressClassParams/,
  ],
  [
    'a class for other namespaces',
    'FailedLoadGroupID',
    `${classPrefix}namespaceSelector of IngressClassParams platform mismatch`,
    /Label the namespace/,
  ],
  [
    'an invalid group name',
    'FailedLoadGroupID',
    `${groupPrefix}groupName must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character`,
    /^Set group-name/,
  ],
  [
    'a group name that is too long',
    'FailedLoadGroupID',
    `${groupPrefix}groupName must be no more than 63 characters`,
    /^Set group-name/,
  ],
  [
    'a forbidden finalizer',
    'FailedAddFinalizer',
    'Failed add finalizer due to ingresses.networking.k8s.io "milvus-demo" is forbidden: User "system:serviceaccount:kube-system:aws-load-balancer-controller" cannot patch resource "ingresses"',
    /what the message names/,
  ],
  // Deploying it.
  [
    'a certificate that ACM does not contain',
    'FailedDeployModel',
    formatElbError(
      'CreateListener',
      400,
      'CertificateNotFound: Supplied certificate was not found',
    ),
    /certificate is in the region and account/,
  ],
  [
    'a missing certificate of an existing listener',
    'FailedDeployModel',
    formatElbError('ModifyListener', 400, `CertificateNotFound: Certificate ${arn} not found`),
    /certificate is in the region and account/,
  ],
  [
    'a missing additional certificate',
    'FailedDeployModel',
    `Failed deploy model due to failed to update extra certificates on listener: operation error Elastic Load Balancing v2: AddListenerCertificates, https response error StatusCode: 400, RequestID: 1, CertificateNotFound: x`,
    /certificate is in the region and account/,
  ],
  [
    'a certificate without a full name',
    'FailedDeployModel',
    formatElbError(
      'CreateListener',
      400,
      `UnsupportedCertificate: The certificate '${arn}' must have a fully-qualified domain name, a supported signature, and a supported key size.`,
    ),
    /fully qualified domain name/,
  ],
  [
    'no certificate at all',
    'FailedDeployModel',
    formatElbError(
      'CreateListener',
      400,
      'api error ValidationError: A certificate must be specified for HTTPS listeners',
    ),
    /IngressClassParams/,
  ],
  [
    'an unknown security policy',
    'FailedDeployModel',
    formatElbError('CreateListener', 400, "SSLPolicyNotFound: SSL policy 'X' not found"),
    /ssl-policy/,
  ],
  [
    'an unknown trust store',
    'FailedDeployModel',
    formatElbError('CreateListener', 400, 'TrustStoreNotFound: x'),
    /trust store/,
  ],
  [
    'gRPC behind an HTTP listener',
    'FailedDeployModel',
    `Failed deploy model due to failed to create listener rule: operation error Elastic Load Balancing v2: CreateRule, https response error StatusCode: 400, RequestID: 1, InvalidLoadBalancerAction: Listener protocol 'HTTP' is not supported with a target group with the protocol-version 'GRPC'`,
    /needs an HTTPS listener/,
  ],
  [
    'incompatible protocols',
    'FailedDeployModel',
    formatElbError('CreateRule', 400, 'IncompatibleProtocols: x'),
    /needs an HTTPS listener/,
  ],
  [
    'a configuration that ELB rejects',
    'FailedDeployModel',
    formatElbError('CreateListener', 400, 'InvalidConfigurationRequest: x'),
    /needs an HTTPS listener/,
  ],
  [
    'success codes of HTTP',
    'FailedDeployModel',
    formatElbError(
      'CreateTargetGroup',
      400,
      "api error ValidationError: Health check matcher GRPC code '200' must be within '0-99' inclusive",
    ),
    /success-codes/,
  ],
  [
    'success codes of HTTP, in the format of the old SDK',
    'FailedDeployModel',
    "Failed deploy model due to ValidationError: Health check matcher GRPC code '200' must be within '0-99' inclusive\n\tstatus code: 400, request id: 0a1b",
    /success-codes/,
  ],
  [
    'any other validation error',
    'FailedDeployModel',
    formatElbError(
      'CreateTargetGroup',
      400,
      "api error ValidationError: Health check timeout '10' must be smaller than the interval '5'",
    ),
    /what the message names/,
  ],
  [
    'a subnet that ELB rejects',
    'FailedDeployModel',
    formatElbError(
      'CreateLoadBalancer',
      400,
      'InvalidSubnet: Not enough IP space available in subnet-1. ELB requires at least 8 free IP addresses in each subnet.',
    ),
    /eight free addresses/,
  ],
  [
    'a deleted subnet',
    'FailedDeployModel',
    formatElbError('CreateLoadBalancer', 400, 'SubnetNotFound: x'),
    /input subnets/,
  ],
  [
    'a security group that ELB rejects',
    'FailedDeployModel',
    formatElbError('CreateLoadBalancer', 400, 'InvalidSecurityGroup: x'),
    /security-groups/,
  ],
  [
    'a load balancer name in use',
    'FailedDeployModel',
    formatElbError('CreateLoadBalancer', 400, 'DuplicateLoadBalancerName: x'),
    /another load-balancer-name/,
  ],
  [
    'an existing target group with the same name',
    'FailedDeployModel',
    formatElbError('CreateTargetGroup', 400, 'DuplicateTargetGroupName: x'),
    /Delete the target group/,
  ],
  [
    'deletion protection, when another scheme is requested',
    'FailedDeployModel',
    formatElbError(
      'DeleteLoadBalancer',
      400,
      "OperationNotPermitted: Load balancer 'arn' cannot be deleted because deletion protection is enabled",
    ),
    /deletion_protection\.enabled=false/,
  ],
  // Permissions, credentials.
  [
    'a denied call to ELB',
    'FailedDeployModel',
    formatElbError(
      'CreateListener',
      403,
      'api error AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateListener',
    ),
    /controller's role/,
  ],
  [
    'a policy from before v2.9',
    'FailedDeployModel',
    formatElbError(
      'DescribeListenerAttributes',
      403,
      'api error AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:DescribeListenerAttributes',
    ),
    /Since v2\.9/,
  ],
  [
    'a denied call to ELB, in the format of the old SDK',
    'FailedDeployModel',
    'Failed deploy model due to AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:CreateListener\n\tstatus code: 403, request id: 0a1b',
    /controller's role/,
  ],
  [
    'a denied call to ACM',
    'FailedBuildModel',
    `${ingressPrefix}operation error ACM: ListCertificates, https response error StatusCode: 400, RequestID: 1, api error AccessDeniedException: x`,
    /controller's role/,
  ],
  [
    'a role that the controller may not assume',
    'FailedBuildModel',
    `${subnetPrefix}operation error EC2: DescribeSubnets, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity`,
    /service account/,
  ],
  [
    'a service account without a role',
    'FailedBuildModel',
    `${subnetPrefix}operation error EC2: DescribeSubnets, get identity: get credentials: failed to refresh cached credentials, no EC2 IMDS role found, operation error ec2imds: GetMetadata, exceeded maximum number of attempts, 3, request send failed, Get "http://169.254.169.254/latest/meta-data/iam/security-credentials/": context deadline exceeded`,
    /service account/,
  ],
  [
    'a service account without a role, in the format of the old SDK',
    'FailedBuildModel',
    `${subnetPrefix}NoCredentialProviders: no valid providers in chain. Deprecated.`,
    /service account/,
  ],
  [
    'an expired session',
    'FailedDeployModel',
    formatElbError(
      'DescribeTags',
      403,
      'api error ExpiredToken: The security token included in the request is expired',
    ),
    /service account/,
  ],
  [
    'an unknown access key',
    'FailedDeployModel',
    formatElbError('DescribeTags', 403, 'api error InvalidClientTokenId: x'),
    /service account/,
  ],
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
  ].map((code): [string, string, string, RegExp] => [
    `the quota ${code}`,
    'FailedDeployModel',
    formatElbError('CreateLoadBalancer', 400, `${code}: x`),
    /higher quota/,
  ]),
  [
    'the quota SecurityGroupLimitExceeded',
    'FailedDeployModel',
    `Failed deploy model due to ${formatEc2Error('CreateSecurityGroup', 400, 'api error SecurityGroupLimitExceeded: x')}`,
    /higher quota/,
  ],
  [
    'the quota RulesPerSecurityGroupLimitExceeded',
    'FailedDeployModel',
    `Failed deploy model due to ${formatEc2Error('AuthorizeSecurityGroupIngress', 400, 'api error RulesPerSecurityGroupLimitExceeded: x')}`,
    /shorten inbound-cidrs/,
  ],
  [
    'an account that cannot create load balancers',
    'FailedDeployModel',
    formatElbError(
      'CreateLoadBalancer',
      400,
      'OperationNotPermitted: This AWS account currently does not support creating load balancers.',
    ),
    /AWS Support/,
  ],
]

describe('classifyEvent', () => {
  test.each(permanentFailures)('treats %s as a permanent failure', (_, reason, message, remedy) => {
    expect(classifyEvent(createEvent(reason, message), false)).toEqual({
      kind: 'failed',
      message: normalizeMessage(message),
      remedy: expect.stringMatching(remedy) as unknown,
    })
  })

  test.each(permanentFailures)(
    'treats %s as a permanent failure also in a combined event',
    (_, reason, message, remedy) => {
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
  test.each<[string, [string, string][], string | undefined]>([
    ['no events', [], undefined],
    [
      'resource versions in numerical order',
      [
        ['FailedBuildModel', '9'],
        ['SuccessfullyReconciled', '10'],
      ],
      '10',
    ],
    [
      'events in any order',
      [
        ['SuccessfullyReconciled', '30'],
        ['FailedBuildModel', '20'],
      ],
      '30',
    ],
    [
      'other events beside status events',
      [
        ['SuccessfullyReconciled', '30'],
        ['FailedToUpdateEndpointSlices', '99'],
        ['Scheduled', '100'],
      ],
      '30',
    ],
    ['only other events', [['Scheduled', '100']], undefined],
    [
      'a number beyond 2^53',
      [
        ['FailedBuildModel', '9007199254740993'],
        ['SuccessfullyReconciled', '9007199254740992'],
      ],
      '9007199254740993',
    ],
    [
      'a repeated failure with a new resource version',
      [
        ['SuccessfullyReconciled', '30'],
        ['FailedDeployModel', '31'],
      ],
      '31',
    ],
  ])('%s', (_, events, expected) => {
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
