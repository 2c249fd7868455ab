/**
 * The resources of the simulated AWS account. The API writes them, the data plane of the ALB reads
 * them, and scenarios may read and change them like a user of the console.
 */

/** A certificate in ACM, with its private key for the ALB. */
export interface AcmCertificate {
  readonly arn: string
  /** PEM, one certificate. */
  certificate: string
  /** PEM, without the leaf; may be empty. */
  chain: string
  /** PEM, unencrypted. */
  privateKey: string
  /** In ACM's notation: RSA_2048, EC_prime256v1, ... */
  keyAlgorithm: string
  importedAt: Date
  tags: Map<string, string>
  /**
   * Set by a scenario: fields of DescribeCertificate that imported certificates do not have (Type,
   * Status, FailureReason, RenewalSummary).
   */
  describeOverrides?: { readonly Status?: string; readonly [field: string]: unknown }
}

/** A secret in AWS Secrets Manager, with its current value. */
export interface StoredSecret {
  readonly arn: string
  readonly name: string
  readonly text?: string | undefined
  /** Base64. */
  readonly binary?: string | undefined
  /** When it was scheduled for deletion. */
  deletedAt?: Date
}

/** An Application Load Balancer. */
export interface LoadBalancer {
  readonly arn: string
  readonly name: string
  /** `NAME-ID.REGION.elb.amazonaws.com`, prefixed with `internal-` for an internal scheme. */
  readonly dnsName: string
  readonly scheme: 'internet-facing' | 'internal'
  /** The end of provisioning in milliseconds since the epoch; a scenario may set Infinity. */
  activeAt: number
  /** Set by a scenario: the state is `failed`. */
  failed: boolean
  readonly createdAt?: Date
  vpcId?: string
  attributes: Map<string, string>
  tags: Map<string, string>
  subnets: string[]
  securityGroups: string[]
  listeners: Listener[]
}

/** A trust store, for mutual TLS. */
export interface TrustStore {
  readonly arn: string
  readonly name: string
  /** PEM of the CAs. */
  readonly certificates: string
}

/** What a listener does with client certificates. */
export interface MutualAuthentication {
  /** `off`, `passthrough` or `verify`. */
  readonly mode: string
  /** Of mode `verify`. */
  readonly trustStore: TrustStore | undefined
  readonly ignoresExpiry: boolean
}

/** A listener. */
export interface Listener {
  readonly arn: string
  port: number
  protocol: string
  sslPolicy: string
  /** The first one is the default certificate. */
  certificateArns: string[]
  /** Mode `off` if absent. */
  mutualAuthentication?: MutualAuthentication | undefined
  tags: Map<string, string>
  /** In the order of their priorities. */
  rules: Rule[]
}

/** A rule of a listener. */
export interface Rule {
  readonly arn: string
  priority: number | 'default'
  /** Host-header conditions; empty for any host. */
  hosts: string[]
  /** Path patterns such as `/*`; empty for any path. */
  paths: string[]
  /** A target group to forward to, or a response of the ALB itself. */
  action: { targetGroupArn: string } | { status: number; contentType: string; body: string }
  /** The target of a redirect. `action` then contains only its status. */
  redirect?: { protocol: string; host: string; port: string; path: string; query: string }
  tags: Map<string, string>
}

/** A target group of type ip. */
export interface TargetGroup {
  readonly arn: string
  readonly name: string
  readonly port: number
  readonly protocol: string
  readonly protocolVersion: 'GRPC' | 'HTTP1' | 'HTTP2'
  healthCheckPath: string
  /** The success codes: `12`, `0,16`, ... */
  matcher: string
  vpcId?: string
  /** The health check settings that differ from the default, by member of the API. */
  healthCheck?: Record<string, string>
  attributes: Map<string, string>
  tags: Map<string, string>
  targets: RegisteredTarget[]
}

/** A registered target. */
export interface RegisteredTarget {
  readonly id: string
  readonly port: number
  /** The end of state `initial`, in milliseconds since the epoch. */
  healthyAt: number
  /** Set by a scenario: the target is unhealthy for this reason. */
  unhealthyReason?: string
}

/** An EKS cluster. */
export interface EksCluster {
  readonly name: string
  readonly endpoint: string
  /** PEM of the cluster's CA. */
  readonly certificateAuthority: string
  status: 'ACTIVE' | 'CREATING' | 'FAILED' | 'DELETING' | 'UPDATING'
  /** Fields of resourcesVpcConfig that differ from the default. */
  readonly network?: object
  /** The Kubernetes version; 1.35 when absent. */
  readonly version?: string
  /** Of a local cluster on an Outpost. */
  readonly id?: string
  /** Whether the cluster runs elsewhere, and EKS Connector only registered it. */
  readonly isRegistered?: boolean
}

/** The only VPC of the account. */
export const defaultVpcId = 'vpc-0123456789abcdef0'

/** A subnet of the VPC. */
export interface Subnet {
  readonly id: string
  readonly zone: string
  availableIpCount: number
  tags: Record<string, string>
}

/** One account in one region. */
export interface AwsState {
  readonly account: string
  readonly region: string
  readonly certificates: Map<string, AcmCertificate>
  readonly secrets: Map<string, StoredSecret>
  readonly loadBalancers: Map<string, LoadBalancer>
  readonly targetGroups: Map<string, TargetGroup>
  /** By ARN. */
  readonly trustStores: Map<string, TrustStore>
  readonly clusters: Map<string, EksCluster>
  readonly subnets: Subnet[]
  /** Milliseconds for which new load balancers are in state `provisioning`. */
  provisioningTime: number
  /** Milliseconds for which new targets are in state `initial`. */
  targetHealthTime: number
  /** The rest of this year's quota of new certificates; 5000 when absent. */
  remainingImports?: number
  /**
   * Milliseconds for which Elastic Load Balancing answers CertificateNotFound for a new
   * certificate; 0 when absent.
   */
  certificatePropagationTime?: number
}

/** An empty account. */
export function createAwsState(options: { account?: string; region?: string } = {}): AwsState {
  const tags = { 'kubernetes.io/role/elb': '1', 'kubernetes.io/role/internal-elb': '1' }
  return {
    account: options.account ?? '111122223333',
    region: options.region ?? 'us-east-2',
    certificates: new Map(),
    secrets: new Map(),
    loadBalancers: new Map(),
    targetGroups: new Map(),
    trustStores: new Map(),
    clusters: new Map(),
    subnets: ['a', 'b'].map((zone) => ({
      id: `subnet-${zone.repeat(8)}`,
      zone: `${options.region ?? 'us-east-2'}${zone}`,
      availableIpCount: 200,
      tags: { ...tags },
    })),
    provisioningTime: 0,
    targetHealthTime: 0,
  }
}
