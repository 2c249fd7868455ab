/** The whole sandbox: one EKS-like cluster in one AWS-like account, with Milvus in it, as scenarios and the demo use it. */
import { execFile } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startAlb, type Alb } from './alb.ts'
import { startAws, type Aws } from './aws/server.ts'
import { createAwsState, type AwsState } from './aws/state.ts'
import { createAuthority, loopbackServerPair, type Authority, type IssuedCertificate } from './certificates.ts'
import { startChartRepository, type ChartRepository } from './charts/repository.ts'
import { startController, type Controller } from './controller/controller.ts'
import { startKubernetes, type Identity, type KubernetesApi, type KubernetesObject } from './kubernetes/api.ts'
import { startMilvus, type Milvus } from './milvus.ts'
import { tools, type Tools } from './tools.ts'
import { Traffic } from './traffic.ts'

/** A Milvus as helm installs it before the guide begins: behind a LoadBalancer Service. */
export interface Installation {
  readonly release?: string
  readonly values?: object
  readonly chartVersion?: string
  readonly serviceType?: string
}

/** How the sandbox may differ. */
export interface SandboxOptions {
  /** A name for the cluster's API that only a proxy can resolve, in place of its loopback address. */
  readonly clusterHost?: string
}

/** The sandbox. Its parts are there to be looked at and to be changed while it runs. */
export interface Sandbox {
  readonly traffic: Traffic
  readonly aws: Aws
  readonly state: AwsState
  readonly kubernetes: KubernetesApi
  readonly controller: Controller
  readonly alb: Alb
  readonly milvus: Milvus
  readonly charts: ChartRepository
  readonly authority: Authority
  readonly tools: Tools
  /** Loopback address that every load balancer's name leads to. */
  readonly albAddress: string
  /** A certificate for `host`, as the inputs give it. */
  readonly certificate: IssuedCertificate
  readonly cluster: string
  readonly namespace: string
  readonly host: string
  readonly listenPort: number
  /** A kubeconfig of the cluster's administrator. */
  readonly kubeconfig: string
  /** A directory that ends with the sandbox. */
  readonly directory: string
  /** Each call of helm by whoever had `environment()`: its arguments. */
  readonly helmCalls: () => Promise<string[]>
  /** The environment of a runner: credentials, endpoints, trust, DNS, helm on the PATH. */
  readonly environment: () => Record<string, string>
  /** Inputs that name this world. */
  readonly inputs: () => Record<string, string>
  /** Changes the DNS: an empty address makes a name unknown. */
  readonly setNames: (names: Readonly<Record<string, string>>) => Promise<void>
  /** Runs helm, or kubectl, as the administrator in the namespace. @returns what it printed */
  readonly helm: (...args: string[]) => Promise<string>
  readonly kubectl: (...args: string[]) => Promise<string>
  installMilvus(installation?: Installation): Promise<void>
  /** A Milvus that no helm made. */
  createMilvusObjects(name: string): void
  close(): Promise<void>
}

const run = promisify(execFile)
const administrator: Identity = { username: 'admin', groups: ['system:masters'] }
const controllerIdentity: Identity = { username: 'system:serviceaccount:kube-system:aws-load-balancer-controller', groups: ['system:authenticated'] }

