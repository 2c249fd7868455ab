/** Starts the services of a simulator: AWS, the Kubernetes API, Milvus and the ALB. */
import { randomInt, randomUUID } from 'node:crypto'
import { startAlb, type AlbDataPlane } from './alb/server.ts'
import { startAws, type Aws } from './aws/server.ts'
import { createAwsState, type AwsState } from './aws/state.ts'
import {
  createCertificateAuthority,
  issueLoopbackCertificate,
  type CertificateAuthority,
  type IssuedCertificate,
} from '../testing/certificates.ts'
import { startChartRepository, type ChartRepository } from './charts/repository.ts'
import { startController, type Controller } from './alb-controller/controller.ts'
import { setServiceClass } from './alb-controller/service-class.ts'
import { startKubernetes, type Identity, type KubernetesApi } from './kubernetes/api.ts'
import { startMilvus, type MilvusServer } from './milvus/server.ts'
import { restoreAccount, type SavedState } from './snapshot.ts'
import type { RequestRecording } from '../testing/fault-injector.ts'
import type { KubernetesAccess } from '../testing/kubernetes-client.ts'

/** The names in every simulator. */
export const names = {
  cluster: 'production',
  namespace: 'milvus',
  host: 'milvus.example.com',
} as const

const adminIdentity: Identity = { username: 'admin', groups: ['system:masters'] }
const controllerIdentity: Identity = {
  username: 'system:serviceaccount:kube-system:aws-load-balancer-controller',
  groups: ['system:authenticated'],
}

/** The running services. */
export interface Services {
  readonly aws: Aws
  readonly awsState: AwsState
  readonly kubernetes: KubernetesApi
  /** Access to the Kubernetes API as administrator. */
  readonly adminAccess: KubernetesAccess
  readonly controller: Controller
  readonly alb: AlbDataPlane
  readonly albAddress: string
  readonly milvus: MilvusServer
  readonly chartRepository: ChartRepository
  readonly certificateAuthority: CertificateAuthority
  /** The certificate for `names.host`. */
  readonly certificate: IssuedCertificate
  /** Registers the address of the Kubernetes API in EKS. */
  setClusterEndpoint(endpoint: string): void
  close(): Promise<void>
}

/** Options of startServices. */
export interface ServicesOptions extends RequestRecording {
  /** A host of the Kubernetes API instead of its loopback address. */
  readonly clusterHost?: string | undefined
  readonly savedState?: SavedState | undefined
}

/** Starts all services. */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { requestLog, faults, clusterHost, savedState } = options
  const recording: RequestRecording = { requestLog, faults }
  const awsState = createAwsState()
  if (savedState) restoreAccount(awsState, savedState.account)
  const [aws, certificateAuthority, chartRepository, milvus] = await Promise.all([
    startAws({ ...recording, state: awsState }),
    savedState?.certificateAuthority ?? createCertificateAuthority(),
    startChartRepository(recording),
    startMilvus(recording),
  ])
  const certificate =
    savedState?.certificate ??
    (await certificateAuthority.issue({ hosts: [names.host], isEnvironmentCertificate: true }))
  const cluster = await startCluster(options, aws, certificateAuthority)
  const { kubernetes } = cluster
  cluster.setEndpoint(
    clusterHost === undefined ? kubernetes.url : kubernetes.url.replace('127.0.0.1', clusterHost),
  )
  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const alb = await startAlb({
    ...recording,
    state: awsState,
    host: albAddress,
    resolveTarget: () => ({ host: milvus.host, port: milvus.port }),
  })
  const controller = await startController({
    kubernetes: cluster.controllerAccess,
    aws: { endpoint: aws.endpoint, region: awsState.region, credentials: firstCredential(aws) },
    cluster: names.cluster,
  })
  return {
    aws,
    awsState,
    kubernetes,
    adminAccess: cluster.adminAccess,
    controller,
    alb,
    albAddress,
    milvus,
    chartRepository,
    certificateAuthority,
    certificate,
    setClusterEndpoint: (endpoint) => cluster.setEndpoint(endpoint),
    async close() {
      await controller.close()
      await Promise.all([
        alb.close(),
        milvus.close(),
        chartRepository.close(),
        kubernetes.close(),
        aws.close(),
      ])
    },
  }
}

interface Cluster {
  readonly kubernetes: KubernetesApi
  readonly adminAccess: KubernetesAccess
  readonly controllerAccess: KubernetesAccess
  setEndpoint(endpoint: string): void
}

async function startCluster(
  { requestLog, faults, clusterHost, savedState }: ServicesOptions,
  aws: Aws,
  certificateAuthority: CertificateAuthority,
): Promise<Cluster> {
  const { cert, key, ca } = await issueLoopbackCertificate(
    certificateAuthority,
    clusterHost === undefined ? [] : [clusterHost],
  )
  const [adminToken, controllerToken] = [randomUUID(), randomUUID()]
  const staticTokens = new Map<string, Identity>([
    [adminToken, adminIdentity],
    [controllerToken, controllerIdentity],
  ])
  // Local clusters on Outposts have an id.
  const getTokenAudience = (): string => aws.state.clusters.get(names.cluster)?.id ?? names.cluster
  const kubernetes = await startKubernetes({
    requestLog,
    faults,
    tls: { certificate: cert, privateKey: key },
    authenticate: async (token) =>
      staticTokens.get(token) ?? aws.authenticateEksToken(token, getTokenAudience()),
  })
  kubernetes.options.mutateCreate = setServiceClass
  if (savedState) kubernetes.load(savedState.objects)
  else createPrerequisites(kubernetes)
  return {
    kubernetes,
    adminAccess: { url: kubernetes.url, ca, token: adminToken },
    controllerAccess: { url: kubernetes.url, ca, token: controllerToken },
    setEndpoint(endpoint) {
      aws.state.clusters.set(names.cluster, {
        name: names.cluster,
        endpoint,
        certificateAuthority: ca,
        status: 'ACTIVE',
      })
    },
  }
}

/** Creates what the guide requires: the namespace, and the IngressClass of the controller. */
function createPrerequisites(kubernetes: KubernetesApi): void {
  kubernetes.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: names.namespace } })
  kubernetes.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'alb' },
    spec: { controller: 'ingress.k8s.aws/alb' },
  })
}

function firstCredential(aws: Aws): { accessKeyId: string; secretAccessKey: string } {
  const [credential] = aws.credentials
  if (!credential) throw new Error('The simulator has no AWS credentials.')
  return credential
}
