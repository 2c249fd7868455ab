/** The lab: the world of a scenario made of real parts. */
import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AwsCredential } from '../sandbox/aws/service.ts'
import { createAuthority, type Authority } from '../sandbox/certificates.ts'
import { startChartRepository } from '../sandbox/charts/repository.ts'
import type { KubernetesClient } from '../sandbox/controller/api.ts'
import { kubeconfigOf } from '../sandbox/kubeconfig.ts'
import { allows, groupOf, shippedPolicy, shippedRoles, type PermissionSet } from '../sandbox/permissions.ts'
import { startServiceAddress } from '../sandbox/service-address.ts'
import { freePorts } from '../sandbox/ports.ts'
import { runnerFiles, type RunnerFiles } from '../sandbox/runner-files.ts'
import { terminal } from '../sandbox/terminal.ts'
import { cacheDirectory, type HelmMajor } from '../sandbox/tools.ts'
import { Traffic } from '../sandbox/traffic.ts'
import { type World, type WorldOptions } from '../sandbox/world.ts'
import { Backends } from './backends.ts'
import { startAwsFront, type AwsFront } from './parts/aws-front.ts'
import { saveStart, startCluster, takeCluster } from './cluster.ts'
import { openNamespace } from './parts/cluster.ts'
import { startLabController } from './parts/controller.ts'
import { eksAuthenticator, type EksAuthenticator } from './parts/eks-token.ts'
import { followLoadBalancers, startEnvoy, type EnvoyAlb } from './parts/envoy.ts'
import { startKubernetesFront } from './parts/kubernetes-front.ts'
import { LoadBalancers } from './parts/load-balancers.ts'
import type { MilvusKind } from './parts/milvus.ts'
import { openAccount, startMotoServer, type Moto } from './parts/moto.ts'
import { startNameProxy } from './parts/name-proxy.ts'
import type { AuthenticateToken } from './parts/token-webhook.ts'
import { Processes, run } from './process.ts'
import { workerParts } from './shared.ts'
import type { LabPrograms, Say } from './setup.ts'

/** How the lab may differ. */
export interface LabOptions extends WorldOptions {
  readonly say?: Say
  /** Nothing stands before the Kubernetes API: its requests are not recorded, and take no longer than they do. */
  readonly direct?: boolean
  /** The name under which `saveStart` wrote down what is there at the start; nothing is there when none has. */
  readonly start?: string
}

/** The lab, with what only real parts have. */
export interface Lab extends World {
  readonly programs: LabPrograms
  /** Whether the cluster is what it was when the `start` of the options was saved. */
  readonly restored: boolean
  /** Writes down what is in the cluster, for other labs of this worker to start from; does nothing in a lab that has a cluster of its own. */
  readonly saveStart: (name: string) => Promise<void>
  readonly alb: EnvoyAlb
  /** The Kubernetes API itself, as the administrator. */
  readonly client: KubernetesClient
  /** Path of the authority's root. */
  readonly ca: string
  /** Puts another Milvus behind the load balancers. */
  readonly useMilvus: (kind: MilvusKind) => Promise<void>
  /** The token of root at the Milvus behind the load balancers; empty when it asks for none. */
  readonly milvusToken: () => string
  /** Runs Python with pymilvus; ADDRESS, PORT, HOST, CA, and PROXY, which resolves names, are in its environment. @returns what it printed */
  readonly pymilvus: (script: string, environment?: Readonly<Record<string, string>>) => Promise<string>
}

const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com']

/** Folders of logs that stay. */
const keptLogs = 10

