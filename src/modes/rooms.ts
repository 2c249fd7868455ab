/** Wires the rooms together: who we are in AWS, and through it to the cluster and to helm. */
import { Acm } from '../aws/acm.ts'
import { createClients } from '../aws/clients.ts'
import { EksTokenSource, describeCluster } from '../aws/eks.ts'
import { loadBalancers, type LoadBalancers } from '../aws/load-balancers.ts'
import type { Subnet } from '../aws/subnets.ts'
import type { Context } from '../core/step.ts'
import { Helm, type HelmCluster } from '../helm/session.ts'
import { KubernetesClient } from '../kubernetes/client.ts'
import { kubeconfigConnection, tokenConnection, type Connection } from '../kubernetes/connection.ts'
import type { Settings } from '../settings/types.ts'
import type { Lock } from '../steps/lock.ts'

/** Everything that steps talk to. */
export interface Rooms {
  readonly acm: Acm
  readonly loadBalancers: LoadBalancers
  /** The cluster has to be found first. */
  readonly cluster: Promise<Cluster>
}

/** The cluster, and where it is as far as that is known: a kubeconfig says nothing of AWS. */
export interface Cluster {
  readonly kubernetes: KubernetesClient
  readonly helm: Helm
  readonly account: string | undefined
  /** The subnets of its VPC. */
  readonly subnets: () => Promise<readonly Subnet[] | undefined>
}

/** All that a run talks to which changes things, and the Lease that lets it. */
export type Held = Rooms & Cluster & { readonly lock: Lock }

/** @param environment of the runner: proxies, credentials, helm's own settings */
export function createRooms(context: Context, settings: Settings, environment: NodeJS.ProcessEnv): Rooms {
  const clients = createClients(settings.region, environment, settings.allowedAccounts)

  const reach = async (): Promise<{ connection: Connection; helmCluster: HelmCluster; vpc?: string | undefined; account?: string | undefined }> => {
    const { access, region } = settings
    if (access.kind === 'kubeconfig') return { connection: kubeconfigConnection(access.paths, access.context, environment), helmCluster: access }
    const endpoint = await describeCluster(clients.eks, access.cluster, region)
    const tokens = new EksTokenSource({ clients, cluster: access.cluster, clock: context.clock, protect: (secret) => context.protect(secret) })
    return { connection: tokenConnection(endpoint, tokens, environment), helmCluster: { ...endpoint, tokens }, vpc: endpoint.vpc, account: endpoint.account }
  }

  const cluster = reach().then(({ connection, helmCluster, vpc, account }) => ({
    account,
    subnets: async () => (vpc === undefined ? undefined : (await import('../aws/subnets.ts')).listSubnets(clients.config, vpc)),
    kubernetes: new KubernetesClient(connection, context),
    helm: new Helm(helmCluster, { workDirectory: () => context.workDirectory(), environment, signal: context.signal, clock: context.clock, onLine: (line) => context.log.info(line) }),
  }))
  return { acm: new Acm(clients), loadBalancers: loadBalancers(clients.elbv2), cluster }
}
