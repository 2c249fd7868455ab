/** Failures that the controller retries until they disappear. Sources: see formats.ts. */
import { buildPrefix, formatElbError } from './formats.ts'

export const transientFailures: readonly (readonly [name: string, message: string])[] = [
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
  ['an unavailable service', formatElbError('CreateRule', 503, 'api error ServiceUnavailable: x')],
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
  ['a restart of the controller', 'Failed deploy model due to context canceled'],
  ['a Kubernetes API without a leader', 'Failed add finalizer due to etcdserver: leader changed'],
  ['a Kubernetes API that times out', 'Failed deploy model due to etcdserver: request timed out'],
  [
    'a timed-out handshake with the Kubernetes API',
    'Failed update status due to Patch "https://10.100.0.1:443/apis": net/http: TLS handshake timeout',
  ],
]
