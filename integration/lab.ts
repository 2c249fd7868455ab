/** The lab: the world of a scenario made of real parts. */
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AwsCredential } from '../simulator/aws/service.ts'
import { createCertificateAuthority, type CertificateAuthority } from '../testing/certificates.ts'
import { startChartRepository } from '../simulator/charts/repository.ts'
import type { KubernetesClient } from '../simulator/alb-controller/kubernetes-client.ts'
import { renderKubeconfig } from '../testing/kubeconfig.ts'
import {
  isAllowedByPolicy,
  rbacGroupOf,
  loadIamPolicy,
  loadRbacObjects,
  type PermissionSet,
} from '../testing/shipped-permissions.ts'
import { startServiceLoadBalancer } from '../simulator/alb/service-load-balancer.ts'
import { reserveFreePorts } from '../testing/ports.ts'
import { createRunnerFiles, type RunnerFiles } from '../testing/runner-files.ts'
import { createAdminCli } from '../testing/admin-cli.ts'
import { cacheDirectory, type HelmMajorVersion } from '../testing/cli-tools.ts'
import { RequestLog } from '../testing/request-log.ts'
import { type TestEnvironment, type TestEnvironmentOptions } from '../testing/environment.ts'
import { MilvusBackends } from './milvus-backends.ts'
import { startAwsProxy, type AwsProxy } from './services/aws-proxy.ts'
import { saveFixture, startCluster, acquireSharedCluster } from './shared-cluster.ts'
import { openNamespace } from './services/cluster-setup.ts'
import { startLabController } from './services/controller.ts'
import { createEksAuthenticator, type EksAuthenticator } from './services/eks-authenticator.ts'
import { followLoadBalancers, startEnvoy, type EnvoyAlb } from './services/envoy.ts'
import { startKubernetesProxy } from './services/kubernetes-proxy.ts'
import { LoadBalancers } from './services/load-balancers.ts'
import type { MilvusKind } from './services/milvus.ts'
import { createAccount, startMotoServer, type Moto } from './services/moto.ts'
import { startNameProxy } from './services/name-proxy.ts'
import type { AuthenticateToken } from './services/token-webhook.ts'
import { Processes, runCommand } from './process.ts'
import { getWorkerServices } from './shared-services.ts'
import type { LabPrograms, ProgressLogger } from './setup.ts'

/** How the lab may differ. */
export interface LabOptions extends TestEnvironmentOptions {
  readonly logProgress?: ProgressLogger
  /**
   * Nothing stands before the Kubernetes API: its requests are not recorded, and take no longer
   * than they do.
   */
  readonly bypassKubernetesProxy?: boolean
  /**
   * The name under which `saveStart` wrote down what is there at the start; nothing is there when
   * none has.
   */
  readonly fixture?: string
}

/** The lab, with what only real parts have. */
export interface Lab extends TestEnvironment {
  readonly programs: LabPrograms
  /** Whether the cluster is what it was when the `start` of the options was saved. */
  readonly isRestored: boolean
  /**
   * Writes down what is in the cluster, for other labs of this worker to start from; does nothing
   * in a lab that has a cluster of its own.
   */
  readonly saveFixture: (name: string) => Promise<void>
  readonly alb: EnvoyAlb
  /** The Kubernetes API itself, as the administrator. */
  readonly client: KubernetesClient
  /** Path of the authority's root. */
  readonly ca: string
  /** Puts another Milvus behind the load balancers. */
  readonly selectMilvus: (kind: MilvusKind) => Promise<void>
  /** The token of root at the Milvus behind the load balancers; empty when it asks for none. */
  readonly milvusToken: () => string
  /**
   * Runs Python with pymilvus; ADDRESS, PORT, HOST, CA, and PROXY, which resolves names, are in its
   * environment.
   * @returns what it printed
   */
  readonly pymilvus: (
    script: string,
    environment?: Readonly<Record<string, string>>,
  ) => Promise<string>
}

const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com']

/** Folders of logs that stay. */
const retainedLogFolders = 10

