/** The simulator: a test environment in this process that needs only npm packages. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AlbDataPlane } from './alb/server.ts'
import { startServiceLoadBalancer } from './alb/service-load-balancer.ts'
import { createTrustStore } from './aws/elbv2-mutual-tls.ts'
import type { Aws } from './aws/server.ts'
import type { AwsState } from './aws/state.ts'
import type { KubernetesApi } from './kubernetes/api.ts'
import type { MilvusServer } from './milvus/server.ts'
import { assumeRole } from './roles.ts'
import { names, startServices, type Services } from './services.ts'
import type { SavedState } from './snapshot.ts'
import { createAdminCli } from '../testing/admin-cli.ts'
import { installHelm3, installTools, type CliTools } from '../testing/cli-tools.ts'
import type { TestEnvironment, TestEnvironmentOptions } from '../testing/environment.ts'
import { FaultInjector } from '../testing/fault-injector.ts'
import { renderKubeconfig } from '../testing/kubeconfig.ts'
import { reserveFreePorts } from '../testing/ports.ts'
import { RequestLog } from '../testing/request-log.ts'
import { createRunnerFiles, type RunnerFiles } from '../testing/runner-files.ts'

/** The simulator, with the services that only it has. */
export interface Simulator extends TestEnvironment {
  readonly aws: Aws
  readonly awsState: AwsState
  readonly kubernetes: KubernetesApi
  readonly alb: AlbDataPlane
  readonly milvus: MilvusServer
}

/** Options of startSimulator. */
export interface SimulatorOptions extends TestEnvironmentOptions {
  /** The initial state of the cluster and the AWS account. */
  readonly savedState?: SavedState | undefined
}

/**
 * Starts every service. Without a saved state the namespace and the IngressClass `alb` exist, and
 * Milvus is not installed yet.
 */
