/** Starts and connects the services of a lab. */
import { randomInt } from 'node:crypto'
import type { Controller } from '../simulator/alb-controller/controller.ts'
import { startChartRepository, type ChartRepository } from '../simulator/charts/repository.ts'
import {
  createCertificateAuthority,
  type CertificateAuthority,
  type IssuedCertificate,
} from '../testing/certificates.ts'
import type { TestEnvironment } from '../testing/environment.ts'
import { FaultInjector } from '../testing/fault-injector.ts'
import { RequestLog } from '../testing/request-log.ts'
import { MilvusBackends } from './milvus-backends.ts'
import type { Processes } from './process.ts'
import { startAwsProxy, type AwsProxy } from './services/aws-proxy.ts'
import { openNamespace, type ClusterNamespace } from './services/cluster-setup.ts'
import type { ControlPlaneAccess } from './services/control-plane.ts'
import { startLabController } from './services/controller.ts'
import { createEksAuthenticator, type EksAuthenticator } from './services/eks-authenticator.ts'
import {
  followLoadBalancers,
  startEnvoy,
  type EnvoyAlb,
  type EnvoyProgram,
} from './services/envoy.ts'
import { startKubernetesProxy } from './services/kubernetes-proxy.ts'
import { LoadBalancers } from './services/load-balancers.ts'
import { createAccount, startMotoServer, type Moto } from './services/moto.ts'
import type { AuthenticateToken } from './services/token-webhook.ts'
import type { LabPrograms, ProgressLogger } from './setup.ts'
import { acquireSharedCluster, startCluster } from './shared-cluster.ts'
import { getWorkerServices } from './shared-services.ts'

/** The names in every lab. */
export const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com'] as const

/** What is removed with the lab. */
export interface LabResources {
  readonly directory: string
  readonly processes: Processes
  readonly closers: (() => void | Promise<void>)[]
}

/** Options of startLabServices. */
export interface LabServicesOptions {
  readonly logProgress?: ProgressLogger
  readonly clusterHost?: string
  readonly bypassKubernetesProxy?: boolean
  readonly fixture?: string
}

/** The running services. */
export interface LabServices {
  readonly startService: StartService
  readonly recording: Pick<TestEnvironment, 'requestLog' | 'faults'>
  readonly authority: CertificateAuthority
  readonly certificate: IssuedCertificate
  readonly charts: ChartRepository
  readonly milvusBackends: MilvusBackends
  readonly moto: Moto
  readonly aws: AwsProxy
  readonly eks: EksAuthenticator
  readonly control: ControlPlaneAccess
  /** The Kubernetes API, or the proxy in front of it. */
  readonly api: { readonly url: string; readonly ca: string }
  readonly clusterNamespace: ClusterNamespace
  readonly isRestored: boolean
  readonly alb: EnvoyAlb
  readonly albAddress: string
  /** Undefined for a real controller. */
  readonly controller: Controller | undefined
}

/** Starts a service, logs how long that took, and registers its `close`. */
export type StartService = <T extends object>(
  name: string,
  startup: () => Promise<T & { close?(): void | Promise<void> }>,
) => Promise<T>

function createStarter({ closers }: LabResources, logProgress: ProgressLogger): StartService {
  return async (name, startup) => {
    const startedAt = performance.now()
    const service = await startup()
    closers.push(() => service.close?.())
    logProgress(`${name}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
    return service
  }
}

/**
 * Waits for all promises even if one fails, so that every service that has started can be closed.
 */
async function awaitAll<const T extends readonly Promise<unknown>[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises)
  return Promise.all(promises)
}

/** Starts the services that the worker does not provide. */
export async function startLabServices(
  programs: LabPrograms,
  options: LabServicesOptions,
  resources: LabResources,
): Promise<LabServices> {
  const { directory, processes, closers } = resources
  const startService = createStarter(resources, options.logProgress ?? (() => undefined))
  const recording = { requestLog: new RequestLog(), faults: new FaultInjector() }
  const authority = await createCertificateAuthority({ name: 'Lab CA' })
  const milvusBackends = new MilvusBackends({ programs, processes, directory })
  // The authenticator is set before the API server needs it.
  const authenticator: { eks?: EksAuthenticator } = {}
  const [shared, charts, certificate] = await awaitAll([
    startOrReuseServices({
      programs,
      resources,
      startService,
      authority,
      fixture: options.fixture,
      authenticate: async (token) => authenticator.eks?.authenticate(token),
    }),
    startService('chart repository', () => startChartRepository(recording)),
    authority.issue({ hosts: [host], isEnvironmentCertificate: true }),
    startService('Milvus', () => milvusBackends.select('plain')),
  ])
  const { moto, runningCluster, envoy } = shared
  const { control, isRestored } = runningCluster
  const eks = (authenticator.eks = createEksAuthenticator(moto, cluster))
  const started = { startService, recording, authority, moto, control }
  const { api, aws } = await startProxies(started, options)
  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const loadBalancers = new LoadBalancers(moto)
  closers.push(() => loadBalancers.close())
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
  const { endpoint } = aws
  const controllerSettings = { kubernetes: api, control, moto, endpoint, cluster }
  const controller = await startLabController({ ...controllerSettings, processes, directory })
  if (controller) closers.push(() => controller.close())
  const connected = { aws, eks, api, clusterNamespace, isRestored, alb, albAddress, controller }
  return { ...started, ...connected, certificate, charts, milvusBackends }
}

/** The proxies that record requests to the Kubernetes API and to AWS. */
async function startProxies(
  {
    startService,
    recording,
    authority,
    moto,
    control,
  }: Pick<LabServices, 'startService' | 'recording' | 'authority' | 'moto' | 'control'>,
  { clusterHost, bypassKubernetesProxy = false }: LabServicesOptions,
): Promise<Pick<LabServices, 'api' | 'aws'>> {
  const proxyHost = clusterHost === undefined ? {} : { host: clusterHost }
  const api = bypassKubernetesProxy
    ? control
    : await startService('Kubernetes proxy', () =>
        startKubernetesProxy({ ...recording, authority, api: control, ...proxyHost }),
      )
  const endpoint = clusterHost === undefined ? api.url : api.url.replace('127.0.0.1', clusterHost)
  const aws = await startService('AWS proxy', () =>
    startAwsProxy({ ...recording, moto, cluster: { name: cluster, endpoint, ca: api.ca } }),
  )
  return { api, aws }
}

interface ReusableServicesOptions {
  readonly programs: LabPrograms
  readonly resources: LabResources
  readonly startService: StartService
  readonly authority: CertificateAuthority
  readonly fixture: string | undefined
  readonly authenticate: AuthenticateToken
}

interface ReusableServices {
  readonly moto: Moto
  readonly runningCluster: Awaited<ReturnType<typeof acquireSharedCluster>>
  readonly envoy: EnvoyProgram
}

/** The services of the worker, or new ones. They are independent and start in parallel. */
async function startOrReuseServices({
  programs,
  resources,
  startService,
  authority,
  fixture,
  authenticate,
}: ReusableServicesOptions): Promise<ReusableServices> {
  const { directory, processes } = resources
  const worker = getWorkerServices()
  const [moto, runningCluster, envoy] = await awaitAll([
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
  return { moto, runningCluster, envoy }
}
