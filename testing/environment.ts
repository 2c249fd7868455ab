/**
 * The test environment of a scenario: an EKS cluster with Milvus in an AWS account, and the
 * operations available to a scenario. There are two implementations: the simulator, and the lab,
 * which consists of real components. A scenario that uses only this interface runs in both.
 * Scenarios make manual checks and changes as a person would, with kubectl, Helm and AWS' own
 * clients: __tests__/scenarios/*manual-operations.ts.
 */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AlbOverrides } from '../simulator/alb/server.ts'
import type { AccessEntry } from '../simulator/aws/server.ts'
import type { AwsCredential } from '../simulator/aws/service.ts'
import type { CertificateAuthority, IssuedCertificate } from './certificates.ts'
import type { InstallationMode } from '../simulator/charts/installation-modes.ts'
import type { ChartRepository } from '../simulator/charts/repository.ts'
import type { Controller } from '../simulator/alb-controller/controller.ts'
import type { PermissionSet } from './shipped-permissions.ts'
import type { ServiceEndpoint } from '../simulator/alb/service-load-balancer.ts'
import type { HelmMajorVersion } from './cli-tools.ts'
import type { FaultInjector } from './fault-injector.ts'
import type { RequestLog } from './request-log.ts'

/** Milvus as Helm installs it before the guide begins, behind a LoadBalancer Service. */
export interface MilvusInstallation {
  readonly release?: string
  /** `standalone` when absent. */
  readonly mode?: InstallationMode
  /** Override the values of the mode. */
  readonly values?: object
  readonly chartVersion?: string
  readonly serviceType?: string
}

/** Options of a test environment. */
export interface TestEnvironmentOptions {
  /**
   * A host name for the cluster's API that only a proxy can resolve, instead of its loopback
   * address.
   */
  readonly clusterHost?: string
}

/** A running test environment. Scenarios may inspect and change its services. */
export interface TestEnvironment {
  readonly name: 'simulator' | 'lab'
  /** All requests received by AWS, the Kubernetes API and the chart repository. */
  readonly requestLog: RequestLog
  /** Injects faults into these requests. */
  readonly faults: FaultInjector
  /**
   * The stand-in for the load balancer controller.
   * @throws Error in a lab with a real controller, whose behavior cannot be changed
   */
  readonly controller: Controller
  readonly aws: {
    /** The value of AWS_ENDPOINT_URL. */
    readonly endpoint: string
    /** All known access keys, the administrator's first. */
    readonly credentials: readonly AwsCredential[]
  }
  readonly account: string
  readonly region: string
  /** The subnets of the account: two, in different zones. The account also has a security group. */
  readonly subnets: readonly string[]
  readonly securityGroup: string
  /**
   * The cluster's authenticator. While `accessEntries` is undefined, every principal of the account
   * is in system:masters.
   */
  readonly eks: {
    /** By role or user ARN. */
    accessEntries: Map<string, AccessEntry> | undefined
    /** How long a token is valid after its X-Amz-Date, in milliseconds. */
    tokenLifetime: number
  }
  readonly chartRepository: ChartRepository
  readonly certificateAuthority: CertificateAuthority
  /** The loopback address to which the name of every load balancer resolves. */
  readonly albAddress: string
  /** The certificate for `host` that the inputs contain. */
  readonly certificate: IssuedCertificate
  readonly cluster: string
  readonly namespace: string
  readonly host: string
  /** The port of the listener. 443 would need privileges and may be in use on this machine. */
  readonly listenPort: number
  /** The kubeconfig of the cluster's administrator. */
  readonly kubeconfig: string
  /** A directory that is deleted with the environment. */
  readonly directory: string
  /**
   * Environment variables of a runner: credentials, endpoints, trusted CA, DNS, and PATH with Helm.
   */
  readonly runnerEnv: (credential?: AwsCredential) => Record<string, string>
  /** Inputs of the action that refer to this environment. */
  readonly inputs: () => Record<string, string>
  /** The arguments of each Helm call by processes that run with `runnerEnv()`. */
  readonly helmCalls: () => Promise<string[]>
  /** Changes the DNS records, in the format of testing/dns-override.mjs. */
  readonly setDnsRecords: (names: Readonly<Record<string, string>>) => Promise<void>
  /**
   * Runs Helm or kubectl as the administrator in the namespace.
   * @returns its output
   */
  readonly helm: (...args: string[]) => Promise<string>
  readonly kubectl: (...args: string[]) => Promise<string>
  /** Selects the Helm version that is on the runner's PATH and that `helm` runs; initially 4. */
  readonly useHelm: (major: HelmMajorVersion) => Promise<void>
  readonly installMilvus: (installation?: MilvusInstallation) => Promise<void>
  /**
   * Makes the load balancers misbehave; undefined removes an override. Settles once the change is
   * in effect.
   */
  readonly overrideAlb: (
    changes: Pick<
      AlbOverrides,
      'fixedStatus' | 'servedCertificate' | 'alpnProtocols' | 'refuseConnections'
    >,
  ) => Promise<void>
  /** Keeps load balancers in provisioning until the returned function is called. */
  readonly pauseLoadBalancerProvisioning: () => () => void
  /** Keeps pods from becoming ready until the returned function is called. */
  readonly pausePodReadiness: () => () => void
  /** Sets the address of the cluster's API that DescribeCluster returns. */
  readonly setClusterEndpoint: (endpoint: string) => void
  /**
   * Opens the load balancer of the Service itself, which answers while there is a Service of type
   * LoadBalancer. It is started at the first call.
   */
  readonly openServiceLoadBalancer: () => Promise<ServiceEndpoint>
  /**
   * Makes Milvus require a token from now on.
   * @returns the token of root, with a password that occurs nowhere else, or with the default one
   */
  readonly enableAuthorization: (options?: {
    readonly keepsDefaultPassword?: boolean
  }) => Promise<string>
  /**
   * Creates a trust store of Elastic Load Balancing, for mutual TLS.
   * @param name unique in the account
   * @param certificates PEM of the CAs
   */
  readonly createTrustStore: (name: string, certificates: string) => Promise<void>
  /**
   * Starts a session of a role that has exactly the permissions that docs/permissions ships, in IAM
   * and in the cluster, for a deployment or for a check.
   * @param excludedPermissions the permissions to leave out: an IAM action, or `verb resource` of
   *   RBAC; commas separate several
   * @returns the environment variables of a runner with that role
   */
  readonly assumeRole: (
    excludedPermissions?: string,
    permissionSet?: PermissionSet,
  ) => Promise<Record<string, string>>
  /** Registers the process of a run, so that it is stopped with the environment. */
  readonly trackProcess: (child: ChildProcess) => void
  /**
   * Saves the logs of the environment's services.
   * @returns where they are; undefined when there are none
   */
  readonly saveLogs: () => Promise<string | undefined>
  readonly close: () => Promise<void>
}

/** The root of the repository, which contains the action's dist. */
export const repositoryRoot = fileURLToPath(new URL('..', import.meta.url))
