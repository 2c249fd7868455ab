/** Missing permissions and credentials of the controller. Sources: see formats.ts. */
import { formatElbError, ingressPrefix, subnetPrefix, type PermanentFailure } from './formats.ts'

export const permissionFailures: readonly PermanentFailure[] = [
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
    name: 'an action that a policy of the organization denies',
    reason: 'FailedDeployModel',
    message:
      'Failed deploy model due to operation error WAFV2: GetWebACLForResource, https response error StatusCode: 400, RequestID: 1, api error AccessDeniedException: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: wafv2:GetWebACLForResource on resource: arn:aws:wafv2:x with an explicit deny in a service control policy',
    remedy: /^Have that policy of the organization.*--enable-wafv2=false/,
  },
  {
    name: 'an action that a permissions boundary denies',
    reason: 'FailedDeployModel',
    message: formatElbError(
      'DescribeListenerAttributes',
      403,
      'api error AccessDenied: User: arn:aws:sts::1:assumed-role/lbc/x is not authorized to perform: elasticloadbalancing:DescribeListenerAttributes because no permissions boundary allows the elasticloadbalancing:DescribeListenerAttributes action',
    ),
    remedy: /permissions boundary of the controller's role/,
  },
  {
    name: 'WAF without a route to it, in the format of the old SDK',
    reason: 'FailedDeployModel',
    message:
      'Failed deploy model due to RequestError: send request failed\ncaused by: Post "https://wafv2.eu-west-2.amazonaws.com/": dial tcp 52.94.53.163:443: i/o timeout',
    remedy: /cannot reach WAF or Shield.*enableWafv2/,
  },
  {
    name: 'WAF in a region that does not have it',
    reason: 'FailedDeployModel',
    message:
      'Failed deploy model due to operation error WAFV2: GetWebACLForResource, exceeded maximum number of attempts, 10, https response error StatusCode: 0, RequestID: , request send failed, Post "https://wafv2.me-central-1.amazonaws.com/": dial tcp: lookup wafv2.me-central-1.amazonaws.com on 172.20.0.10:53: no such host',
    remedy: /cannot reach WAF or Shield/,
  },
  {
    name: 'Shield that does not answer',
    reason: 'FailedDeployModel',
    message:
      'Failed deploy model due to operation error Shield: DescribeProtection, https response error StatusCode: 0, RequestID: , request send failed, Post "https://shield.us-east-1.amazonaws.com/": context deadline exceeded',
    remedy: /cannot reach WAF or Shield/,
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
]
