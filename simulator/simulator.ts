/** The simulator: a test environment of our own, in this process, that needs nothing but npm. */
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startAlb, type AlbDataPlane } from './alb/server.ts'
import { startAws, type Aws } from './aws/server.ts'
import type { AwsCredential } from './aws/service.ts'
import { createAwsState, type AwsState } from './aws/state.ts'
import { createCertificateAuthority, issueLoopbackCertificate } from '../testing/certificates.ts'
import { startChartRepository } from './charts/repository.ts'
import { startController } from './alb-controller/controller.ts'
import { setServiceClass } from './alb-controller/service-class.ts'
import { renderKubeconfig } from '../testing/kubeconfig.ts'
import { startKubernetes, type Identity, type KubernetesApi } from './kubernetes/api.ts'
import { startMilvus, type MilvusServer } from './milvus/server.ts'
import {
  isAllowedByPolicy,
  createRbacAuthorizer,
  rbacGroupOf,
  loadIamPolicy,
  loadRbacObjects,
  type PermissionSet,
} from '../testing/shipped-permissions.ts'
import { reserveFreePorts } from '../testing/ports.ts'
import { createRunnerFiles, type RunnerFiles } from '../testing/runner-files.ts'
import { startServiceLoadBalancer } from './alb/service-load-balancer.ts'
import { restoreAccount, type SavedState } from './snapshot.ts'
import { createAdminCli, type AdminCliOptions } from '../testing/admin-cli.ts'
import { installHelm3, installTools } from '../testing/cli-tools.ts'
import { RequestLog } from '../testing/request-log.ts'
import { type TestEnvironment, type TestEnvironmentOptions } from '../testing/environment.ts'

/** The simulator, with the parts that only it has. */
export interface Simulator extends TestEnvironment {
  readonly aws: Aws
  readonly awsState: AwsState
  readonly kubernetes: KubernetesApi
  readonly alb: AlbDataPlane
  readonly milvus: MilvusServer
}

const adminIdentity: Identity = { username: 'admin', groups: ['system:masters'] }
const controllerIdentity: Identity = {
  username: 'system:serviceaccount:kube-system:aws-load-balancer-controller',
  groups: ['system:authenticated'],
}

/** How the simulator may differ. */
export interface SimulatorOptions extends TestEnvironmentOptions {
  /** What the cluster and the AWS account hold at the start. */
  readonly savedState?: SavedState | undefined
}

/**
 * Starts every part. Without a saved state the namespace and the IngressClass `alb` exist, and
 * Milvus is not installed yet.
 */