/**
 * Starts every part. The namespace and the IngressClass `alb` exist; Milvus is not installed yet.
 */
export async function startLab(programs: LabPrograms, options: LabOptions = {}): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-lab-'))
  const processes = new Processes(directory)
  const closers: (() => void | Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
    await processes.close()
    await rm(directory, { recursive: true, force: true })
  }
  const keepLogs = async (): Promise<string> => {
    const logsRoot = join(cacheDirectory, 'lab-logs')
    const logFolder = join(logsRoot, new Date().toISOString().replace(/[:.]/g, '-'))
    await mkdir(logFolder, { recursive: true })
    for (const logs of [processes.logs, getWorkerServices()?.logs])
      if (logs !== undefined && existsSync(logs)) await cp(logs, logFolder, { recursive: true })
    for (const old of (await readdir(logsRoot)).sort().slice(0, -retainedLogFolders))
      await rm(join(logsRoot, old), { recursive: true, force: true })
    return logFolder
  }
  try {
    return {
      ...(await assembleLab(programs, options, { directory, processes, closers })),
      trackProcess: (child) => processes.adopt(child),
      saveLogs: keepLogs,
      close,
    }
  } catch (error) {
    const logs = await keepLogs().catch(() => 'nowhere')
    await close()
    throw new Error(
      `the lab did not start (logs: ${logs}): ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

interface LabResources {
  readonly directory: string
  readonly processes: Processes
  readonly closers: (() => void | Promise<void>)[]
}

/**
 * Awaits all, also when one fails: a part that comes up after the others were ended would never be
 * ended itself.
 */
async function awaitAll<const T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

/** Starts a part, tells how long it took, and remembers how to end it. */
function createStarter({ closers }: LabResources, logProgress: ProgressLogger) {
  return async <T extends object>(
    name: string,
    startup: () => Promise<T & { close?(): void | Promise<void> }>,
  ): Promise<T> => {
    const startedAt = performance.now()
    const service = await startup()
    closers.push(() => service.close?.())
    logProgress(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    return service
  }
}

async function assembleLab(
  programs: LabPrograms,
  options: LabOptions,
  resources: LabResources,
): Promise<Omit<Lab, 'trackProcess' | 'saveLogs' | 'close'>> {
  const { directory, processes, closers } = resources
  const startService = createStarter(resources, options.logProgress ?? (() => undefined))
  const requestLog = new RequestLog()
  const authority = await createCertificateAuthority({ name: 'Lab CA' })
  const milvusBackends = new MilvusBackends({ programs, processes, directory })
  // The API server asks about a token only after all of it is there.
  const authenticator: { eks?: EksAuthenticator } = {}
  const [[moto, runningCluster, envoy], charts, certificate] = await awaitAll([
    startOrReuseServices({
      programs,
      resources,
      startService,
      authority,
      fixture: options.fixture,
      authenticate: async (token) => authenticator.eks?.authenticate(token),
    }),
    startService('charts', () => startChartRepository({ requestLog })),
    authority.issue({ hosts: [host] }),
    startService('Milvus', () => milvusBackends.select('plain')),
  ])
  const { control } = runningCluster
  const eks = (authenticator.eks = createEksAuthenticator(moto, cluster))
  const api =
    options.bypassKubernetesProxy === true
      ? control
      : await startService('Kubernetes front', () =>
          startKubernetesProxy({
            requestLog,
            authority,
            api: control,
            ...(options.clusterHost === undefined ? {} : { host: options.clusterHost }),
          }),
        )
  const endpoint =
    options.clusterHost === undefined ? api.url : api.url.replace('127.0.0.1', options.clusterHost)
  const aws = await startService('AWS front', () =>
    startAwsProxy({ moto, requestLog, cluster: { name: cluster, endpoint, ca: api.ca } }),
  )
  const loadBalancers = new LoadBalancers(moto)
  closers.push(() => loadBalancers.close())
  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const [listenPort = 0, servicePort = 0] = await reserveFreePorts(2)
  const [clusterNamespace, alb] = await awaitAll([
    startService('namespace', () => openNamespace(runningCluster, namespace)),
    startService('load balancers', () =>
      followLoadBalancers({
        envoy,
        awsProxy: aws,
        loadBalancers,
        address: albAddress,
        resolveTarget: () => milvusBackends.address(),
      }),
    ),
  ])
  const controller = await startLabController({
    kubernetes: api,
    control,
    moto,
    endpoint: aws.endpoint,
    cluster,
    processes,
    directory,
  })
  if (controller) closers.push(() => controller.close())
  const runner = await createRunnerFiles(directory, programs.helm[4], authority.root)
  await runner.setDnsRecords({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const proxy = await startService('names', () =>
    startNameProxy((name) => runner.resolveName(name)),
  )
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(
    kubeconfig,
    renderKubeconfig('lab', api.url, api.ca, { token: control.adminToken }),
    { mode: 0o600 },
  )
  const environment = (credential: AwsCredential = moto.users.runner): Record<string, string> => ({
    ...buildAwsEnvironment(moto, aws, credential),
    ...runner.env,
  })
  const manualOperations = createManualOperations({
    programs,
    directory,
    kubeconfig,
    charts: charts.url,
    albAddress,
    listenPort,
    runner,
    proxy: proxy.url,
  })
  return {
    name: 'lab',
    requestLog,
    aws,
    eks,
    alb,
    chartRepository: charts,
    certificateAuthority: authority,
    programs,
    albAddress,
    certificate,
    cluster,
    namespace,
    host,
    listenPort,
    kubeconfig,
    directory,
    runnerEnv: environment,
    client: clusterNamespace.client,
    isRestored: runningCluster.isRestored,
    saveFixture: saveWorkerFixture,
    account: moto.account,
    region: moto.region,
    subnets: moto.subnets,
    securityGroup: moto.securityGroup,
    get controller() {
      if (!controller) throw new Error('the controller of this lab is a real one')
      return controller
    },
    ca: runner.caPath,
    helmCalls: () => runner.helmCalls(),
    setDnsRecords: (names) => runner.setDnsRecords(names),
    inputs: () => ({
      cluster,
      host,
      certificate: certificate.fullchain,
      'private-key': certificate.privateKey,
      'chart-repository': charts.url,
      'listen-port': String(listenPort),
    }),
    overrideAlb: (changes) => alb.override(changes),
    pauseLoadBalancerProvisioning: () => aws.holdProvisioning(),
    pausePodReadiness: () => clusterNamespace.holdPods(),
    setClusterEndpoint: (url) => void (aws.cluster = { ...aws.cluster, endpoint: url }),
    openServiceLoadBalancer: () =>
      startService("the Service's own load balancer", () =>
        startServiceLoadBalancer({
          kubernetes: { url: control.url, ca: control.ca, token: control.adminToken },
          namespace,
          host: albAddress,
          port: servicePort,
          resolveMilvus: () => milvusBackends.address(),
        }),
      ),
    enableAuthorization: async () => {
      const token = await milvusBackends.requireAuthorization()
      await alb.sync()
      return token
    },
    milvusToken: () => milvusBackends.token,
    selectMilvus: async (kind) => {
      await milvusBackends.select(kind)
      await alb.sync()
    },
    assumeRole: async (deniedPermission, permissionSet) =>
      environment(
        await assumeRole(
          { moto, aws, eks, directory, kubectl: manualOperations.kubectl },
          deniedPermission,
          permissionSet,
        ),
      ),
    ...manualOperations,
  }
}

async function saveWorkerFixture(name: string): Promise<void> {
  const worker = getWorkerServices()
  if (worker) await saveFixture(worker.cluster, name)
}

/**
 * What a worker keeps for its labs, or else parts of this lab's own. They do not need each other:
 * all start at once.
 */
function startOrReuseServices({
  programs,
  resources,
  startService,
  authority,
  fixture,
  authenticate,
}: {
  programs: LabPrograms
  resources: LabResources
  startService: ReturnType<typeof createStarter>
  authority: CertificateAuthority
  fixture: string | undefined
  authenticate: AuthenticateToken
}) {
  const { directory, processes } = resources
  const worker = getWorkerServices()
  return awaitAll([
    startService('moto', async () =>
      createAccount(worker?.moto ?? (await startMotoServer(processes, programs.moto)), cluster),
    ),
    startService('cluster', () =>
      worker
        ? acquireSharedCluster(worker.cluster, authenticate, fixture)
        : startCluster({ programs, directory, processes, authority, authenticate }),
    ),
    startService('Envoy', () =>
      worker
        ? Promise.resolve(worker.envoy)
        : startEnvoy({ program: programs.envoy, directory, processes }),
    ),
  ])
}

function buildAwsEnvironment(
  moto: Moto,
  aws: AwsProxy,
  { accessKeyId, secretAccessKey, sessionToken }: AwsCredential,
): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: aws.endpoint,
    AWS_REGION: moto.region,
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  }
}

/** What a person at a terminal has: the clients, as the administrator. */
function createManualOperations({
  programs,
  directory,
  kubeconfig,
  charts,
  albAddress,
  listenPort,
  runner,
  proxy,
}: {
  programs: LabPrograms
  directory: string
  kubeconfig: string
  charts: string
  albAddress: string
  listenPort: number
  runner: RunnerFiles
  proxy: string
}) {
  let helmMajor: HelmMajorVersion = 4
  return {
    ...createAdminCli({
      directory,
      kubeconfig,
      namespace,
      chartRepositoryUrl: charts,
      kubectl: programs.kubectl,
      helm: () => programs.helm[helmMajor],
    }),
    useHelm: (version: HelmMajorVersion): Promise<void> => {
      helmMajor = version
      return runner.useHelm(programs.helm[version])
    },
    pymilvus: async (
      script: string,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<string> => {
      const target = {
        ADDRESS: albAddress,
        PORT: String(listenPort),
        HOST: host,
        CA: runner.caPath,
        PROXY: proxy,
      }
      return (
        await runCommand(programs.pymilvus, ['-'], {
          input: script,
          env: { PATH: '/usr/bin:/bin', HOME: join(directory, 'admin'), ...target, ...environment },
        })
      ).stdout
    },
  }
}

/**
 * A session of a role with what docs ship, in IAM, in EKS' access entries and, for the group of the
 * action, in RBAC.
 */
async function assumeRole(
  {
    moto,
    aws,
    eks,
    directory,
    kubectl,
  }: {
    moto: Moto
    aws: AwsProxy
    eks: EksAuthenticator
    directory: string
    kubectl: Lab['kubectl']
  },
  deniedPermission?: string,
  permissionSet: PermissionSet = 'deploy',
): Promise<AwsCredential> {
  const name = `milvus-alb-${aws.credentials.length}`
  const policy = loadIamPolicy(
    { region: moto.region, account: moto.account, cluster },
    deniedPermission,
    permissionSet,
  )
  const credential = await moto.assumeRole(name, policy)
  aws.credentials.push(credential)
  eks.credentials.push(credential)
  const previousAuthorize = aws.authorize
  aws.authorize = (principal, action, resource) =>
    principal === credential.principalArn
      ? isAllowedByPolicy(policy, action, resource)
      : previousAuthorize(principal, action, resource)
  eks.accessEntries = new Map([
    ...(eks.accessEntries ?? []),
    [`arn:aws:iam::${moto.account}:role/${name}`, { groups: [rbacGroupOf(permissionSet)] }],
  ])
  const path = join(directory, 'rbac.json')
  const roles = loadRbacObjects(deniedPermission, permissionSet)
  // One namespace after the other: kubectl refuses objects of another one than it is told.
  for (const roleNamespace of new Set(roles.map(({ metadata }) => metadata.namespace ?? ''))) {
    await writeFile(
      path,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'List',
        items: roles.filter(({ metadata }) => (metadata.namespace ?? '') === roleNamespace),
      }),
    )
    await kubectl(
      'apply',
      ...(roleNamespace === '' ? [] : ['--namespace', roleNamespace]),
      '-f',
      path,
    )
  }
  return credential
}