/** Starts every part. The namespace and the IngressClass `alb` exist; Milvus is not installed yet. */
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
    const all = join(cacheDirectory, 'lab-logs')
    const kept = join(all, new Date().toISOString().replace(/[:.]/g, '-'))
    await mkdir(kept, { recursive: true })
    for (const logs of [processes.logs, workerParts()?.logs]) if (logs !== undefined && existsSync(logs)) await cp(logs, kept, { recursive: true })
    for (const old of (await readdir(all)).sort().slice(0, -keptLogs)) await rm(join(all, old), { recursive: true, force: true })
    return kept
  }
  try {
    return { ...await assemble(programs, options, { directory, processes, closers }), adopt: (child) => processes.adopt(child), keepLogs, close }
  } catch (error) {
    const logs = await keepLogs().catch(() => 'nowhere')
    await close()
    throw new Error(`the lab did not start (logs: ${logs}): ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

interface Site {
  readonly directory: string
  readonly processes: Processes
  readonly closers: (() => void | Promise<void>)[]
}

/** Awaits all, also when one fails: a part that comes up after the others were ended would never be ended itself. */
async function together<const T extends readonly Promise<unknown>[]>(starting: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(starting)
  return Promise.all(starting)
}

/** Starts a part, tells how long it took, and remembers how to end it. */
function starter({ closers }: Site, say: Say) {
  return async <T extends object>(name: string, starting: () => Promise<T & { close?(): void | Promise<void> }>): Promise<T> => {
    const start = performance.now()
    const part = await starting()
    closers.push(() => part.close?.())
    say(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
    return part
  }
}

async function assemble(programs: LabPrograms, options: LabOptions, site: Site): Promise<Omit<Lab, 'adopt' | 'keepLogs' | 'close'>> {
  const { directory, processes, closers } = site
  const start = starter(site, options.say ?? (() => undefined))
  const traffic = new Traffic()
  const authority = await createAuthority({ name: 'Lab CA' })
  const milvus = new Backends({ programs, processes, directory })
  // The API server asks about a token only after all of it is there.
  const authenticator: { eks?: EksAuthenticator } = {}
  const [[moto, running, envoy], charts, certificate] = await together([
    startOrTake({ programs, site, start, authority, saved: options.start, authenticate: async (token) => authenticator.eks?.authenticate(token) }),
    start('charts', () => startChartRepository({ traffic })),
    authority.issue({ hosts: [host] }),
    start('Milvus', () => milvus.use('plain')),
  ])
  const { control } = running
  const eks = authenticator.eks = eksAuthenticator(moto, cluster)
  const api = options.direct === true ? control : await start('Kubernetes front', () => startKubernetesFront({ traffic, authority, api: control, ...(options.clusterHost === undefined ? {} : { host: options.clusterHost }) }))
  const endpoint = options.clusterHost === undefined ? api.url : api.url.replace('127.0.0.1', options.clusterHost)
  const aws = await start('AWS front', () => startAwsFront({ moto, traffic, cluster: { name: cluster, endpoint, ca: api.ca } }))
  const loadBalancers = new LoadBalancers(moto)
  closers.push(() => loadBalancers.close())
  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const [listenPort = 0, servicePort = 0] = await freePorts(2)
  const [furnished, alb] = await together([
    start('namespace', () => openNamespace(running, namespace)),
    start('load balancers', () => followLoadBalancers({ envoy, front: aws, loadBalancers, address: albAddress, resolveTarget: () => milvus.address() })),
  ])
  const controller = await startLabController({ kubernetes: api, control, moto, endpoint: aws.endpoint, cluster, processes, directory })
  if (controller) closers.push(() => controller.close())
  const runner = await runnerFiles(directory, programs.helm[4], authority.root)
  await runner.setNames({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const proxy = await start('names', () => startNameProxy((name) => runner.resolve(name)))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf('lab', api.url, api.ca, { token: control.adminToken }), { mode: 0o600 })
  const environment = (credential: AwsCredential = moto.users.runner): Record<string, string> => ({ ...awsEnvironment(moto, aws, credential), ...runner.environment })
  const hands = byHand({ programs, directory, kubeconfig, charts: charts.url, albAddress, listenPort, runner, proxy: proxy.url })
  return {
    name: 'lab',
    traffic, aws, eks, alb, charts, authority, programs, albAddress, certificate, cluster, namespace, host, listenPort, kubeconfig, directory, environment,
    client: furnished.client, restored: running.restored, saveStart: saveInWorker,
    account: moto.account,
    region: moto.region,
    subnets: moto.subnets,
    securityGroup: moto.securityGroup,
    get controller() {
      if (!controller) throw new Error('the controller of this lab is a real one')
      return controller
    },
    ca: runner.ca,
    helmCalls: () => runner.helmCalls(),
    setNames: (names) => runner.setNames(names),
    inputs: () => ({ cluster, host, certificate: certificate.fullchain, 'private-key': certificate.privateKey, 'chart-repository': charts.url, 'listen-port': String(listenPort) }),
    overrideAlb: (changes) => alb.override(changes),
    holdLoadBalancers: () => aws.hold(),
    holdPods: () => furnished.holdPods(),
    moveCluster: (url) => void (aws.cluster = { ...aws.cluster, endpoint: url }),
    serviceAddress: () => start('the Service\'s own load balancer', () => startServiceAddress({ kubernetes: { url: control.url, ca: control.ca, token: control.adminToken }, namespace, host: albAddress, port: servicePort, resolve: () => milvus.address() })),
    requireAuthorization: async () => {
      const token = await milvus.requireAuthorization()
      await alb.sync()
      return token
    },
    milvusToken: () => milvus.token,
    useMilvus: async (kind) => {
      await milvus.use(kind)
      await alb.sync()
    },
    assumeRole: async (without, set) => environment(await assumeRole({ moto, aws, eks, directory, kubectl: hands.kubectl }, without, set)),
    ...hands,
  }
}

async function saveInWorker(name: string): Promise<void> {
  const worker = workerParts()
  if (worker) await saveStart(worker.cluster, name)
}

/** What a worker keeps for its labs, or else parts of this lab's own. They do not need each other: all start at once. */
function startOrTake({ programs, site, start, authority, saved, authenticate }: { programs: LabPrograms; site: Site; start: ReturnType<typeof starter>; authority: Authority; saved: string | undefined; authenticate: AuthenticateToken }) {
  const { directory, processes } = site
  const worker = workerParts()
  return together([
    start('moto', async () => openAccount(worker?.moto ?? await startMotoServer(processes, programs.moto), cluster)),
    start('cluster', () => (worker ? takeCluster(worker.cluster, authenticate, saved) : startCluster({ programs, directory, processes, authority, authenticate }))),
    start('Envoy', () => (worker ? Promise.resolve(worker.envoy) : startEnvoy({ program: programs.envoy, directory, processes }))),
  ])
}

function awsEnvironment(moto: Moto, aws: AwsFront, { accessKeyId, secretAccessKey, sessionToken }: AwsCredential): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: aws.endpoint, AWS_REGION: moto.region, AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, ...(sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: sessionToken }),
  }
}

/** What a person at a terminal has: the clients, as the administrator. */
function byHand({ programs, directory, kubeconfig, charts, albAddress, listenPort, runner, proxy }: { programs: LabPrograms; directory: string; kubeconfig: string; charts: string; albAddress: string; listenPort: number; runner: RunnerFiles; proxy: string }) {
  let major: HelmMajor = 4
  return {
    ...terminal({ directory, kubeconfig, namespace, charts, kubectl: programs.kubectl, helm: () => programs.helm[major] }),
    useHelm: (wanted: HelmMajor): Promise<void> => {
      major = wanted
      return runner.useHelm(programs.helm[wanted])
    },
    pymilvus: async (script: string, environment: Readonly<Record<string, string>> = {}): Promise<string> => {
      const target = { ADDRESS: albAddress, PORT: String(listenPort), HOST: host, CA: runner.ca, PROXY: proxy }
      return (await run(programs.pymilvus, ['-'], { input: script, env: { PATH: '/usr/bin:/bin', HOME: join(directory, 'admin'), ...target, ...environment } })).stdout
    },
  }
}

/** A session of a role with what docs ship, in IAM, in EKS' access entries and, for the group of the action, in RBAC. */
async function assumeRole({ moto, aws, eks, directory, kubectl }: { moto: Moto; aws: AwsFront; eks: EksAuthenticator; directory: string; kubectl: Lab['kubectl'] }, without?: string, set: PermissionSet = 'deploy'): Promise<AwsCredential> {
  const name = `milvus-alb-${aws.credentials.length}`
  const policy = shippedPolicy({ region: moto.region, account: moto.account, cluster }, without, set)
  const credential = await moto.assumeRole(name, policy)
  aws.credentials.push(credential)
  eks.credentials.push(credential)
  const before = aws.authorize
  aws.authorize = (principal, action, resource) => (principal === credential.principalArn ? allows(policy, action, resource) : before(principal, action, resource))
  eks.accessEntries = new Map([...(eks.accessEntries ?? []), [`arn:aws:iam::${moto.account}:role/${name}`, { groups: [groupOf(set)] }]])
  const path = join(directory, 'rbac.json')
  const roles = shippedRoles(without, set)
  // One namespace after the other: kubectl refuses objects of another one than it is told.
  for (const place of new Set(roles.map(({ metadata }) => metadata.namespace ?? ''))) {
    await writeFile(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: roles.filter(({ metadata }) => (metadata.namespace ?? '') === place) }))
    await kubectl('apply', ...(place === '' ? [] : ['--namespace', place]), '-f', path)
  }
  return credential
}
