/** Wires the rooms together: who we are in AWS, and through it to the cluster and to helm. */
import { Acm } from '../clients/aws/acm.ts'
import { createAwsClients } from '../clients/aws/clients.ts'
import { EksTokenSource, describeCluster } from '../clients/aws/eks.ts'
import { createLoadBalancerClient, type LoadBalancerClient } from '../clients/aws/load-balancers.ts'
import type { Subnet } from '../clients/aws/subnets.ts'
import type { Context } from '../steps/step.ts'
import { HelmClient, type HelmClusterAccess } from '../clients/helm/client.ts'
import { KubernetesClient } from '../clients/kubernetes/client.ts'
import {
  createKubeconfigConnection,
  createTokenConnection,
  type Connection,
} from '../clients/kubernetes/connection.ts'
import type { Settings } from '../inputs/types.ts'
import type { Lock } from '../locking/lease-lock.ts'

/** Everything that steps talk to. */
export interface Clients {
  readonly acm: Acm
  readonly loadBalancers: LoadBalancerClient
  /** The cluster has to be found first. */
  readonly cluster: Promise<ClusterClients>
}

/** The cluster, and where it is as far as that is known: a kubeconfig says nothing of AWS. */
export interface ClusterClients {
  readonly kubernetes: KubernetesClient
  readonly helm: HelmClient
  readonly account: string | undefined
  /** The subnets of its VPC. */
  readonly subnets: () => Promise<readonly Subnet[] | undefined>
}

/** All that a run talks to which changes things, and the Lease that lets it. */
export type LockedClients = Clients & ClusterClients & { readonly lock: Lock }

/** @param env of the runner: proxies, credentials, helm's own settings */
export function createClients(
  context: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Clients {
  const awsClients = createAwsClients(settings.region, env, settings.allowedAccounts)

  const resolveConnection = async (): Promise<{
    connection: Connection
    helmCluster: HelmClusterAccess
    vpc?: string | undefined
    account?: string | undefined
  }> => {
    const { clusterAccess: access, region } = settings
    if (access.kind === 'kubeconfig')
      return {
        connection: createKubeconfigConnection(access.paths, access.context, env),
        helmCluster: access,
      }
    const endpoint = await describeCluster(awsClients.eks, access.cluster, region)
    const tokens = new EksTokenSource({
      clients: awsClients,
      cluster: access.cluster,
      clock: context.clock,
      maskSecret: (secret) => context.maskSecret(secret),
    })
    return {
      connection: createTokenConnection(endpoint, tokens, env),
      helmCluster: { ...endpoint, tokenSource: tokens },
      vpc: endpoint.vpcId,
      account: endpoint.accountId,
    }
  }

  const cluster = resolveConnection().then(({ connection, helmCluster, vpc, account }) => ({
    account,
    subnets: async () =>
      vpc === undefined
        ? undefined
        : (await import('../clients/aws/subnets.ts')).listSubnets(awsClients.config, vpc),
    kubernetes: new KubernetesClient(connection, context),
    helm: new HelmClient(helmCluster, {
      workDirectory: () => context.workDirectory(),
      environment: env,
      signal: context.signal,
      clock: context.clock,
      onLine: (line) => context.log.info(line),
    }),
  }))
  return {
    acm: new Acm(awsClients),
    loadBalancers: createLoadBalancerClient(awsClients.elbv2),
    cluster,
  }
}
