/** The values of the inputs: the frozen object that modes and steps receive. */
import type { CertificateMaterial } from '../x509/certificate.ts'
import type { InputValues, Mode } from './declaration.ts'
import type { loadBalancerInputs } from './declarations/load-balancer.ts'

/** The variables that complete the inputs, and those of proxies (HTTPS_PROXY, http_proxy, ...). */
export interface SettingsEnvironment {
  readonly [name: string]: string | undefined
  readonly AWS_SECRET_ACCESS_KEY?: string | undefined
  readonly AWS_SESSION_TOKEN?: string | undefined
  readonly AWS_REGION?: string | undefined
  readonly AWS_DEFAULT_REGION?: string | undefined
  readonly KUBECONFIG?: string | undefined
  readonly AWS_CA_BUNDLE?: string | undefined
  /** `true` in the reusable workflows, whose jobs do not check out the caller's repository. */
  readonly MILVUS_ALB_WITHOUT_CHECKOUT?: string | undefined
  /** Where Helm stores releases. Source: Helm, HELM_DRIVER; empty means Secrets. */
  readonly HELM_DRIVER?: string | undefined
}

/** How to reach the cluster. */
export type ClusterAccess =
  | { readonly kind: 'eks'; readonly cluster: string }
  /** `paths` as in KUBECONFIG, merged in order; `context` if not the current one. */
  | {
      readonly kind: 'kubeconfig'
      readonly paths: readonly string[]
      readonly context: string | undefined
    }

/** The secret that contains a certificate. */
export type CertificateSecret =
  /** A Secret in the cluster. */
  | { readonly kind: 'kubernetes'; readonly namespace: string; readonly name: string }
  /** A secret in AWS Secrets Manager; `region` is that of its ARN. */
  | { readonly kind: 'secrets-manager'; readonly arn: string; readonly region: string }

/** Where the certificate comes from; `importArn` is the ARN to import it under. */
export type CertificateSource =
  | {
      readonly kind: 'material'
      readonly material: CertificateMaterial
      readonly importArn: string | undefined
    }
  | { readonly kind: 'arn'; readonly arn: string }
  /** Read by each run. */
  | { readonly kind: 'secret'; readonly secret: CertificateSecret }
  /** The one that the Ingress names, in a check without a certificate. */
  | { readonly kind: 'served' }

/** The type of a Service. */
export type ServiceType = 'ClusterIP' | 'LoadBalancer' | 'NodePort'

/** The values of the inputs that every mode has. Durations are seconds. */
export interface Settings {
  readonly mode: Mode
  /** Whether the run only prints what it would change. */
  readonly dryRun: boolean
  /** Whether a check fails if it finds a difference, or could not read everything. */
  readonly failOnDrift: boolean
  readonly clusterAccess: ClusterAccess
  readonly region: string
  /** IDs of the AWS accounts that the credentials may belong to; any account if empty. */
  readonly allowedAccounts: readonly string[]
  readonly namespace: string
  /** The Helm release; undefined means the only Milvus release of the namespace. */
  readonly release: string | undefined
  /** The Service of a Milvus without a Helm release. */
  readonly service: string | undefined
  readonly servicePort: number | undefined
  /** Whether an import may replace a certificate that this action did not create. */
  readonly replaceCertificate: boolean
  /**
   * Days before its expiry from which a run warns of a certificate; undefined: the smaller of 30
   * and a third of its lifetime.
   */
  readonly expiryWarningDays: number | undefined
  readonly chart: {
    readonly name: string
    readonly repository: string
    readonly version: string | undefined
    /** For the repository or registry. Secret. */
    readonly credentials: { readonly username: string; readonly password: string } | undefined
  }
  /** The kind of object in which Helm stores releases: HELM_DRIVER. */
  readonly helmStorage: 'Secret' | 'ConfigMap'
  /** Values to set on top of the release's own. Secret. */
  readonly values: Readonly<Record<string, unknown>>
  /** Those of `values` that are secret, whatever their names are. */
  readonly secretValues: Readonly<Record<string, unknown>>
  /** Whether an upgrade may change more of the release than was requested. */
  readonly allowChartChange: boolean
  /** When the Service becomes ClusterIP: before the ALB exists, after its probe, or never. */
  readonly cutover: 'first' | 'last' | 'never'
  /** Whether a failed run keeps its changes, or rolls them back. */
  readonly onFailure: 'keep' | 'rollback'
  /**
   * The desired type of the release's Service: ClusterIP, or in mode destroy that of input
   * restore-service-type; undefined leaves it unchanged.
   */
  readonly serviceType: ServiceType | undefined
  /**
   * The class of a restored LoadBalancer; `none` for the default of the cloud provider; undefined
   * if the annotations of the Service decide.
   */
  readonly restoreLoadBalancerClass: string | undefined
  readonly ingress: IngressSettings
  /** `lock`: how long a run waits for another run in the same namespace. */
  readonly timeouts: {
    readonly release: number
    readonly loadBalancer: number
    readonly probe: number
    readonly lock: number
  }
  /** Whether it is a failure if Milvus answers without credentials. */
  readonly requireAuthorization: boolean
  readonly probe: ProbeSettings
  readonly summary: boolean
}

/** The settings of a deployment or a check. */
export interface EndpointSettings extends Settings {
  readonly mode: Exclude<Mode, 'destroy'>
  readonly host: string
  readonly certificate: CertificateSource
}

/** The settings of a removal, which needs neither a host nor a certificate. */
export interface RemovalSettings extends Settings {
  readonly mode: 'destroy'
}

/** The settings of a run; `mode` tells which. */
export type RunSettings = EndpointSettings | RemovalSettings

/** What the Ingress contains. Empty lists and maps set nothing. */
export interface IngressSettings extends LoadBalancerSettings {
  readonly name: string | undefined
  readonly className: string
  readonly isDefaultSslPolicy: boolean
  readonly forceConflicts: boolean
}

/** The inputs of the load balancer, in camel case. Durations are seconds. */
export type LoadBalancerSettings = InputValues<typeof loadBalancerInputs>

/** How the endpoint is probed. */
export interface ProbeSettings {
  /** Whether Milvus has to answer. */
  readonly required: boolean
  /** Whether it is only a warning that some calls or addresses of the ALB fail. */
  readonly isLenient: boolean
  /** Whether to work with a temporary collection, too. */
  readonly isDeep: boolean
  /** PEM of private CAs to trust. */
  readonly ca: string | undefined
  /** With which it authenticates to a listener with mutual TLS. */
  readonly clientCertificate: CertificateMaterial | undefined
  /** Where to connect, instead of the ALB's address and port. */
  readonly address: { readonly host: string; readonly port: number } | undefined
  /** `user:password` or an API key. Secret. */
  readonly token: string | undefined
  /** Whether to probe by the host's name too, once the runner's DNS points it to the ALB. */
  readonly byHostname: boolean
}
