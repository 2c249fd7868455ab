import { describe, expect, test } from '@jest/globals'
import { isVerdict, newest, readable, verdict, version } from '../../src/steps/controller-verdict.ts'
import { event } from './fixtures.ts'

const build = 'Failed build model due to '
const elb = (operation: string, status: number, rest: string): string => `Failed deploy model due to operation error Elastic Load Balancing v2: ${operation}, https response error StatusCode: ${status}, RequestID: 3f2a1b-77, ${rest}`
const arn = 'arn:aws:acm:us-east-2:111122223333:certificate/x'

/** Texts of controller v3.5.0, as seen or as its source has them. */
const refusals: [string, reason: string, message: string, remedy: RegExp][] = [
  ['a certificate that ACM lacks', 'FailedDeployModel', elb('CreateListener', 400, 'CertificateNotFound: Supplied certificate was not found'), /certificate is in the region and account/],
  ['a wrong certificate again', 'FailedDeployModel', elb('ModifyListener', 400, `CertificateNotFound: Certificate ${arn} not found`), /certificate is in the region and account/],
  ['no certificate for the host', 'FailedBuildModel', `${build}ingress: milvus/s7: no certificate found for host: other.example.com`, /certificate is in the region and account/],
  ['a certificate without a full name', 'FailedDeployModel', elb('CreateListener', 400, `UnsupportedCertificate: The certificate '${arn}' must have a fully-qualified domain name, a supported signature, and a supported key size.`), /fully qualified name/],
  ['a security policy', 'FailedDeployModel', elb('CreateListener', 400, "SSLPolicyNotFound: SSL policy 'X' not found"), /ssl-policy/],
  ['a port that is not there', 'FailedBuildModel', `${build}ingress: milvus/s2: unable to find port 19531 on service milvus/milvus-demo`, /service-port/],
  ['a Service that is not there', 'FailedBuildModel', `${build}ingress: milvus/s2: Service "milvus-demo" not found`, /^(?!Set service-port)/],
  ['a listener protocol', 'FailedBuildModel', `${build}ingress: milvus/s4: listen protocol must be within [HTTP, HTTPS]: TCP`, /what the message names/],
  ['a scheme', 'FailedBuildModel', `${build}unknown scheme: public`, /what the message names/],
  ['a protocol version', 'FailedBuildModel', `${build}ingress: milvus/s6: backend protocol version must be within [HTTP1, HTTP2, GRPC]: grpc`, /what the message names/],
  ['attributes', 'FailedBuildModel', `${build}failed to parse stringMap annotation, alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout`, /what the message names/],
  ['a long name', 'FailedBuildModel', `${build}load balancer name cannot be longer than 32 characters`, /what the message names/],
  ['subnets that do not exist', 'FailedBuildModel', `${build}failed to list subnets by names or IDs: operation error EC2: DescribeSubnets, https response error StatusCode: 400, RequestID: 1, api error InvalidSubnetID.NotFound: The subnet ID 'subnet-aaaaaaaa' does not exist`, /input subnets/],
  ['subnets that are not tagged', 'FailedBuildModel', `${build}couldn't auto-discover subnets: unable to resolve at least one subnet. Evaluated 4 subnets: 2 are tagged for other clusters, and 0 have insufficient available IP addresses`, /kubernetes\.io\/role\/elb/],
  ['a security group that does not exist', 'FailedBuildModel', `${build}couldn't find all security groups: operation error EC2: DescribeSecurityGroups, https response error StatusCode: 400, RequestID: 1, api error InvalidGroup.NotFound: The security group 'sg-1' does not exist`, /security-groups/],
  ['a class that does not exist', 'FailedLoadGroupID', 'failed load groupID due to invalid ingress class: IngressClass.networking.k8s.io "nope" not found', /ingress-class/],
  ['a denied call to ELB', 'FailedDeployModel', elb('DescribeListenerAttributes', 403, 'api error AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:DescribeListenerAttributes'), /controller's role/],
  ['a denied call to EC2, inside subnet discovery', 'FailedBuildModel', `${build}couldn't auto-discover subnets: failed to list subnets by role tag: operation error EC2: DescribeSubnets, https response error StatusCode: 403, RequestID: 1, api error UnauthorizedOperation: You are not authorized to perform this operation.`, /controller's role/],
  ['a role that the controller may not assume', 'FailedBuildModel', `${build}couldn't auto-discover subnets: operation error EC2: DescribeSubnets, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: 1, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity`, /service account/],
  ['a quota', 'FailedDeployModel', elb('CreateLoadBalancer', 400, "TooManyLoadBalancers: The maximum number of load balancers has been reached"), /higher quota/],
  ['an account that may not have load balancers', 'FailedDeployModel', elb('CreateLoadBalancer', 400, 'OperationNotPermitted: This AWS account currently does not support creating load balancers.'), /AWS Support|quota/],
  ['a health check for HTTP', 'FailedDeployModel', elb('CreateTargetGroup', 400, "api error ValidationError: Health check matcher GRPC code '200' must be within '0-99' inclusive"), /what the message names/],
  ['the same from a controller of the old SDK', 'FailedDeployModel', "Failed deploy model due to ValidationError: Health check matcher GRPC code '200' must be within '0-99' inclusive\n\tstatus code: 400, request id: 0a1b", /what the message names/],
]

describe('verdict', () => {
  test.each(refusals)('%s is final', (_, reason, message, remedy) => {
    expect(verdict(event(reason, message), false)).toEqual({ kind: 'refused', message: readable(message), remedy: expect.stringMatching(remedy) as unknown })
  })

  test.each(refusals)('%s is final, also when the recorder has folded it', (_, reason, message, remedy) => {
    expect(verdict(event(reason, `(combined from similar events): ${message}`), false)).toEqual({ kind: 'refused', message: readable(message), remedy: expect.stringMatching(remedy) as unknown })
  })

  test.each<[string, string]>([
    ['throttling', elb('DescribeTags', 400, 'api error Throttling: Rate exceeded')],
    ['throttling after ten attempts', 'Failed deploy model due to operation error Elastic Load Balancing v2: DescribeTags, exceeded maximum number of attempts, 10, https response error StatusCode: 400, RequestID: 1, api error Throttling: Rate exceeded'],
    ['EC2 that is asked too often', `${build}operation error EC2: DescribeSubnets, https response error StatusCode: 503, RequestID: 1, api error RequestLimitExceeded: Request limit exceeded.`],
    ['a service that is away', elb('CreateRule', 503, 'api error ServiceUnavailable: x')],
    ['a priority that is being freed', elb('CreateRule', 400, 'PriorityInUse: x')],
    ['a target group in use', elb('DeleteTargetGroup', 400, 'ResourceInUse: x')],
    ['a dependency', 'Failed deploy model due to failed to delete securityGroup: operation error EC2: DeleteSecurityGroup, https response error StatusCode: 400, RequestID: 1, api error DependencyViolation: x'],
    ['an object that changed meanwhile', 'Failed update status due to Operation cannot be fulfilled on ingresses.networking.k8s.io "milvus-demo": the object has been modified; please apply your changes to the latest version and try again'],
    ['a wait that ran out', 'Failed deploy model due to failed to delete securityGroup: timed out waiting for the condition'],
    ['a network that is away', `${build}operation error EC2: DescribeSubnets, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-2.amazonaws.com/": dial tcp 1.2.3.4:443: i/o timeout`],
    ['a name that is not resolved', `${build}operation error EC2: DescribeSubnets, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-2.amazonaws.com/": dial tcp: lookup ec2.us-east-2.amazonaws.com: no such host`],
    ['a handshake that ran out', `${build}operation error EC2: DescribeSubnets, https response error StatusCode: 0, RequestID: , request send failed, Post "https://ec2.us-east-2.amazonaws.com/": net/http: TLS handshake timeout`],
  ])('%s may heal', (_, message) => {
    expect(verdict(event('FailedDeployModel', message), false)).toEqual({ kind: 'trouble', message: readable(message) })
  })

  test.each([
    ['CertificateNotFound', elb('CreateListener', 400, 'CertificateNotFound: x')],
    ['UnsupportedCertificate', elb('CreateListener', 400, 'UnsupportedCertificate: x')],
  ])('%s may heal for a certificate that was imported a moment ago', (_, message) => {
    expect(verdict(event('FailedDeployModel', message), true).kind).toBe('trouble')
    expect(verdict(event('FailedDeployModel', message), false).kind).toBe('refused')
  })

  test('a fresh certificate excuses nothing else', () => {
    expect(verdict(event('FailedBuildModel', `${build}unknown scheme: public`), true).kind).toBe('refused')
  })

  test('reconciled', () => {
    expect(verdict(event('SuccessfullyReconciled', 'Successfully reconciled'), false)).toEqual({ kind: 'reconciled' })
  })
})

describe('readable', () => {
  test.each([
    [elb('CreateListener', 400, 'CertificateNotFound: x'), 'Failed deploy model due to operation error Elastic Load Balancing v2: CreateListener, HTTP 400, CertificateNotFound: x'],
    [`(combined from similar events): ${elb('CreateRule', 403, 'api error AccessDenied: y')}`, 'Failed deploy model due to operation error Elastic Load Balancing v2: CreateRule, HTTP 403, AccessDenied: y'],
    ['x\n\tstatus code: 400, request id: 0a1b', 'x'],
    ['nothing to take away', 'nothing to take away'],
  ])('%s', (message, expected) => {
    expect(readable(message)).toBe(expected)
  })

  test('two tries of the same read the same', () => {
    const message = elb('CreateListener', 400, 'CertificateNotFound: x')
    expect(readable(message.replace('3f2a1b-77', 'other-id'))).toBe(readable(message))
  })
})

describe('newest', () => {
  const at = (reason: string, resourceVersion: string): ReturnType<typeof event> => event(reason, '', resourceVersion)
  test.each<[string, [string, string][], string | undefined]>([
    ['none', [], undefined],
    ['by number, not by text', [['FailedBuildModel', '9'], ['SuccessfullyReconciled', '10']], '10'],
    ['whatever the order', [['SuccessfullyReconciled', '30'], ['FailedBuildModel', '20']], '30'],
    ['others do not count', [['SuccessfullyReconciled', '30'], ['FailedToUpdateEndpointSlices', '99'], ['Scheduled', '100']], '30'],
    ['only others', [['Scheduled', '100']], undefined],
    ['a number beyond 2^53', [['FailedBuildModel', '9007199254740993'], ['SuccessfullyReconciled', '9007199254740992']], '9007199254740993'],
    ['an old failure that climbs is the newest', [['SuccessfullyReconciled', '30'], ['FailedDeployModel', '31']], '31'],
  ])('%s', (_, events, expected) => {
    expect(newest(events.map(([reason, number]) => at(reason, number)))?.metadata.resourceVersion).toBe(expected)
  })

  test.each([['SuccessfullyReconciled', true], ['FailedLoadGroupID', true], ['FailedAddFinalizer', true], ['FailedBuildModel', true], ['FailedDeployModel', true], ['FailedUpdateStatus', true], ['FailedRemoveFinalizer', true], ['BackendNotFound', false], ['', false]])('%s is a verdict: %s', (reason, is) => {
    expect(isVerdict(event(reason))).toBe(is)
  })

  test.each([['12', 12n], ['', 0n], ['abc', 0n]])('version %j', (resourceVersion, expected) => {
    expect(version({ metadata: { resourceVersion } })).toBe(expected)
  })
})
