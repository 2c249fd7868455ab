/** The lab: the sandbox's world made of real parts. What a scenario or a person does with a sandbox is done here in the same words. */
import type { ChildProcess } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AwsCredential } from '../sandbox/aws/service.ts'
import { createAuthority, type Authority, type IssuedCertificate } from '../sandbox/certificates.ts'
import { startChartRepository, type ChartRepository } from '../sandbox/charts/repository.ts'
import type { KubernetesClient } from '../sandbox/controller/api.ts'
import type { Controller } from '../sandbox/controller/controller.ts'
import { Traffic } from '../sandbox/traffic.ts'
import type { Installation } from '../sandbox/world.ts'
import { Backends } from './backends.ts'
import { startAwsFront, type AwsCall, type AwsFront } from './parts/aws-front.ts'
import { furnish } from './parts/cluster.ts'
import { kubeconfigOf, startControlPlane } from './parts/control-plane.ts'
import { startLabController } from './parts/controller.ts'
import { eksAuthenticator, type EksAuthenticator } from './parts/eks-token.ts'
import { startEnvoy, type EnvoyAlb } from './parts/envoy.ts'
import { LoadBalancers, type LoadBalancingView } from './parts/load-balancers.ts'
import type { MilvusKind, MilvusServer } from './parts/milvus.ts'
import { startNameProxy } from './parts/name-proxy.ts'
import { startMoto, type IamPolicy, type Moto } from './parts/moto.ts'
import { Processes, run } from './process.ts'
import { runnerFiles } from './runner-files.ts'
import { cacheDirectory } from '../sandbox/tools.ts'
import type { HelmMajor, LabPrograms, Say } from './setup.ts'

/** How the lab may differ. */
export interface LabOptions {
  /** The Milvus behind the load balancers at first; `plain` when absent. */
  readonly milvus?: MilvusKind
  readonly say?: Say
}

/** The lab. Its parts are there to be looked at and to be changed while it runs. */
export interface Lab {
  /** What reached acm, sts, eks, elbv2 and the chart repository; its faults work for those. */
  readonly traffic: Traffic
  readonly aws: AwsFront
  readonly moto: Moto
  readonly eks: EksAuthenticator
  /** The stand-in; undefined when LAB_CONTROLLER names a real one. */
  readonly controller: Controller | undefined
  readonly alb: EnvoyAlb
  readonly milvus: Backends
  readonly charts: ChartRepository
  readonly authority: Authority
  readonly programs: LabPrograms
  /** The API server, and its administrator. */
  readonly kubernetes: { readonly url: string; readonly ca: string; readonly adminToken: string; readonly client: KubernetesClient }
  readonly albAddress: string
  readonly certificate: IssuedCertificate
  readonly cluster: string
  readonly namespace: string
  readonly host: string
  readonly listenPort: number
  readonly kubeconfig: string
  readonly directory: string
  /** Path of the authority's root. */
  readonly ca: string
  readonly helmCalls: () => Promise<string[]>
  /** The environment of a runner; as the user `runner` when no key is given. */
  readonly environment: (credential?: AwsCredential) => Record<string, string>
  readonly inputs: () => Record<string, string>
  /** A session of a new role, known to AWS' record of calls and to the cluster's authenticator. */
  readonly assumeRole: (role: string, policy?: IamPolicy) => Promise<AwsCredential>
  readonly setNames: (names: Readonly<Record<string, string>>) => Promise<void>
  /** Which helm the runner finds on its PATH, and `helm` runs. */
  readonly useHelm: (major: HelmMajor) => Promise<void>
  readonly helm: (...args: string[]) => Promise<string>
  readonly kubectl: (...args: string[]) => Promise<string>
  /** Every call to AWS so far, whoever made it. */
  readonly calls: () => readonly AwsCall[]
  /** What ELBv2 holds now. */
  readonly loadBalancing: () => Promise<LoadBalancingView>
  /** Puts another Milvus behind the load balancers. */
  readonly useMilvus: (kind: MilvusKind) => Promise<MilvusServer>
  /** For `pymilvus`: HOST is then the name, and names are the lab's. */
  readonly byName: Readonly<Record<string, string>>
  /** Runs Python with pymilvus; HOST, PORT, SERVER_NAME and CA are in its environment. @returns what it printed */
  readonly pymilvus: (script: string, environment?: Readonly<Record<string, string>>) => Promise<string>
  installMilvus(installation?: Installation): Promise<void>
  /** Takes a child that a scenario started (`onStart` of runAction): it does not outlive the lab. */
  adopt(child: ChildProcess): void
  /** Copies the logs of all parts to where they stay. @returns that folder */
  keepLogs(): Promise<string>
  close(): Promise<void>
}

/** The listener's port: 443 would need privileges. */
const listenPort = 8443
const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com']

