/** EKS: where a cluster's API is, and the token that it takes. No aws CLI. */
import { DescribeClusterCommand, type EKSClient, type VpcConfigResponse } from '@aws-sdk/client-eks'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import { ActionError } from '../../failures/action-error.ts'
import type { TokenSource } from '../../util/token-source.ts'
import type { Clock } from '../../util/polling.ts'
import type { AwsClients } from './clients.ts'
import { translateAwsError, errorName } from './errors.ts'

/** A cluster's API endpoint. */
export interface ClusterEndpoint {
  /** https URL. */
  readonly server: string
  /** PEM of the authority that signed its certificate. */
  readonly certificateAuthority: string
  /** Id of the VPC that it is in. */
  readonly vpcId: string | undefined
  /** Id of the account that it belongs to. */
  readonly accountId: string | undefined
  /** Who may reach it, continuing `This endpoint`; undefined when everybody may. */
  readonly accessRestriction: string | undefined
}

/**
 * Why a cluster has no use for a deployment, by its status, and what to do. Those that are not here
 * have. Source: EKS, DescribeCluster, status.
 */
const remedyByStatus: Readonly<Record<string, string>> = {
  CREATING:
    'Wait until the cluster is ACTIVE ("aws eks wait cluster-active --name CLUSTER"), and run the job again.',
  PENDING:
    'Wait until the cluster is ACTIVE ("aws eks wait cluster-active --name CLUSTER"), and run the job again.',
  DELETING: 'Set cluster to one that stays.',
  FAILED:
    'Set cluster to another one, or make it anew: EKS could not create it ("aws eks describe-cluster --name CLUSTER --query cluster.health").',
}

/** @throws ActionError `cluster-not-found`, or the AWS ones */
export async function describeCluster(
  eks: EKSClient,
  name: string,
  region: string,
): Promise<ClusterEndpoint> {
  try {
    const { cluster } = await eks.send(new DescribeClusterCommand({ name }))
    const {
      status = 'unknown',
      endpoint,
      certificateAuthority,
      resourcesVpcConfig: vpcConfig,
    } = cluster ?? {}
    if (endpoint && certificateAuthority?.data && !['DELETING', 'FAILED'].includes(status)) {
      return {
        server: endpoint,
        certificateAuthority: Buffer.from(certificateAuthority.data, 'base64').toString(),
        vpcId: vpcConfig?.vpcId,
        accountId: cluster?.arn?.split(':')[4],
        accessRestriction: describeAccessRestriction(vpcConfig),
      }
    }
    throw new ActionError({
      code: 'cluster-not-found',
      problem: `EKS cluster ${name} takes no deployment: its status is ${status}.`,
      remedy: (remedyByStatus[status] ?? remedyByStatus['CREATING'] ?? '').replace('CLUSTER', name),
    })
  } catch (thrown) {
    if (errorName(thrown) !== 'ResourceNotFoundException')
      throw translateAwsError('eks:DescribeCluster', thrown)
    throw new ActionError({
      code: 'cluster-not-found',
      problem: `There is no EKS cluster ${name} in ${region} for these credentials.`,
      remedy:
        'Check the inputs cluster and region, and that the role belongs to the account of the cluster.',
      cause: thrown,
    })
  }
}

/**
 * Who an endpoint lets in. A connection that is not let in meets silence. Source: EKS user guide,
 * Cluster API server endpoint.
 */
function describeAccessRestriction(vpcConfig: VpcConfigResponse | undefined): string | undefined {
  if (vpcConfig?.endpointPublicAccess === false)
    return 'is private: only the VPC of the cluster reaches it, and what is connected to that'
  const cidrs = vpcConfig?.publicAccessCidrs ?? []
  return cidrs.length === 0 || cidrs.includes('0.0.0.0/0')
    ? undefined
    : `takes connections only from ${cidrs.join(', ')}, and from the VPC of the cluster where private access is on`
}

/**
 * The API takes a token for 15 minutes from its signing, whatever X-Amz-Expires says; ours is made
 * anew well before.
 */
const tokenRefreshAfter = 10 * 60_000

/** Source: aws-iam-authenticator, pkg/token: longer ones are refused. */
const maxTokenLength = 4096

/**
 * DNS suffix of a region's partition, as STS' host has it. Source: the SDK's table of partitions.
 */
const dnsSuffixes: readonly [RegExp, string][] = [
  [/^cn-/, 'amazonaws.com.cn'],
  [/^us-iso-/, 'c2s.ic.gov'],
  [/^us-isob-/, 'sc2s.sgov.gov'],
  [/^eu-isoe-/, 'cloud.adc-e.uk'],
  [/^(us|eu)-isof-/, 'csp.hci.ic.gov'],
  [/^eusc-/, 'amazonaws.eu'],
  [/^/, 'amazonaws.com'],
]

/**
 * Bearer tokens for an EKS cluster: a presigned STS GetCallerIdentity, made in process. The host
 * signed into it is always STS' own, also when AWS_ENDPOINT_URL points elsewhere, because the
 * cluster's authenticator calls that very URL. It is dated by AWS' clock, as the SDK learned it
 * from EKS' answer: a runner whose clock is off would make tokens that nobody takes. Source:
 * aws-iam-authenticator, pkg/token/token.go.
 */
export class EksTokenSource implements TokenSource {
  private readonly options: {
    clients: Pick<AwsClients, 'credentials' | 'region'> & {
      eks: { config: { systemClockOffset: number } }
    }
    cluster: string
    clock: Clock
    maskSecret: (secret: string) => void
  }
  private cachedToken: { token: Promise<string>; createdAt: number } | undefined

  /** @param options.protect told of each token before anybody else gets it */
  constructor(options: EksTokenSource['options']) {
    this.options = options
  }

  token(): Promise<string> {
    const now = this.options.clock.now()
    if (!this.cachedToken || now - this.cachedToken.createdAt >= tokenRefreshAfter) {
      const token = this.createToken(now)
      this.cachedToken = { token, createdAt: now }
      token.catch(() => this.invalidate())
    }
    return this.cachedToken.token
  }

  invalidate(): void {
    this.cachedToken = undefined
  }

  private async createToken(now: number): Promise<string> {
    const { clients, cluster } = this.options
    const hostname = `sts.${clients.region}.${dnsSuffixes.find(([pattern]) => pattern.test(clients.region))?.[1] ?? ''}`
    const signer = new SignatureV4({
      service: 'sts',
      region: clients.region,
      credentials: clients.credentials,
      sha256: Hash.bind(null, 'sha256'),
    })
    const request = {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: hostname, 'x-k8s-aws-id': cluster },
    }
    try {
      const signed = await signer.presign(request, {
        expiresIn: 60,
        signingDate: new Date(now + clients.eks.config.systemClockOffset),
      })
      const url = `https://${hostname}/?${new URLSearchParams(signed.query as Record<string, string>).toString()}`
      const token = `k8s-aws-v1.${Buffer.from(url).toString('base64url')}`
      this.options.maskSecret(token)
      if (token.length <= maxTokenLength) return token
    } catch (thrown) {
      throw translateAwsError('sts:GetCallerIdentity', thrown)
    }
    throw new ActionError({
      code: 'cluster-unauthorized',
      problem: `The token for EKS cluster ${cluster} is longer than the ${maxTokenLength} characters that its authenticator takes: the session token of these credentials is too long.`,
      remedy:
        'Set role-skip-session-tagging: true on aws-actions/configure-aws-credentials, or use a role with fewer session tags.',
    })
  }
}
