/**
 * EKS: the endpoint of a cluster, and tokens for its API. Does not use the aws CLI. The SDK's
 * client is large, and a run with a kubeconfig does not need it: import this module dynamically.
 */
import {
  DescribeClusterCommand,
  EKSClient,
  type Cluster,
  type VpcConfigResponse,
} from '@aws-sdk/client-eks'
import { Hash } from '@smithy/core/serde'
import { SignatureV4 } from '@smithy/signature-v4'
import {
  eksClusterBeingDeleted,
  eksClusterCreationFailed,
  eksClusterNotFound,
  eksClusterOnlyRegistered,
  eksClusterNotReady,
  eksTokenTooLong,
} from '../../failures/aws.ts'
import type { TokenSource } from '../../util/token-source.ts'
import type { Clock } from '../../util/polling.ts'
import type { AwsClients } from './clients.ts'
import { translateAwsError, errorName } from './errors.ts'

/** A cluster's API endpoint. */
export interface ClusterEndpoint {
  /** https URL. */
  readonly server: string
  /** PEM of the authority that signed the endpoint's certificate. */
  readonly certificateAuthority: string
  /** What tokens for the cluster are signed for. */
  readonly tokenAudience: string
  readonly vpcId: string | undefined
  readonly accountId: string | undefined
  /** Who can reach the endpoint, continuing `This endpoint`; undefined when everybody can. */
  readonly accessRestriction: string | undefined
}

/** Its clock offset dates the tokens of `EksTokenSource`. */
export const createEksClient = (config: AwsClients['config']): EKSClient => new EKSClient(config)

/** @throws ActionError `cluster-not-found`, and those of `translateAwsError` */
export async function describeCluster(
  eks: EKSClient,
  name: string,
  region: string,
): Promise<ClusterEndpoint> {
  const cluster = await getCluster(eks, name, region)
  const { status = 'unknown', endpoint, certificateAuthority, resourcesVpcConfig } = cluster
  if (cluster.connectorConfig) throw eksClusterOnlyRegistered(name)
  if (status === 'DELETING') throw eksClusterBeingDeleted(name)
  if (status === 'FAILED') throw eksClusterCreationFailed(name)
  if (!endpoint || !certificateAuthority?.data) throw eksClusterNotReady(name, status)
  return {
    server: endpoint,
    certificateAuthority: Buffer.from(certificateAuthority.data, 'base64').toString(),
    // Only local clusters on Outposts have an id. Source: AWS CLI, eks get-token, --cluster-id.
    tokenAudience: cluster.id ?? name,
    vpcId: resourcesVpcConfig?.vpcId,
    accountId: cluster.arn?.split(':')[4],
    accessRestriction: describeAccessRestriction(resourcesVpcConfig),
  }
}

async function getCluster(eks: EKSClient, name: string, region: string): Promise<Cluster> {
  try {
    const { cluster } = await eks.send(new DescribeClusterCommand({ name }))
    return cluster ?? {}
  } catch (thrown) {
    if (errorName(thrown) === 'ResourceNotFoundException')
      throw eksClusterNotFound(name, region, thrown)
    throw translateAwsError('eks:DescribeCluster', thrown)
  }
}

/**
 * Who can reach an endpoint: it does not answer connections from anywhere else. Source: EKS user
 * guide, Cluster API server endpoint.
 */
function describeAccessRestriction(vpcConfig: VpcConfigResponse | undefined): string | undefined {
  if (vpcConfig?.endpointPublicAccess === false)
    return 'is private: it can be reached only from the VPC of the cluster and connected networks'
  const cidrs = vpcConfig?.publicAccessCidrs ?? []
  if (cidrs.length === 0 || cidrs.includes('0.0.0.0/0')) return undefined
  return (
    `accepts connections only from ${cidrs.join(', ')}, ` +
    'and from the VPC of the cluster if private access is enabled'
  )
}

/**
 * Milliseconds. The API accepts a token for 15 minutes after its signing, whatever X-Amz-Expires
 * says.
 */
const tokenRefreshAfter = 10 * 60_000

/** Characters that the authenticator accepts. Source: aws-iam-authenticator, pkg/token. */
const maxTokenLength = 4096

/**
 * The DNS suffix of STS, by the prefix of the region. Source: the SDK's table of partitions.
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
 * Bearer tokens for an EKS cluster: a presigned STS GetCallerIdentity URL. The signed host is
 * always that of STS, even when AWS_ENDPOINT_URL points elsewhere, because the cluster's
 * authenticator calls exactly that URL. The token is dated by the clock of AWS, which the SDK
 * learns from a response of EKS: with a wrong clock, the runner would create tokens that are
 * rejected. Source: aws-iam-authenticator, pkg/token/token.go.
 */
export class EksTokenSource implements TokenSource {
  private readonly options: {
    clients: Pick<AwsClients, 'credentials' | 'region'>
    eks: { config: { systemClockOffset: number } }
    cluster: string
    /** The name of the cluster, or its id: `ClusterEndpoint.tokenAudience`. */
    audience: string
    clock: Clock
    maskSecret: (secret: string) => void
  }
  private cachedToken: { token: Promise<string>; createdAt: number } | undefined

  /** @param options.maskSecret called with each token before it is returned */
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
    const { eks, cluster, maskSecret } = this.options
    const signingDate = new Date(now + eks.config.systemClockOffset)
    const url = await this.presignCallerIdentity(signingDate)
    const token = `k8s-aws-v1.${Buffer.from(url).toString('base64url')}`
    maskSecret(token)
    if (token.length > maxTokenLength) throw eksTokenTooLong(cluster, maxTokenLength)
    return token
  }

  private async presignCallerIdentity(signingDate: Date): Promise<string> {
    const { clients, audience } = this.options
    const hostname = getStsHostname(clients.region)
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
      headers: { host: hostname, 'x-k8s-aws-id': audience },
    }
    try {
      const { query } = await signer.presign(request, { expiresIn: 60, signingDate })
      const parameters = new URLSearchParams(query as Record<string, string>)
      return `https://${hostname}/?${parameters.toString()}`
    } catch (thrown) {
      throw translateAwsError('sts:GetCallerIdentity', thrown)
    }
  }
}

function getStsHostname(region: string): string {
  const [, suffix = ''] = dnsSuffixes.find(([prefix]) => prefix.test(region)) ?? []
  return `sts.${region}.${suffix}`
}
