/** Connects a run to AWS, and with the AWS identity to the cluster and helm. */
import { Acm } from '../clients/aws/acm.ts'
import { createAwsClients, type AwsClients } from '../clients/aws/clients.ts'
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

/** The clients of all steps. */
export interface Clients {
  readonly acm: Acm
  readonly loadBalancers: LoadBalancerClient
  /** Resolves when the cluster is found. */
  readonly cluster: Promise<ClusterClients>
}

/** The clients of the cluster, and its place in AWS, which a kubeconfig does not contain. */
export interface ClusterClients {
  readonly kubernetes: KubernetesClient
  readonly helm: HelmClient
  readonly account: string | undefined
  /** Lists the subnets of the cluster's VPC. */
  readonly subnets: () => Promise<readonly Subnet[] | undefined>
}

/** The clients of a run that writes, with the lock that it has to hold. */
export type LockedClients = Clients & ClusterClients & { readonly lock: Lock }

/** What every part of a mode works with. */
export interface Run<C = Clients> {
  readonly context: Context
  readonly settings: Settings
  readonly clients: C
}

/** @param env of the runner: proxies, credentials, helm's own settings */
export function createClients(
  context: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Clients {
  const aws = createAwsClients(settings.region, env, settings.allowedAccounts)
  return {
    acm: new Acm(aws),
    loadBalancers: createLoadBalancerClient(aws.elbv2),
    cluster: createClusterClients({ context, settings, clients: aws }, env),
  }
}

async function createClusterClients(
  run: Run<AwsClients>,
  env: NodeJS.ProcessEnv,
): Promise<ClusterClients> {
  const { context, clients: aws } = run
  const { connection, helmAccess, account, vpcId } = await connectToCluster(run, env)
  return {
    account,
    subnets: async () => {
      if (vpcId === undefined) return undefined
      const { listSubnets } = await import('../clients/aws/subnets.ts')
      return listSubnets(aws.config, vpcId)
    },
    kubernetes: new KubernetesClient(connection, context),
    helm: new HelmClient(helmAccess, {
      workDirectory: () => context.workDirectory(),
      environment: env,
      signal: context.signal,
      clock: context.clock,
      onLine: (line) => context.log.info(line),
    }),
  }
}

interface ClusterConnection {
  readonly connection: Connection
  readonly helmAccess: HelmClusterAccess
  readonly account?: string | undefined
  readonly vpcId?: string | undefined
}

async function connectToCluster(
  { context, settings, clients: aws }: Run<AwsClients>,
  env: NodeJS.ProcessEnv,
): Promise<ClusterConnection> {
  const { clusterAccess: access, region } = settings
  if (access.kind === 'kubeconfig') {
    const connection = createKubeconfigConnection(access.paths, access.context, env)
    return { connection, helmAccess: access }
  }
  const endpoint = await describeCluster(aws.eks, access.cluster, region)
  const tokenSource = new EksTokenSource({
    clients: aws,
    cluster: access.cluster,
    clock: context.clock,
    maskSecret: (secret) => context.maskSecret(secret),
  })
  return {
    connection: createTokenConnection(endpoint, tokenSource, env),
    helmAccess: { ...endpoint, tokenSource },
    account: endpoint.accountId,
    vpcId: endpoint.vpcId,
  }
}