export async function startSimulator({
  clusterHost,
  savedState,
}: SimulatorOptions = {}): Promise<Simulator> {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-simulator-'))
  const recording = { requestLog: new RequestLog(), faults: new FaultInjector() }
  const [services, cliTools] = await Promise.all([
    startServices({ ...recording, clusterHost, savedState }),
    installTools(),
  ])
  const { aws, awsState, chartRepository } = services
  const listenPort = savedState?.listenPort ?? (await reserveFreePort())
  const { root } = services.certificateAuthority
  const runnerFiles = await createRunnerFiles(directory, cliTools.helm, root)
  await runnerFiles.setDnsRecords({
    '*.elb.amazonaws.com': services.albAddress,
    [names.host]: services.albAddress,
  })
  const kubeconfig = await writeKubeconfig(directory, services)
  const serviceLoadBalancer = await prepareServiceLoadBalancer(services)
  return {
    name: 'simulator',
    ...recording,
    aws,
    awsState,
    kubernetes: services.kubernetes,
    controller: services.controller,
    alb: services.alb,
    milvus: services.milvus,
    chartRepository,
    certificateAuthority: services.certificateAuthority,
    certificate: services.certificate,
    albAddress: services.albAddress,
    ...names,
    listenPort,
    directory,
    kubeconfig,
    account: awsState.account,
    region: awsState.region,
    subnets: ['subnet-aaaaaaaa', 'subnet-bbbbbbbb'],
    securityGroup: 'sg-aaaaaaaa',
    eks: aws,
    ...createSwitchableCli({ directory, kubeconfig, services, cliTools, runnerFiles }),
    setDnsRecords: (records) => runnerFiles.setDnsRecords(records),
    helmCalls: () => runnerFiles.helmCalls(),
    runnerEnv: (credential) => ({ ...aws.environment(credential), ...runnerFiles.env }),
    inputs: () => buildInputs(services, listenPort),
    ...createControls(services, runnerFiles),
    openServiceLoadBalancer: serviceLoadBalancer.open,
    trackProcess: () => undefined,
    saveLogs: () => Promise.resolve(undefined),
    async close() {
      await serviceLoadBalancer.close()
      await services.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function reserveFreePort(): Promise<number> {
  const [port = 0] = await reserveFreePorts(1)
  return port
}

function buildInputs(
  { certificate, chartRepository }: Services,
  listenPort: number,
): Record<string, string> {
  return {
    cluster: names.cluster,
    host: names.host,
    certificate: certificate.fullchain,
    'private-key': certificate.privateKey,
    'chart-repository': chartRepository.url,
    'listen-port': String(listenPort),
  }
}

async function writeKubeconfig(directory: string, { adminAccess }: Services): Promise<string> {
  const { url, ca, token } = adminAccess
  const path = join(directory, 'kubeconfig')
  await writeFile(path, renderKubeconfig('simulator', url, ca, { token }), { mode: 0o600 })
  return path
}

type Controls = Pick<
  TestEnvironment,
  | 'overrideAlb'
  | 'pauseLoadBalancerProvisioning'
  | 'pausePodReadiness'
  | 'setClusterEndpoint'
  | 'enableAuthorization'
  | 'createTrustStore'
  | 'assumeRole'
>

/** What a scenario may change while the simulator runs. */
function createControls(services: Services, runnerFiles: RunnerFiles): Controls {
  const { alb, aws, awsState, kubernetes, milvus } = services
  return {
    overrideAlb: (changes) => alb.setOverrides(changes),
    pauseLoadBalancerProvisioning: () => pauseLoadBalancerProvisioning(awsState),
    pausePodReadiness() {
      kubernetes.options.podReadyDelay = Infinity
      return () => void (kubernetes.options.podReadyDelay = 0)
    },
    setClusterEndpoint: (endpoint) => services.setClusterEndpoint(endpoint),
    enableAuthorization({ keepsDefaultPassword = false } = {}) {
      const password = keepsDefaultPassword ? 'Milvus' : `canary-${randomUUID()}`
      milvus.authorization = { user: 'root', password }
      return Promise.resolve(`root:${password}`)
    },
    createTrustStore(name, certificates) {
      createTrustStore(awsState, name, certificates)
      return Promise.resolve()
    },
    assumeRole(excludedPermissions, permissionSet) {
      const context = { aws, kubernetes, cluster: names.cluster }
      const role = assumeRole(context, excludedPermissions, permissionSet)
      return Promise.resolve({ ...aws.environment(role), ...runnerFiles.env })
    },
  }
}

interface ServiceLoadBalancerHandle {
  readonly open: TestEnvironment['openServiceLoadBalancer']
  readonly close: () => Promise<void>
}

/** The load balancer of the Service. It starts when it is first used. */
async function prepareServiceLoadBalancer({
  adminAccess,
  albAddress,
  milvus,
}: Services): Promise<ServiceLoadBalancerHandle> {
  const port = await reserveFreePort()
  let started: Awaited<ReturnType<typeof startServiceLoadBalancer>> | undefined
  return {
    async open() {
      started = await startServiceLoadBalancer({
        kubernetes: adminAccess,
        namespace: names.namespace,
        host: albAddress,
        port,
        resolveMilvus: () => milvus,
      })
      return started
    },
    async close() {
      await started?.close()
    },
  }
}

interface SwitchableCliOptions {
  readonly directory: string
  readonly kubeconfig: string
  readonly services: Services
  readonly cliTools: CliTools
  readonly runnerFiles: RunnerFiles
}

/** The administrator's Helm and kubectl, with a choice of Helm's major version. */
function createSwitchableCli({
  directory,
  kubeconfig,
  services,
  cliTools,
  runnerFiles,
}: SwitchableCliOptions): Pick<TestEnvironment, 'helm' | 'kubectl' | 'installMilvus' | 'useHelm'> {
  let { helm } = cliTools
  const cli = createAdminCli({
    directory,
    kubeconfig,
    namespace: names.namespace,
    chartRepositoryUrl: services.chartRepository.url,
    kubectl: cliTools.kubectl,
    helm: () => helm,
  })
  return {
    ...cli,
    async useHelm(major) {
      helm = major === 3 ? await installHelm3() : cliTools.helm
      await runnerFiles.useHelm(helm)
    },
  }
}

function pauseLoadBalancerProvisioning(awsState: AwsState): () => void {
  const previousProvisioningTime = awsState.provisioningTime
  awsState.provisioningTime = Infinity
  return () => {
    awsState.provisioningTime = previousProvisioningTime
    for (const loadBalancer of awsState.loadBalancers.values())
      if (loadBalancer.activeAt === Infinity) loadBalancer.activeAt = Date.now()
  }
}
