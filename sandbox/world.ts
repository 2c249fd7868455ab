/**
 * The world of a scenario: an EKS cluster with Milvus in an AWS account, and what a scenario may do to it. The sandbox is one,
 * the lab, which is made of real parts, the other; a scenario that keeps to this interface runs in both. What it looks at or
 * changes by hand it does as a person would, with kubectl, helm and AWS' own clients: __tests__/scenarios/hands.ts.
 */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { AlbOverrides } from './alb.ts'
import type { AccessEntry } from './aws/server.ts'
import type { AwsCredential } from './aws/service.ts'
import type { Authority, IssuedCertificate } from './certificates.ts'
import type { InstallationMode } from './charts/modes.ts'
import type { ChartRepository } from './charts/repository.ts'
import type { Controller } from './controller/controller.ts'
import type { PermissionSet } from './permissions.ts'
import type { ServiceAddress } from './service-address.ts'
import type { HelmMajor } from './tools.ts'
import type { Traffic } from './traffic.ts'

/** A Milvus as helm installs it before the guide begins: behind a LoadBalancer Service. */
export interface Installation {
  readonly release?: string
  /** `standalone` when absent. */
  readonly mode?: InstallationMode
  /** They go over those of the mode. */
  readonly values?: object
  readonly chartVersion?: string
  readonly serviceType?: string
}

/** How a world may differ. */
export interface WorldOptions {
  /** A name for the cluster's API that only a proxy can resolve, in place of its loopback address. */
  readonly clusterHost?: string
}

/** The world. Its parts are there to be looked at and to be changed while it runs. */
export interface World {
  readonly name: 'sandbox' | 'lab'
  /** Every request that reached AWS, the Kubernetes API and the chart repository, and the faults that meet them. */
  readonly traffic: Traffic
  /** The load balancer controller's stand-in. @throws Error in a lab with a real one, which has no switches */
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
  /** The cluster's authenticator. While `accessEntries` is undefined every principal of the account is in system:masters. */
  readonly eks: {
    /** By role or user ARN. */
    accessEntries: Map<string, AccessEntry> | undefined
    /** Of a token, from its X-Amz-Date, milliseconds. */
    tokenLifetime: number
  }
  readonly charts: ChartRepository
  readonly authority: Authority
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
  readonly environment: (credential?: AwsCredential) => Record<string, string>
  /** Inputs that name this world. */
  readonly inputs: () => Record<string, string>
  /** Each call of helm by whoever had `environment()`: its arguments. */
  readonly helmCalls: () => Promise<string[]>
  /** Changes the DNS; sandbox/names.mjs says what a text means. */
  readonly setNames: (names: Readonly<Record<string, string>>) => Promise<void>
  /** Runs helm, or kubectl, as the administrator in the namespace. @returns what it printed */
  readonly helm: (...args: string[]) => Promise<string>
  readonly kubectl: (...args: string[]) => Promise<string>
  /** Which helm the runner finds on its PATH, and `helm` runs; 4 at first. */
  readonly useHelm: (major: HelmMajor) => Promise<void>
  readonly installMilvus: (installation?: Installation) => Promise<void>
  /** Makes the load balancers misbehave; undefined takes an override away. Settles when it is so. */
  readonly overrideAlb: (changes: Pick<AlbOverrides, 'respond' | 'serve' | 'alpn' | 'refuse'>) => Promise<void>
  /** Keeps load balancers provisioning until the function that it returns is called. */
  readonly holdLoadBalancers: () => () => void
  /** No pod becomes ready until the function that it returns is called. */
  readonly holdPods: () => () => void
  /** What DescribeCluster names as the address of the cluster's API from now on. */
  readonly moveCluster: (endpoint: string) => void
  /** The load balancer of the Service itself, which answers while one is of type LoadBalancer; it begins when first asked for. */
  readonly serviceAddress: () => Promise<ServiceAddress>
  /** Has Milvus ask for a token from now on. @returns the one of root, with a password that occurs nowhere else */
  readonly requireAuthorization: () => Promise<string>
  /**
   * A session of a role with exactly the permissions that docs/permissions ships, in IAM and in the cluster: those of a deployment, or of a check.
   * @param without the permissions to leave out: an IAM action, or `verb resource` of RBAC; commas separate several
   * @returns the environment of a runner as that role
   */
  readonly assumeRole: (without?: string, set?: PermissionSet) => Promise<Record<string, string>>
  /** Takes a run's process: it does not outlive the world. */
  readonly adopt: (child: ChildProcess) => void
  /** Keeps what its parts wrote down. @returns where; undefined when there is nothing */
  readonly keepLogs: () => Promise<string | undefined>
  readonly close: () => Promise<void>
}

/** Where the repository is: the action's dist lies there. */
export const repository = fileURLToPath(new URL('..', import.meta.url))
