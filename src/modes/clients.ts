/** Connects a run to AWS, and with the AWS identity to the cluster and Helm. */
import { Acm } from '../clients/aws/acm.ts'
import { createAwsClients, type AwsClients } from '../clients/aws/clients.ts'
import { createLoadBalancerClient } from '../clients/aws/load-balancers.ts'
import { HelmClient, type HelmClusterAccess } from '../clients/helm/client.ts'
import { KubernetesClient } from '../clients/kubernetes/client.ts'
import { createTokenConnection, type Connection } from '../clients/kubernetes/connection.ts'
import { getServerRegion } from '../clients/kubernetes/eks-server.ts'
import { clusterInOtherRegion } from '../failures/inputs.ts'
import type { Settings } from '../inputs/types.ts'
import type { Clients, ClusterClients, Run } from '../steps/run.ts'
import type { Context } from '../steps/step.ts'

/** @param env of the runner: proxies, credentials, Helm's own settings */
export function createClients(
  context: Context,
  settings: Settings,
  env: NodeJS.ProcessEnv,
): Clients {
  const aws = createAwsClients(settings.region, env, {
    allowedAccounts: settings.allowedAccounts,
    maskSecret: (secret) => context.maskSecret(secret),
  })
  return {
    acm: new Acm(aws, context),
    loadBalancers: createLoadBalancerClient(aws.elbv2),
    getSecretValue: async (secret) => {
      const { getSecretValue } = await import('../clients/aws/secrets-manager.ts')
      return getSecretValue(aws.config, secret)
    },
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
      onOutput: (line) => context.log.debug(line),
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
    // Nothing of the cluster is read or written before the account is known to be allowed.
    if (settings.allowedAccounts.length > 0) await aws.credentials()
    const { createKubeconfigConnection } =
      await import('../clients/kubernetes/kubeconfig-connection.ts')
    const connection = createKubeconfigConnection(access, {
      environment: env,
      clock: context.clock,
      signal: context.signal,
      maskSecret: (secret) => context.maskSecret(secret),
      warn: (line) => context.log.warn(line),
    })
    const serverRegion = getServerRegion(connection.server)
    if (serverRegion !== undefined && serverRegion !== region)
      throw clusterInOtherRegion(serverRegion, region)
    return { connection, helmAccess: access }
  }
  const { createEksClient, describeCluster, EksTokenSource } = await import('../clients/aws/eks.ts')
  const eks = createEksClient(aws.config)
  const endpoint = await describeCluster(eks, access.cluster, region)
  const tokenSource = new EksTokenSource({
    clients: aws,
    eks,
    cluster: access.cluster,
    audience: endpoint.tokenAudience,
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
