/** The lab: a test environment of real services. */
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AwsCredential } from '../simulator/aws/service.ts'
import type { MinimalKubernetesClient } from '../testing/kubernetes-client.ts'
import { renderKubeconfig } from '../testing/kubeconfig.ts'
import { startServiceLoadBalancer } from '../simulator/alb/service-load-balancer.ts'
import { reserveFreePorts } from '../testing/ports.ts'
import { createRunnerFiles, type RunnerFiles } from '../testing/runner-files.ts'
import { cacheDirectory } from '../testing/cli-tools.ts'
import { type TestEnvironment, type TestEnvironmentOptions } from '../testing/environment.ts'
import {
  cluster,
  host,
  namespace,
  startLabServices,
  type LabResources,
  type LabServices,
} from './lab-services.ts'
import { assumeRole, buildAwsEnvironment, createAdministrator } from './lab-access.ts'
import { saveFixture } from './shared-cluster.ts'
import type { EnvoyAlb } from './services/envoy.ts'
import type { MilvusKind } from './services/milvus.ts'
import { startNameProxy } from './services/name-proxy.ts'
import { Processes } from './process.ts'
import { getWorkerServices } from './shared-services.ts'
import type { LabPrograms, ProgressLogger } from './setup.ts'

/** Options of startLab. */
export interface LabOptions extends TestEnvironmentOptions {
  readonly logProgress?: ProgressLogger
  /** Connects to the Kubernetes API directly: requests are neither recorded nor delayed. */
  readonly bypassKubernetesProxy?: boolean
  /** The name of a state saved by `saveFixture`. The cluster is new when absent. */
  readonly fixture?: string
}

/** The test environment with the members that only the lab has. */
export interface Lab extends TestEnvironment {
  readonly programs: LabPrograms
  /** Whether the cluster was restored from the fixture. */
  readonly isRestored: boolean
  /**
   * Saves the state of the cluster as the starting point of other labs of this worker. Does nothing
   * if the lab has its own cluster.
   */
  readonly saveFixture: (name: string) => Promise<void>
  readonly alb: EnvoyAlb
  /** Accesses the Kubernetes API directly as administrator. */
  readonly client: MinimalKubernetesClient
  /** The path of the root certificate. */
  readonly ca: string
  /** Switches the Milvus server behind the load balancers. */
  readonly selectMilvus: (kind: MilvusKind) => Promise<void>
  /** The token of root; empty while authorization is off. */
  readonly milvusToken: () => string
  /**
   * Runs Python with pymilvus. Its environment contains ADDRESS, PORT, HOST, CA, and PROXY, which
   * resolves names.
   * @returns its standard output
   */
  readonly pymilvus: (
    script: string,
    environment?: Readonly<Record<string, string>>,
  ) => Promise<string>
}

/** The number of log folders to keep. */
const retainedLogFolders = 10

/** Starts the lab. The namespace and the IngressClass `alb` exist; Milvus is not installed yet. */
export async function startLab(programs: LabPrograms, options: LabOptions = {}): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-lab-'))
  const processes = new Processes(directory)
  const closers: (() => void | Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
    await processes.close()
    await rm(directory, { recursive: true, force: true })
  }
  try {
    return {
      ...(await assembleLab(programs, options, { directory, processes, closers })),
      trackProcess: (child) => processes.adopt(child),
      saveLogs: () => saveLogs(processes),
      close,
    }
  } catch (error) {
    const logs = await saveLogs(processes).catch(() => 'not saved')
    await close()
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`The lab did not start (logs: ${logs}): ${message}`, { cause: error })
  }
}

/**
 * Copies the logs to the cache folder.
 * @returns the folder
 */
async function saveLogs(processes: Processes): Promise<string> {
  const logsRoot = join(cacheDirectory, 'lab-logs')
  const logFolder = join(logsRoot, new Date().toISOString().replace(/[:.]/g, '-'))
  await mkdir(logFolder, { recursive: true })
  for (const logs of [processes.logs, getWorkerServices()?.logs])
    if (logs !== undefined && existsSync(logs)) await cp(logs, logFolder, { recursive: true })
  for (const old of (await readdir(logsRoot)).sort().slice(0, -retainedLogFolders))
    await rm(join(logsRoot, old), { recursive: true, force: true })
  return logFolder
}

