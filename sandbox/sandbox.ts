/** The sandbox: a world of our own, in this process, that needs nothing but npm. */
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAlb, type Alb } from './alb.ts'
import { startAws, type Aws } from './aws/server.ts'
import type { AwsCredential } from './aws/service.ts'
import { createAwsState, type AwsState } from './aws/state.ts'
import { createAuthority, loopbackServerPair } from './certificates.ts'
import { startChartRepository } from './charts/repository.ts'
import { startController } from './controller/controller.ts'
import { setServiceClass } from './controller/service-class.ts'
import { kubeconfigOf } from './kubeconfig.ts'
import { startKubernetes, type Identity, type KubernetesApi } from './kubernetes/api.ts'
import { startMilvus, type Milvus } from './milvus.ts'
import { allows, authorizer, groupOf, shippedPolicy, shippedRoles, type PermissionSet } from './permissions.ts'
import { freePorts } from './ports.ts'
import { runnerFiles, type RunnerFiles } from './runner-files.ts'
import { startServiceAddress } from './service-address.ts'
import { restoreAccount, type SavedState } from './snapshot.ts'
import { terminal, type TerminalSettings } from './terminal.ts'
import { helmThree, tools } from './tools.ts'
import { Traffic } from './traffic.ts'
import { type World, type WorldOptions } from './world.ts'

/** The sandbox, with the parts that only it has. */
export interface Sandbox extends World {
  readonly aws: Aws
  readonly state: AwsState
  readonly kubernetes: KubernetesApi
  readonly alb: Alb
  readonly milvus: Milvus
}

const administrator: Identity = { username: 'admin', groups: ['system:masters'] }
const controllerIdentity: Identity = { username: 'system:serviceaccount:kube-system:aws-load-balancer-controller', groups: ['system:authenticated'] }

/** How the sandbox may differ. */
export interface SandboxOptions extends WorldOptions {
  /** What the cluster and the AWS account hold at the start. */
  readonly savedState?: SavedState | undefined
}

