/**
 * The world of a scenario: an EKS cluster with Milvus in an AWS account, and what a scenario may do
 * to it. The simulator is one, the lab, which is made of real parts, the other; a scenario that
 * keeps to this interface runs in both. What it looks at or changes by hand it does as a person
 * would, with kubectl, helm and AWS' own clients: __tests__/scenarios/manual-operations.ts.
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
import type { RequestLog } from './request-log.ts'

/** A Milvus as helm installs it before the guide begins: behind a LoadBalancer Service. */
export interface MilvusInstallation {
  readonly release?: string
  /** `standalone` when absent. */
  readonly mode?: InstallationMode
  /** They go over those of the mode. */
  readonly values?: object
  readonly chartVersion?: string
  readonly serviceType?: string
}

/** How a world may differ. */
export interface TestEnvironmentOptions {
  /**
   * A name for the cluster's API that only a proxy can resolve, in place of its loopback address.
   */
  readonly clusterHost?: string
}

/** The world. Its parts are there to be looked at and to be changed while it runs. */
export interface TestEnvironment {
  readonly name: 'simulator' | 'lab'
  /**
   * Every request that reached AWS, the Kubernetes API and the chart repository, and the faults
   * that meet them.
   */
  readonly requestLog: RequestLog
  /**
   * The load balancer controller's stand-in.
   * @throws Error in a lab with a real one, which has no switches
   */
  readonly controller: Controller
  readonly aws: {
    /** For AWS_ENDPOINT_URL. */
    readonly endpoint: string
    /** Every key that is known, an administrator's first. */
    readonly credentials: readonly AwsCredential[]
  }
  readonly account: string
  readonly region: string
  /** Of the account: two subnets in different zones, and a security group. */
  readonly subnets: readonly string[]
  readonly securityGroup: string
  /**
   * The cluster's authenticator. While `accessEntries` is undefined every principal of the account
   * is in system:masters.
   */
  readonly eks: {
    /** By role or user ARN. */
    accessEntries: Map<string, AccessEntry> | undefined
    /** Of a token, from its X-Amz-Date, milliseconds. */
    tokenLifetime: number
  }
  readonly chartRepository: ChartRepository
  readonly certificateAuthority: CertificateAuthority
  /** Loopback address that every load balancer's name leads to. */
  readonly albAddress: string
  /** A certificate for `host`, as the inputs give it. */
  readonly certificate: IssuedCertificate
  readonly cluster: string
  readonly namespace: string
  readonly host: string
  /** The listener's port. 443 would need privileges, and may be taken on this machine. */
  readonly listenPort: number
  /** A kubeconfig of the cluster's administrator. */
  readonly kubeconfig: string
  /** A directory that ends with the world. */
  readonly directory: string
  /** The environment of a runner: credentials, endpoints, trust, DNS, helm on the PATH. */
  readonly runnerEnv: (credential?: AwsCredential) => Record<string, string>
  /** Inputs that name this world. */
  readonly inputs: () => Record<string, string>
  /** Each call of helm by whoever had `environment()`: its arguments. */
  readonly helmCalls: () => Promise<string[]>
  /** Changes the DNS; testing/dns-override.mjs says what a text means. */
  readonly setDnsRecords: (names: Readonly<Record<string, string>>) => Promise<void>
  /**
   * Runs helm, or kubectl, as the administrator in the namespace.
   * @returns what it printed
   */
  readonly helm: (...args: string[]) => Promise<string>
  readonly kubectl: (...args: string[]) => Promise<string>
  /** Which helm the runner finds on its PATH, and `helm` runs; 4 at first. */
  readonly useHelm: (major: HelmMajorVersion) => Promise<void>
  readonly installMilvus: (installation?: MilvusInstallation) => Promise<void>
  /**
   * Makes the load balancers misbehave; undefined takes an override away. Settles when it is so.
   */
  readonly overrideAlb: (
    changes: Pick<
      AlbOverrides,
      'fixedStatus' | 'servedCertificate' | 'alpnProtocols' | 'refuseConnections'
    >,
  ) => Promise<void>
  /** Keeps load balancers provisioning until the function that it returns is called. */
  readonly pauseLoadBalancerProvisioning: () => () => void
  /** No pod becomes ready until the function that it returns is called. */
  readonly pausePodReadiness: () => () => void
  /** What DescribeCluster names as the address of the cluster's API from now on. */
  readonly setClusterEndpoint: (endpoint: string) => void
  /**
   * The load balancer of the Service itself, which answers while one is of type LoadBalancer; it
   * begins when first asked for.
   */
  readonly openServiceLoadBalancer: () => Promise<ServiceEndpoint>
  /**
   * Has Milvus ask for a token from now on.
   * @returns the one of root, with a password that occurs nowhere else
   */
  readonly enableAuthorization: () => Promise<string>
  /**
   * A session of a role with exactly the permissions that docs/permissions ships, in IAM and in the
   * cluster: those of a deployment, or of a check.
   * @param excludedPermissions the permissions to leave out: an IAM action, or `verb resource` of
   *   RBAC; commas separate several
   * @returns the environment of a runner as that role
   */
  readonly assumeRole: (
    excludedPermissions?: string,
    permissionSet?: PermissionSet,
  ) => Promise<Record<string, string>>
  /** Takes a run's process: it does not outlive the world. */
  readonly trackProcess: (child: ChildProcess) => void
  /**
   * Keeps what its parts wrote down.
   * @returns where; undefined when there is nothing
   */
  readonly saveLogs: () => Promise<string | undefined>
  readonly close: () => Promise<void>
}

/** Where the repository is: the action's dist lies there. */
export const repositoryRoot = fileURLToPath(new URL('..', import.meta.url))