/** Starts every part. The namespace and the IngressClass `alb` exist; Milvus is not installed yet. */
export async function startSandbox({ clusterHost }: SandboxOptions = {}): Promise<Sandbox> {
  const [cluster, namespace, host] = ['production', 'milvus', 'milvus.example.com']
  const directory = await mkdtemp(join(tmpdir(), 'milvus-alb-sandbox-'))
  const traffic = new Traffic()
  const state = createAwsState()
  const [aws, authority, programs, charts, milvus] = await Promise.all([startAws({ traffic, state }), createAuthority(), tools(), startChartRepository({ traffic }), startMilvus({ traffic })])
  const [pair, certificate] = await Promise.all([loopbackServerPair(authority, clusterHost === undefined ? [] : [clusterHost]), authority.issue({ hosts: [host] })])

  const [adminToken, controllerToken] = [randomUUID(), randomUUID()]
  const staticTokens = new Map<string, Identity>([[adminToken, administrator], [controllerToken, controllerIdentity]])
  const kubernetes = await startKubernetes({
    traffic,
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: async (token) => staticTokens.get(token) ?? aws.authenticateEksToken(token, cluster),
  })
  kubernetes.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
  kubernetes.create({ apiVersion: 'networking.k8s.io/v1', kind: 'IngressClass', metadata: { name: 'alb' }, spec: { controller: 'ingress.k8s.aws/alb' } })
  const endpoint = clusterHost === undefined ? kubernetes.url : kubernetes.url.replace('127.0.0.1', clusterHost)
  state.clusters.set(cluster, { name: cluster, endpoint, certificateAuthority: pair.ca, status: 'ACTIVE' })

  // An address for each sandbox, so that many can run on one machine and all listen on the same port.
  const albAddress = `127.${randomInt(16, 250)}.${randomInt(1, 250)}.${randomInt(1, 250)}`
  const alb = await startAlb({ traffic, state, host: albAddress, resolveTarget: () => ({ host: milvus.host, port: milvus.port }) })
  const controller = await startController({
    kubernetes: { url: kubernetes.url, ca: pair.ca, token: controllerToken },
    aws: { endpoint: aws.endpoint, region: state.region, credentials: firstCredential(aws) },
    cluster,
  })

  const runner = await prepareRunner(directory, programs.helm, { ca: authority.root, kubeconfig: adminKubeconfig(kubernetes.url, pair.ca, adminToken) })
  await runner.setNames({ '*.elb.amazonaws.com': albAddress, [host]: albAddress })
  const asAdministrator = (program: string) => async (...args: string[]) =>
    (await run(program, ['--namespace', namespace, ...args], { env: { PATH: '/usr/bin:/bin', KUBECONFIG: runner.kubeconfig, HOME: join(directory, 'admin') } })).stdout
  const [helm, kubectl] = [asAdministrator(programs.helm), asAdministrator(programs.kubectl)]
  return {
    traffic, aws, state, kubernetes, controller, alb, milvus, charts, authority, certificate, albAddress, cluster, namespace, host, directory, helm, kubectl,
    tools: programs,
    listenPort,
    kubeconfig: runner.kubeconfig,
    setNames: runner.setNames,
    helmCalls: runner.helmCalls,
    environment: () => ({ ...aws.environment(), ...runner.environment }),
    inputs: () => ({ cluster, host, certificate: certificate.fullchain, 'private-key': certificate.privateKey, 'chart-repository': charts.url, 'listen-port': String(listenPort) }),
    async installMilvus({ release = 'milvus-demo', values = {}, chartVersion = '4.2.58', serviceType = 'LoadBalancer' } = {}) {
      const path = join(directory, `${randomUUID()}.json`)
      await writeFile(path, JSON.stringify({ ...values, service: { type: serviceType } }))
      await helm('install', release, 'milvus', '--repo', charts.url, '--version', chartVersion, '--values', path, '--wait')
    },
    createMilvusObjects: (name) => milvusObjects(namespace, name).forEach((object) => kubernetes.create(object)),
    async close() {
      await controller.close()
      await Promise.all([alb.close(), milvus.close(), charts.close(), kubernetes.close(), aws.close()])
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** The listener's port: 443 would need privileges. */
const listenPort = 8443

function firstCredential(aws: Aws): { accessKeyId: string; secretAccessKey: string } {
  const [credential] = aws.credentials
  if (!credential) throw new Error('the sandbox has no AWS credentials')
  return credential
}

/** What a runner finds on its disk, and the environment that leads there. */
async function prepareRunner(directory: string, helm: string, content: { ca: string; kubeconfig: string }) {
  const at = (name: string) => join(directory, name)
  await Promise.all([mkdir(at('bin')), mkdir(at('admin'))])
  await Promise.all([writeFile(at('ca.pem'), content.ca), writeFile(at('kubeconfig'), content.kubeconfig, { mode: 0o600 }), writeFile(at('helm.log'), '')])
  // helm on the PATH writes down its arguments and becomes the real one, so that it keeps the process id and gets its signals.
  await writeFile(at('bin/helm'), `#!/bin/sh\nprintf '%s\\n' "$*" >> '${at('helm.log')}'\nexec '${helm}' "$@"\n`)
  await chmod(at('bin/helm'), 0o755)
  return {
    kubeconfig: at('kubeconfig'),
    setNames: (names: Readonly<Record<string, string>>) => writeFile(at('names.json'), JSON.stringify(names)),
    helmCalls: async () => (await readFile(at('helm.log'), 'utf8')).split('\n').filter((line) => line !== ''),
    environment: {
      PATH: [at('bin'), dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter),
      NODE_EXTRA_CA_CERTS: at('ca.pem'),
      NODE_OPTIONS: `--import=${new URL('names.mjs', import.meta.url).href}`,
      SANDBOX_NAMES: at('names.json'),
      HELM_DATA_HOME: at('helm-data'),
      HELM_CONFIG_HOME: at('helm-config'),
    },
  }
}

function adminKubeconfig(server: string, ca: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'admin@sandbox',
    contexts: [{ name: 'admin@sandbox', context: { cluster: 'sandbox', user: 'admin' } }],
    clusters: [{ name: 'sandbox', cluster: { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
    users: [{ name: 'admin', user: { token } }],
  })
}

/** What the Milvus Operator or plain manifests make: a Deployment and a Service, without helm's labels. */
function milvusObjects(namespace: string, name: string): KubernetesObject[] {
  const labels = { app: name }
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, labels },
      spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: 'milvus', image: 'milvusdb/milvus', ports: [{ name: 'milvus', containerPort: 19530 }] }] } } },
    },
    { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace, labels }, spec: { type: 'ClusterIP', selector: labels, ports: [{ name: 'milvus', port: 19530, targetPort: 'milvus' }] } },
  ]
}

/** Where the repository is: the action's dist lies there. */
export const repository = fileURLToPath(new URL('..', import.meta.url))
