/**
 * What the simulator's AWS account holds. The API handlers write it, the ALB's data plane reads it,
 * scenarios look at it and change it by hand ("somebody used the console").
 */

/** A certificate in ACM, private key included: the ALB serves it. */
export interface AcmCertificate {
  readonly arn: string
  /** PEM, one certificate. */
  certificate: string
  /** PEM, leaf excluded; empty when none was given. */
  chain: string
  /** PEM, unencrypted. */
  privateKey: string
  /** ACM's name of the key: RSA_2048, EC_prime256v1, ... */
  keyAlgorithm: string
  importedAt: Date
  tags: Map<string, string>
  /**
   * Set by a scenario: fields of DescribeCertificate that an import does not bring about (Type,
   * Status, FailureReason, RenewalSummary).
   */
  describeOverrides?: { readonly Status?: string; readonly [field: string]: unknown }
}

/** Provisioning ends at a moment that the load balancer carries, so a scenario can make it last. */
export interface LoadBalancer {
  readonly arn: string
  readonly name: string
  /** `NAME-ID.REGION.elb.amazonaws.com`, with `internal-` before it when the scheme is internal. */
  readonly dnsName: string
  readonly scheme: 'internet-facing' | 'internal'
  /**
   * Milliseconds since the epoch from which on the state is `active`; Infinity keeps it
   * provisioning.
   */
  activeAt: number
  /** Set by a scenario: what DescribeLoadBalancers says in place of provisioning or active. */
  failed: boolean
  readonly createdAt?: Date
  vpcId?: string
  attributes: Map<string, string>
  tags: Map<string, string>
  subnets: string[]
  securityGroups: string[]
  listeners: Listener[]
}

/**
 * A listener with its rules, in the order of their priorities; `certificateArns[0]` is the default
 * one.
 */
export interface Listener {
  readonly arn: string
  port: number
  protocol: string
  sslPolicy: string
  certificateArns: string[]
  tags: Map<string, string>
  rules: Rule[]
}

/**
 * `action` is where matching requests go: a target group, or an answer that the ALB gives itself.
 */
export interface Rule {
  readonly arn: string
  priority: number | 'default'
  /** Host-header conditions; none means every host. */
  hosts: string[]
  /** Path patterns (`/*`); none means every path. */
  paths: string[]
  action: { targetGroupArn: string } | { status: number; contentType: string; body: string }
  /** The answer is a redirect: `action` then carries only its status, and this where to. */
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
  /** `12`, `0,16`, ... */
  matcher: string
  vpcId?: string
  /**
   * `Interval`, `Timeout`, `Healthy`, `Unhealthy`, `Port`, `Protocol` where they are not the
   * default.
   */
  healthCheck?: Record<string, string>
  attributes: Map<string, string>
  tags: Map<string, string>
  targets: Target[]
}

/** One registered target. Health is `initial` until `healthyAt`, unless a scenario sets it. */
export interface Target {
  readonly id: string
  readonly port: number
  healthyAt: number
  /** Set by a scenario: DescribeTargetHealth says this in place of initial or healthy. */
  unhealthyReason?: string
}

/** An EKS cluster as DescribeCluster knows it. */
export interface EksCluster {
  readonly name: string
  readonly endpoint: string
  /** PEM of the cluster's CA. */
  readonly certificateAuthority: string
  status: 'ACTIVE' | 'CREATING' | 'FAILED' | 'DELETING' | 'UPDATING'
  /** Fields of resourcesVpcConfig that are not as EKS makes them by itself. */
  readonly network?: object
  /** The Kubernetes version; 1.35 when absent. */
  readonly version?: string
}

/** The account's one VPC. */
export const defaultVpcId = 'vpc-0123456789abcdef0'

/** A subnet of it. */
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
  readonly loadBalancers: Map<string, LoadBalancer>
  readonly targetGroups: Map<string, TargetGroup>
  readonly clusters: Map<string, EksCluster>
  readonly subnets: Subnet[]
  /**
   * How long CreateLoadBalancer leaves a load balancer in `provisioning`, and a new target in
   * `initial`; milliseconds.
   */
  provisioningTime: number
  targetHealthTime: number
  /**
   * Imports that ACM still allows this year; 5000 when absent. Every import that makes a new
   * certificate takes one.
   */
  remainingImports?: number
  /**
   * How long Elastic Load Balancing does not see a new certificate yet (CertificateNotFound); 0
   * when absent. Milliseconds.
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
    loadBalancers: new Map(),
    targetGroups: new Map(),
    clusters: new Map(),
    subnets: ['a', 'b'].map((zone) => ({
      id: `subnet-${zone}`,
      zone: `${options.region ?? 'us-east-2'}${zone}`,
      availableIpCount: 200,
      tags: { ...tags },
    })),
    provisioningTime: 0,
    targetHealthTime: 0,
  }
}
