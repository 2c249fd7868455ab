/** What the phases of every step work with. */
import type { Acm } from '../clients/aws/acm.ts'
import type { LoadBalancerClient } from '../clients/aws/load-balancers.ts'
import type { Subnet } from '../clients/aws/subnets.ts'
import type { HelmClient } from '../clients/helm/client.ts'
import type { KubernetesClient } from '../clients/kubernetes/client.ts'
import type { EndpointSettings, Settings } from '../inputs/types.ts'
import type { Lock } from '../locking/lease-lock.ts'
import type { Context } from './step.ts'

/**
 * @typeParam C the clients that a function needs
 * @typeParam S its settings: a removal has no EndpointSettings
 */
export interface Run<C = Clients, S = Settings> {
  readonly context: Context
  readonly settings: S
  readonly clients: C
}

/** A deployment or a check. */
export type EndpointRun<C = Clients> = Run<C, EndpointSettings>

/** The clients of a run that has started to connect to the cluster. */
export interface Clients {
  readonly acm: Acm
  readonly loadBalancers: LoadBalancerClient
  /** The current value of a secret in AWS Secrets Manager: text, or bytes. */
  readonly getSecretValue: (secret: {
    readonly arn: string
    readonly region: string
  }) => Promise<string | Uint8Array>
  /** Resolves when the cluster is found. */
  readonly cluster: Promise<ClusterClients>
}

/** The clients of the cluster, with its AWS account and subnets; a kubeconfig has neither. */
export interface ClusterClients {
  readonly kubernetes: KubernetesClient
  readonly helm: HelmClient
  readonly account: string | undefined
  /** Lists the subnets of the cluster's VPC. */
  readonly subnets: () => Promise<readonly Subnet[] | undefined>
}

/** The clients of a run that writes, with the lock that it has to hold. */
export type LockedClients = Clients & ClusterClients & { readonly lock: Lock }

/** A run that may write. */
export type LockedRun<S = Settings> = Run<LockedClients, S>

/** A run that uses ACM. */
export type AcmRun = Run<Pick<Clients, 'acm'>>

/** A run that uses the Kubernetes API. */
export type ClusterRun<S = Settings> = Run<Pick<ClusterClients, 'kubernetes'>, S>