export async function startSimulator({
  clusterHost,
  savedState,
}: SimulatorOptions = {}): Promise<Simulator> {
  const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com']
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-simulator-'))
  const requestLog = new RequestLog()
  const awsState = createAwsState()
  if (savedState) restoreAccount(awsState, savedState.account)
  const [aws, certificateAuthority, cliTools, chartRepository, milvus] = await Promise.all([
    startAws({ requestLog, state: awsState }),
    savedState?.certificateAuthority ?? createCertificateAuthority(),
    installTools(),
    startChartRepository({ requestLog }),
    startMilvus({ requestLog }),
  ])
  const [serverCertificate, certificate] = await Promise.all([
    issueLoopbackCertificate(certificateAuthority, clusterHost === undefined ? [] : [clusterHost]),
    savedState?.certificate ?? certificateAuthority.issue({ hosts: [host] }),
  ])

  const [adminToken, controllerToken] = [randomUUID(), randomUUID()]
  const staticTokens = new Map<string, Identity>([
    [adminToken, adminIdentity],
    [controllerToken, controllerIdentity],
  ])
  const kubernetes = await startKubernetes({
    requestLog,
    tls: { certificate: serverCertificate.cert, privateKey: serverCertificate.key },
    authenticate: async (token) =>
      staticTokens.get(token) ?? aws.authenticateEksToken(token, cluster),
  })
  populateCluster(kubernetes, namespace, savedState)
  const registerCluster = (endpoint: string): unknown =>
    awsState.clusters.set(cluster, {
      name: cluster,
      endpoint,
      certificateAuthority: serverCertificate.ca,
      status: 'ACTIVE',
    })
  registerCluster(
    clusterHost === undefined ? kubernetes.url : kubernetes.url.replace('127.0.0.1', clusterHost),
  )

  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const [servicePort = 0, listenPort = 0] = [
    ...(await reserveFreePorts(1)),
    ...(savedState ? [savedState.listenPort] : await reserveFreePorts(1)),
  ]
  const alb = await startAlb({
    requestLog,
    state: awsState,
    host: albAddress,
    resolveTarget: () => ({ host: milvus.host, port: milvus.port }),
  })
  const controller = await startController({
    kubernetes: { url: kubernetes.url, ca: serverCertificate.ca, token: controllerToken },
    aws: { endpoint: aws.endpoint, region: awsState.region, credentials: firstCredential(aws) },
    cluster,
  })

  let serviceLoadBalancer: Awaited<ReturnType<typeof startServiceLoadBalancer>> | undefined
  const runnerFiles = await createRunnerFiles(directory, cliTools.helm, certificateAuthority.root)
  await runnerFiles.setDnsRecords({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(
    kubeconfig,
    renderKubeconfig('simulator', kubernetes.url, serverCertificate.ca, { token: adminToken }),
    { mode: 0o600 },
  )
  return {
    name: 'simulator',
    requestLog,
    aws,
    awsState,
    kubernetes,
    controller,
    alb,
    milvus,
    chartRepository,
    certificateAuthority,
    certificate,
    albAddress,
    cluster,
    namespace,
    host,
    listenPort,
    directory,
    kubeconfig,
    account: awsState.account,
    region: awsState.region,
    subnets: ['subnet-a', 'subnet-b'],
    securityGroup: 'sg-a',
    eks: aws,
    ...createSwitchableCli(
      {
        directory,
        kubeconfig,
        namespace,
        chartRepositoryUrl: chartRepository.url,
        kubectl: cliTools.kubectl,
        helm: () => cliTools.helm,
      },
      runnerFiles,
    ),
    setDnsRecords: (names) => runnerFiles.setDnsRecords(names),
    helmCalls: () => runnerFiles.helmCalls(),
    runnerEnv: (credential) => ({ ...aws.environment(credential), ...runnerFiles.env }),
    inputs: () => ({
      cluster,
      host,
      certificate: certificate.fullchain,
      'private-key': certificate.privateKey,
      'chart-repository': chartRepository.url,
      'listen-port': String(listenPort),
    }),
    overrideAlb: (changes) => alb.setOverrides(changes),
    pauseLoadBalancerProvisioning: () => pauseLoadBalancerProvisioning(awsState),
    pausePodReadiness() {
      kubernetes.options.podReadyDelay = Infinity
      return () => void (kubernetes.options.podReadyDelay = 0)
    },
    setClusterEndpoint: (endpoint) => void registerCluster(endpoint),
    async openServiceLoadBalancer() {
      serviceLoadBalancer = await startServiceLoadBalancer({
        kubernetes: { url: kubernetes.url, ca: serverCertificate.ca, token: adminToken },
        namespace,
        host: albAddress,
        port: servicePort,
        resolveMilvus: () => milvus,
      })
      return serviceLoadBalancer
    },
    enableAuthorization() {
      milvus.authorization = { user: 'root', password: `canary-${randomUUID()}` }
      return Promise.resolve(`root:${milvus.authorization.password}`)
    },
    assumeRole: (excludedPermissions, permissionSet) =>
      Promise.resolve({
        ...aws.environment(
          assumeRole({ aws, kubernetes, cluster }, excludedPermissions, permissionSet),
        ),
        ...runnerFiles.env,
      }),
    trackProcess: () => undefined,
    saveLogs: () => Promise.resolve(undefined),
    async close() {
      await controller.close()
      await Promise.all([
        serviceLoadBalancer?.close(),
        alb.close(),
        milvus.close(),
        chartRepository.close(),
        kubernetes.close(),
        aws.close(),
      ])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/**
 * Puts there what was saved, or what the guide takes for granted; the controller's webhook for
 * Services is on in either case.
 */
function populateCluster(
  kubernetes: KubernetesApi,
  namespace: string,
  savedState: SavedState | undefined,
): void {
  kubernetes.options.mutateCreate = setServiceClass
  if (savedState) kubernetes.load(savedState.objects)
  else createPrerequisites(kubernetes, namespace)
}

function createPrerequisites(kubernetes: KubernetesApi, namespace: string): void {
  kubernetes.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  kubernetes.create({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IngressClass',
    metadata: { name: 'alb' },
    spec: { controller: 'ingress.k8s.aws/alb' },
  })
}

/** The clients of a person at a terminal, with a choice of helm. */
function createSwitchableCli(
  settings: AdminCliOptions,
  runnerFiles: RunnerFiles,
): Pick<TestEnvironment, 'helm' | 'kubectl' | 'installMilvus' | 'useHelm'> {
  let helm = settings.helm()
  return {
    ...createAdminCli({ ...settings, helm: () => helm }),
    async useHelm(major) {
      helm = major === 3 ? await installHelm3() : settings.helm()
      await runnerFiles.useHelm(helm)
    },
  }
}

function firstCredential(aws: Aws): { accessKeyId: string; secretAccessKey: string } {
  const [credential] = aws.credentials
  if (!credential) throw new Error('the simulator has no AWS credentials')
  return credential
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

/** Lets a new role do exactly what docs say, but for `without`. */
function assumeRole(
  { aws, kubernetes, cluster }: { aws: Aws; kubernetes: KubernetesApi; cluster: string },
  excludedPermissions?: string,
  permissionSet: PermissionSet = 'deploy',
): AwsCredential {
  const { account, region } = aws.state
  const roleName = `action-${aws.credentials.length}`
  const role: AwsCredential = {
    accessKeyId: `ASIA${String(aws.credentials.length).padStart(16, '0')}`,
    secretAccessKey: randomUUID(),
    sessionToken: randomUUID(),
    principalArn: `arn:aws:sts::${account}:assumed-role/${roleName}/run`,
  }
  aws.credentials.push(role)
  const policy = loadIamPolicy({ region, account, cluster }, excludedPermissions, permissionSet)
  const [previousIamAuthorize, previousRbacAuthorize] = [
    aws.authorize,
    kubernetes.options.authorize,
  ]
  aws.authorize = (principal, action, resource) =>
    principal === role.principalArn
      ? isAllowedByPolicy(policy, action, resource)
      : previousIamAuthorize(principal, action, resource)
  const authorizeByRole = createRbacAuthorizer(loadRbacObjects(excludedPermissions, permissionSet))
  kubernetes.options.authorize = (identity, attributes) =>
    (identity.username === roleName ? authorizeByRole : previousRbacAuthorize)(identity, attributes)
  aws.accessEntries = new Map([
    ...(aws.accessEntries ?? []),
    [
      `arn:aws:iam::${account}:role/${roleName}`,
      { username: roleName, groups: [rbacGroupOf(permissionSet)] },
    ],
  ])
  return role
}