/** Starts every part. The namespace and the IngressClass `alb` exist; Milvus is not installed yet. */
export async function startLab(programs: LabPrograms, options: LabOptions = {}): Promise<Lab> {
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-lab-'))
  const processes = new Processes(directory)
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer()
    await processes.close()
    await rm(directory, { recursive: true, force: true })
  }
  const keepLogs = async (): Promise<string> => {
    const kept = join(cacheDirectory, 'lab-logs', new Date().toISOString().replace(/[:.]/g, '-'))
    await mkdir(kept, { recursive: true })
    await cp(processes.logs, kept, { recursive: true })
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
  readonly closers: (() => Promise<void>)[]
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
    closers.push(async () => part.close?.())
    say(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`)
    return part
  }
}

async function assemble(programs: LabPrograms, options: LabOptions, site: Site): Promise<Omit<Lab, 'adopt' | 'keepLogs' | 'close'>> {
  const { directory, processes } = site
  const start = starter(site, options.say ?? (() => undefined))
  const traffic = new Traffic()
  const authority = await createAuthority({ name: 'Lab CA' })
  const milvus = new Backends({ programs, processes, directory })
  // What does not need another part starts at once. The API server asks about a token only after all of it is there.
  const authenticator: { eks?: EksAuthenticator } = {}
  const [moto, control, charts, certificate] = await together([
    start('moto', () => startMoto(processes, programs.moto, cluster)),
    start('control plane', () => startControlPlane({ program: programs.controlPlane, directory, processes, authority, authenticate: async (token) => authenticator.eks?.authenticate(token) })),
    start('charts', () => startChartRepository({ traffic })),
    authority.issue({ hosts: [host] }),
    start('Milvus', () => milvus.use(options.milvus ?? 'plain')),
  ])
  const eks = authenticator.eks = eksAuthenticator(moto, cluster)
  const aws = await start('AWS front', () => startAwsFront({ moto, traffic, cluster: { name: cluster, endpoint: control.url, ca: control.ca } }))
  const loadBalancers = new LoadBalancers(moto)
  site.closers.push(() => {
    loadBalancers.close()
    return Promise.resolve()
  })
  // An address for each lab, so that several can run on one machine and all listen on the same port.
  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const [furnished, alb] = await together([
    start('cluster', () => furnish(control, { programs, processes, namespace })),
    start('Envoy', () => startEnvoy({ program: programs.envoy, directory, processes, front: aws, loadBalancers, address: albAddress, resolveTarget: () => milvus.address() })),
  ])
  const controller = await startLabController({ control, moto, endpoint: aws.endpoint, cluster, processes, directory })
  if (controller) site.closers.push(() => controller.close())
  const runner = await runnerFiles(directory, programs, authority.root)
  await runner.setNames({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const proxy = await start('names', () => startNameProxy((name) => runner.resolve(name)))
  const kubeconfig = join(directory, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigOf('lab', control.url, control.ca, { token: control.adminToken }), { mode: 0o600 })
  const environment = (credential: AwsCredential = moto.users.runner): Record<string, string> => ({
    AWS_ENDPOINT_URL: aws.endpoint, AWS_REGION: moto.region, AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: credential.accessKeyId, AWS_SECRET_ACCESS_KEY: credential.secretAccessKey,
    ...(credential.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credential.sessionToken }),
    ...runner.environment,
  })
  const hands = byHand(programs, { directory, kubeconfig, charts, albAddress, ca: runner.ca })
  return {
    traffic, aws, moto, eks, controller, alb, milvus, charts, authority, programs, albAddress, certificate, cluster, namespace, host, listenPort, kubeconfig, directory, environment,
    kubernetes: { url: control.url, ca: control.ca, adminToken: control.adminToken, client: furnished.client },
    ca: runner.ca,
    byName: { HOST: host, grpc_proxy: proxy.url },
    helmCalls: () => runner.helmCalls(),
    setNames: (names) => runner.setNames(names),
    inputs: () => ({ cluster, host, certificate: certificate.fullchain, 'private-key': certificate.privateKey, 'chart-repository': charts.url, 'listen-port': String(listenPort) }),
    assumeRole: async (role, policy) => {
      const credential = await moto.assumeRole(role, policy)
      aws.credentials.push(credential)
      eks.credentials.push(credential)
      return credential
    },
    calls: () => aws.calls,
    loadBalancing: () => loadBalancers.read(),
    useMilvus: async (kind) => {
      const server = await milvus.use(kind)
      await alb.sync()
      return server
    },
    ...hands,
    useHelm: async (major) => {
      hands.use(major)
      await runner.useHelm(major)
    },
  }
}

/** What a person at a terminal has: the clients, as the administrator. */
function byHand(programs: LabPrograms, { directory, kubeconfig, charts, albAddress, ca }: { directory: string; kubeconfig: string; charts: ChartRepository; albAddress: string; ca: string }) {
  let major: HelmMajor = 4
  const env = { PATH: '/usr/bin:/bin', KUBECONFIG: kubeconfig, HOME: join(directory, 'admin') }
  const program = (name: () => string) => async (...args: string[]): Promise<string> => (await run(name(), ['--namespace', namespace, ...args], { env })).stdout
  const helm = program(() => programs.helm[major])
  return {
    use: (wanted: HelmMajor) => void (major = wanted),
    helm,
    kubectl: program(() => programs.kubectl),
    pymilvus: async (script: string, environment: Readonly<Record<string, string>> = {}) => {
      const target = { HOST: albAddress, PORT: String(listenPort), SERVER_NAME: host, CA: ca }
      return (await run(programs.pymilvus, ['-'], { input: script, env: { PATH: '/usr/bin:/bin', HOME: join(directory, 'admin'), ...target, ...environment } })).stdout
    },
    async installMilvus({ release = 'milvus-demo', values = {}, chartVersion = '4.2.58', serviceType = 'LoadBalancer' }: Installation = {}) {
      const path = join(directory, `${randomUUID()}.json`)
      await writeFile(path, JSON.stringify({ ...values, service: { type: serviceType } }))
      await helm('install', release, 'milvus', '--repo', charts.url, '--version', chartVersion, '--values', path, '--wait')
    },
  }
}