/** Starts every part. Without a saved state the namespace and the IngressClass `alb` exist, and Milvus is not installed yet. */
export async function startSandbox({ clusterHost, savedState }: SandboxOptions = {}): Promise<Sandbox> {
  const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com']
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-sandbox-'))
  const traffic = new Traffic()
  const state = createAwsState()
  if (savedState) restoreAccount(state, savedState.account)
  const [aws, authority, programs, charts, milvus] = await Promise.all([startAws({ traffic, state }), savedState?.authority ?? createAuthority(), tools(), startChartRepository({ traffic }), startMilvus({ traffic })])
  const [pair, certificate] = await Promise.all([loopbackServerPair(authority, clusterHost === undefined ? [] : [clusterHost]), savedState?.certificate ?? authority.issue({ hosts: [host] })])

  const [adminToken, controllerToken] = [randomUUID(), randomUUID()]
  const staticTokens = new Map<string, Identity>([[adminToken, administrator], [controllerToken, controllerIdentity]])
  const kubernetes = await startKubernetes({
    traffic,
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: async (token) => staticTokens.get(token) ?? aws.authenticateEksToken(token, cluster),
  })
  furnish(kubernetes, namespace, savedState)
  const describe = (endpoint: string): unknown => state.clusters.set(cluster, { name: cluster, endpoint, certificateAuthority: pair.ca, status: 'ACTIVE' })
  describe(clusterHost === undefined ? kubernetes.url : kubernetes.url.replace('127.0.0.1', clusterHost))

  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const [servicePort = 0, listenPort = 0] = [...await freePorts(1), ...(savedState ? [savedState.listenPort] : await freePorts(1))]
  const alb = await startAlb({ traffic, state, host: albAddress, resolveTarget: () => ({ host: milvus.host, port: milvus.port }) })
  const controller = await startController({
    kubernetes: { url: kubernetes.url, ca: pair.ca, token: controllerToken },
    aws: { endpoint: aws.endpoint, region: state.region, credentials: firstCredential(aws) },
    cluster,
  })

  let service: Awaited<ReturnType<typeof startServiceAddress>> | undefined
  const runner = await runnerFiles(directory, programs.helm, authority.root)
  await runner.setNames({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf('sandbox', kubernetes.url, pair.ca, { token: adminToken }), { mode: 0o600 })
  return {
    name: 'sandbox',
    traffic, aws, state, kubernetes, controller, alb, milvus, charts, authority, certificate, albAddress, cluster, namespace, host, listenPort, directory, kubeconfig,
    account: state.account,
    region: state.region,
    subnets: ['subnet-a', 'subnet-b'],
    securityGroup: 'sg-a',
    eks: aws,
    ...byHand({ directory, kubeconfig, namespace, charts: charts.url, kubectl: programs.kubectl, helm: () => programs.helm }, runner),
    setNames: (names) => runner.setNames(names),
    helmCalls: () => runner.helmCalls(),
    environment: (credential) => ({ ...aws.environment(credential), ...runner.environment }),
    inputs: () => ({ cluster, host, certificate: certificate.fullchain, 'private-key': certificate.privateKey, 'chart-repository': charts.url, 'listen-port': String(listenPort) }),
    overrideAlb: (changes) => alb.override(changes),
    holdLoadBalancers: () => holdLoadBalancers(state),
    holdPods() {
      kubernetes.options.readyAfter = Infinity
      return () => void (kubernetes.options.readyAfter = 0)
    },
    moveCluster: (endpoint) => void describe(endpoint),
    async serviceAddress() {
      service = await startServiceAddress({ kubernetes: { url: kubernetes.url, ca: pair.ca, token: adminToken }, namespace, host: albAddress, port: servicePort, resolve: () => milvus })
      return service
    },
    requireAuthorization() {
      milvus.authorization = { user: 'root', password: `canary-${randomUUID()}` }
      return Promise.resolve(`root:${milvus.authorization.password}`)
    },
    assumeRole: (without, set) => Promise.resolve({ ...aws.environment(assumeRole({ aws, kubernetes, cluster }, without, set)), ...runner.environment }),
    adopt: () => undefined,
    keepLogs: () => Promise.resolve(undefined),
    async close() {
      await controller.close()
      await Promise.all([service?.close(), alb.close(), milvus.close(), charts.close(), kubernetes.close(), aws.close()])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Puts there what was saved, or what the guide takes for granted; the controller's webhook for Services is on in either case. */
function furnish(kubernetes: KubernetesApi, namespace: string, savedState: SavedState | undefined): void {
  kubernetes.options.mutateCreate = setServiceClass
  if (savedState) kubernetes.load(savedState.objects)
  else createPrerequisites(kubernetes, namespace)
}

function createPrerequisites(kubernetes: KubernetesApi, namespace: string): void {
  kubernetes.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  kubernetes.create({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'alb' }, spec: { controller: 'ingress.k8s.aws/alb' } })
}

/** The clients of a person at a terminal, with a choice of helm. */
function byHand(settings: TerminalSettings, runner: RunnerFiles): Pick<World, 'helm' | 'kubectl' | 'installMilvus' | 'useHelm'> {
  let helm = settings.helm()
  return {
    ...terminal({ ...settings, helm: () => helm }),
    async useHelm(major) {
      helm = major === 3 ? await helmThree() : settings.helm()
      await runner.useHelm(helm)
    },
  }
}

function firstCredential(aws: Aws): { accessKeyId: string; secretAccessKey: string } {
  const [credential] = aws.credentials
  if (!credential) throw new Error('the sandbox has no AWS credentials')
  return credential
}

function holdLoadBalancers(state: AwsState): () => void {
  const before = state.provisioningTime
  state.provisioningTime = Infinity
  return () => {
    state.provisioningTime = before
    for (const balancer of state.loadBalancers.values()) if (balancer.activeAt === Infinity) balancer.activeAt = Date.now()
  }
}

/** Lets a new role do exactly what docs say, but for `without`. */
function assumeRole({ aws, kubernetes, cluster }: { aws: Aws; kubernetes: KubernetesApi; cluster: string }, without?: string, set: PermissionSet = 'deploy'): AwsCredential {
  const { account, region } = aws.state
  const name = `action-${aws.credentials.length}`
  const role: AwsCredential = { accessKeyId: `ASIA${String(aws.credentials.length).padStart(16, '0')}`, secretAccessKey: randomUUID(), sessionToken: randomUUID(), principalArn: `arn:aws:sts::${account}:assumed-role/${name}/run` }
  aws.credentials.push(role)
  const policy = shippedPolicy({ region, account, cluster }, without, set)
  const [iam, rbac] = [aws.authorize, kubernetes.options.authorize]
  aws.authorize = (principal, action, resource) => (principal === role.principalArn ? allows(policy, action, resource) : iam(principal, action, resource))
  const granted = authorizer(shippedRoles(without, set))
  kubernetes.options.authorize = (identity, attributes) => (identity.username === name ? granted : rbac)(identity, attributes)
  aws.accessEntries = new Map([...(aws.accessEntries ?? []), [`arn:aws:iam::${account}:role/${name}`, { username: name, groups: [groupOf(set)] }]])
  return role
}