async function assembleLab(
  programs: LabPrograms,
  options: LabOptions,
  resources: LabResources,
): Promise<Omit<Lab, 'trackProcess' | 'saveLogs' | 'close'>> {
  const { directory } = resources
  const services = await startLabServices(programs, options, resources)
  const { moto, aws, eks, alb, charts, authority, certificate, controller } = services
  const [listenPort = 0] = await reserveFreePorts(1)
  const runner = await createRunnerFiles(directory, programs.helm[4], authority.root)
  const { albAddress } = services
  await runner.setDnsRecords({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const proxy = await services.startService('DNS proxy', () =>
    startNameProxy((name) => runner.resolveName(name)),
  )
  const kubeconfig = await writeKubeconfig(directory, services)
  const administrator = createAdministrator({
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
    ...services.recording,
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
    client: services.clusterNamespace.client,
    isRestored: services.isRestored,
    saveFixture: saveWorkerFixture,
    ...describeAccount(moto),
    get controller() {
      if (!controller) throw new Error('This lab has a real controller, without switches.')
      return controller
    },
    ca: runner.caPath,
    helmCalls: () => runner.helmCalls(),
    setDnsRecords: (names) => runner.setDnsRecords(names),
    inputs: () => buildInputs(services, listenPort),
    ...createControls(services),
    ...createRunnerEnvironments(services, runner, { directory, kubectl: administrator.kubectl }),
    ...administrator,
  }
}

function describeAccount({
  account,
  region,
  subnets,
  securityGroup,
}: LabServices['moto']): Pick<Lab, 'account' | 'region' | 'subnets' | 'securityGroup'> {
  return { account, region, subnets, securityGroup }
}

function buildInputs(
  { certificate, charts }: LabServices,
  listenPort: number,
): Record<string, string> {
  return {
    cluster,
    host,
    certificate: certificate.fullchain,
    'private-key': certificate.privateKey,
    'chart-repository': charts.url,
    'listen-port': String(listenPort),
  }
}

async function writeKubeconfig(directory: string, { api, control }: LabServices): Promise<string> {
  const path = join(directory, 'kubeconfig')
  const kubeconfig = renderKubeconfig('lab', api.url, api.ca, { token: control.adminToken })
  await writeFile(path, kubeconfig, { mode: 0o600 })
  return path
}

async function saveWorkerFixture(name: string): Promise<void> {
  const worker = getWorkerServices()
  if (worker) await saveFixture(worker.cluster, name)
}

type Controls = Pick<
  Lab,
  | 'overrideAlb'
  | 'pauseLoadBalancerProvisioning'
  | 'pausePodReadiness'
  | 'setClusterEndpoint'
  | 'openServiceLoadBalancer'
  | 'enableAuthorization'
  | 'createTrustStore'
  | 'milvusToken'
  | 'selectMilvus'
>

/** What a scenario may change while the lab runs. */
function createControls(services: LabServices): Controls {
  const { alb, aws, control, milvusBackends } = services
  return {
    overrideAlb: (changes) => alb.override(changes),
    pauseLoadBalancerProvisioning: () => aws.holdProvisioning(),
    pausePodReadiness: () => services.clusterNamespace.holdPods(),
    setClusterEndpoint: (url) => void (aws.cluster = { ...aws.cluster, endpoint: url }),
    async openServiceLoadBalancer() {
      const [port = 0] = await reserveFreePorts(1)
      return services.startService('load balancer of the Service', () =>
        startServiceLoadBalancer({
          kubernetes: { url: control.url, ca: control.ca, token: control.adminToken },
          namespace,
          host: services.albAddress,
          port,
          resolveMilvus: () => milvusBackends.address(),
        }),
      )
    },
    async enableAuthorization(options) {
      const token = await milvusBackends.requireAuthorization(options)
      await alb.sync()
      return token
    },
    createTrustStore(name, certificates) {
      aws.mutualTls.createTrustStore(name, certificates)
      return Promise.resolve()
    },
    milvusToken: () => milvusBackends.token,
    async selectMilvus(kind) {
      await milvusBackends.select(kind)
      await alb.sync()
    },
  }
}

/** The environments of runners with different AWS credentials. */
function createRunnerEnvironments(
  { moto, aws, eks }: LabServices,
  runner: RunnerFiles,
  access: { directory: string; kubectl: Lab['kubectl'] },
): Pick<Lab, 'runnerEnv' | 'assumeRole'> {
  const runnerEnv = (credential: AwsCredential = moto.users.runner): Record<string, string> => ({
    ...buildAwsEnvironment(moto, aws, credential),
    ...runner.env,
  })
  return {
    runnerEnv,
    async assumeRole(deniedPermission, permissionSet) {
      const context = { moto, aws, eks, ...access }
      return runnerEnv(await assumeRole(context, deniedPermission, permissionSet))
    },
  }
}
