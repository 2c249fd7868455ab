/** What the inputs mean: the one frozen object that modes and steps are given. */
import type { CertificateMaterial } from '../x509/certificate.ts'

/** How to reach the cluster. */
export type ClusterAccess =
  | { readonly kind: 'eks'; readonly cluster: string }
  /** `paths` as in KUBECONFIG, merged in order; `context` else the current one. */
  | {
      readonly kind: 'kubeconfig'
      readonly paths: readonly string[]
      readonly context: string | undefined
    }

/** Where the certificate comes from; `into` is the ARN that it shall be imported under. */
export type CertificateSource =
  | {
      readonly kind: 'material'
      readonly material: CertificateMaterial
      readonly importArn: string | undefined
    }
  | { readonly kind: 'arn'; readonly arn: string }
  /** None was given, which only a check goes without: whatever the Ingress names is looked at. */
  | { readonly kind: 'served' }

/** A type of a Service. */
export type ServiceType = 'ClusterIP' | 'LoadBalancer' | 'NodePort'

/** What the inputs mean. Durations are seconds. */
export interface Settings {
  readonly mode: 'deploy' | 'check' | 'destroy'
  /** Whether the run only says what it would change. */
  readonly dryRun: boolean
  /** Whether a check fails when it finds a difference, or could not see everything. */
  readonly failOnDrift: boolean
  readonly clusterAccess: ClusterAccess
  readonly region: string
  /** Ids of the AWS accounts that the credentials may be of; every one when there are none. */
  readonly allowedAccounts: readonly string[]
  readonly namespace: string
  /** The helm release; undefined means the one Milvus release of the namespace. */
  readonly release: string | undefined
  /** The Service of a Milvus without a helm release. */
  readonly service: string | undefined
  readonly servicePort: number | undefined
  /** Empty in mode destroy, as is the ARN of `certificate`: neither is needed there. */
  readonly host: string
  readonly certificate: CertificateSource
  /** Whether a certificate under the ARN `into` may be replaced that this action did not make. */
  readonly replaceCertificate: boolean
  /**
   * Days before its end from which on a certificate is warned of; undefined: the smaller of 30 and
   * a third of its lifetime.
   */
  readonly expiryWarningDays: number | undefined
  readonly chart: {
    readonly name: string
    readonly repository: string
    readonly version: string | undefined
    /** For the repository or registry. Secret. */
    readonly credentials: { readonly username: string; readonly password: string } | undefined
  }
  /** The kind of object in which helm keeps releases: HELM_DRIVER. */
  readonly helmStorage: 'Secret' | 'ConfigMap'
  /** Values to set on top of the release's own. Secret. */
  readonly values: Readonly<Record<string, unknown>>
  /** Whether the upgrade may change more of the release than chart-version and values must. */
  readonly allowChartChange: boolean
  /**
   * When the Service becomes ClusterIP: before the ALB is made, after it is proven, or not by this
   * action.
   */
  readonly cutover: 'first' | 'last' | 'never'
  /** Whether a run that fails leaves what it changed, or puts it back. */
  readonly onFailure: 'keep' | 'rollback'
  /**
   * The type that the release's Service shall have: ClusterIP, or what restore-service-type says;
   * undefined leaves it in mode destroy.
   */
  readonly serviceType: ServiceType | undefined
  /**
   * The class that goes with a restored LoadBalancer; `none` for one of the cloud provider;
   * undefined when the annotations of the Service decide.
   */
  readonly restoreLoadBalancerClass: string | undefined
  readonly ingress: IngressSettings
  /** `lock`: how long a run waits for another one in the same namespace. */
  readonly timeouts: {
    readonly release: number
    readonly loadBalancer: number
    readonly probe: number
    readonly lock: number
  }
  /** Whether a Milvus that answers without credentials is a failure. */
  readonly requireAuthorization: boolean
  readonly probe: ProbeSettings
  readonly summary: boolean
}

/** What the Ingress shall say. Empty lists and maps set nothing. */
export interface IngressSettings {
  readonly name: string | undefined
  readonly className: string
  readonly scheme: 'internet-facing' | 'internal'
  readonly listenPort: number
  readonly inboundCidrs: readonly string[]
  readonly subnets: readonly string[]
  readonly securityGroups: readonly string[]
  readonly sslPolicy: string
  readonly idleTimeout: number
  readonly loadBalancerName: string | undefined
  readonly groupName: string | undefined
  readonly tags: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly forceConflicts: boolean
}

/** How the endpoint is proven. */
export interface ProbeSettings {
  readonly required: boolean
  /** PEM of further authorities to trust. */
  readonly ca: string | undefined
  /** Where to connect in place of the ALB's name and port. */
  readonly address: { readonly host: string; readonly port: number } | undefined
  /** `user:password` or an API key. Secret. */
  readonly token: string | undefined
  /** Whether the host's own name is probed too, once the runner's DNS leads it to the ALB. */
  readonly byHostname: boolean
}
