/**
 * A real Kubernetes control plane on loopback: etcd, kube-apiserver, kube-controller-manager,
 * kube-scheduler.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { issueLoopbackCertificate, type CertificateAuthority } from '../../testing/certificates.ts'
import { sendRequest, type KubernetesAccess } from '../../testing/kubernetes-client.ts'
import { renderKubeconfig } from '../../testing/kubeconfig.ts'
import type { Processes } from '../process.ts'
import { respondsWithOk, reserveFreePorts } from '../../testing/ports.ts'
import { maxTxnOperations } from './etcd.ts'
import { startTokenWebhook, type AuthenticateToken } from './token-webhook.ts'

/** Options of startControlPlane. */
export interface ControlPlaneSettings {
  readonly program: string
  readonly directory: string
  readonly processes: Processes
  readonly authority: CertificateAuthority
  /** Called for every bearer token that is not a static one. */
  readonly authenticate: AuthenticateToken
}

/** Access to a control plane. */
export interface ControlPlaneAccess {
  readonly url: string
  /** PEM of the CA that signed the API's certificate. */
  readonly ca: string
  /** In system:masters. */
  readonly adminToken: string
  /** Of system:serviceaccount:kube-system:aws-load-balancer-controller. */
  readonly controllerToken: string
  /** A kubeconfig file of the administrator. */
  readonly kubeconfig: string
  /** URL of its etcd. */
  readonly etcd: string
}

/** The running control plane. */
export interface ControlPlane extends ControlPlaneAccess {
  /** Stops the token webhook. The programs are stopped by their Processes. */
  readonly close: () => Promise<void>
}

/** The Kubernetes user of the load balancer controller. */
export const controllerUser = 'system:serviceaccount:kube-system:aws-load-balancer-controller'

/** Starts the control plane. Resolves when the API is ready, and the other programs run. */
export async function startControlPlane(settings: ControlPlaneSettings): Promise<ControlPlane> {
  const { processes, program, authority } = settings
  const directory = join(settings.directory, 'kubernetes')
  await mkdir(directory, { recursive: true })
  const [apiPort = 0] = await reserveFreePorts(1)
  const url = `https://127.0.0.1:${apiPort}`
  const [adminToken, controllerToken] = [randomUUID(), randomUUID()]
  const ca = authority.root
  const kubeconfig = join(directory, 'admin.kubeconfig')
  const webhook = await startTokenWebhook(authority, settings.authenticate)
  await writeFile(kubeconfig, renderKubeconfig('lab', url, ca, { token: adminToken }), {
    mode: 0o600,
  })
  const flags = await writeApiServerFiles(directory, authority, {
    adminToken,
    controllerToken,
    webhook: webhook.url,
  })

  const etcdUrl = await startEtcd(processes, program, join(directory, 'etcd'))
  await processes.start({
    name: 'kube-apiserver',
    command: program,
    timeout: 90_000,
    gracePeriod: 100,
    isReady: () => isReady({ url, ca, token: adminToken }),
    args: [
      'kube-apiserver',
      '--etcd-servers',
      etcdUrl,
      '--bind-address',
      '127.0.0.1',
      '--secure-port',
      String(apiPort),
      '--endpoint-reconciler-type',
      'none',
      ...flags,
    ],
  })
  await startControllers(processes, program, kubeconfig)
  return { url, ca, adminToken, controllerToken, kubeconfig, etcd: etcdUrl, close: webhook.close }
}

/** @returns the URL */
async function startEtcd(
  processes: Processes,
  program: string,
  directory: string,
): Promise<string> {
  const [etcdPort = 0, peerPort = 0] = await reserveFreePorts(2)
  const etcdUrl = `http://127.0.0.1:${etcdPort}`
  const peerUrl = `http://127.0.0.1:${peerPort}`
  await processes.start({
    name: 'etcd',
    command: program,
    timeout: 120_000,
    isReady: () => respondsWithOk(`${etcdUrl}/health`),
    args: [
      'etcd',
      '--data-dir',
      directory,
      '--listen-client-urls',
      etcdUrl,
      '--advertise-client-urls',
      etcdUrl,
      '--listen-peer-urls',
      peerUrl,
      '--initial-advertise-peer-urls',
      peerUrl,
      '--initial-cluster',
      `default=${peerUrl}`,
      '--unsafe-no-fsync',
      '--max-txn-ops',
      String(maxTxnOperations),
    ],
  })
  return etcdUrl
}

/** The controllers of the cloud, and those that would evict pods from fake nodes. */
const disabledControllers = [
  'node-lifecycle-controller',
  'node-ipam-controller',
  'service-lb-controller',
  'cloud-node-lifecycle-controller',
  'node-route-controller',
]

/** Starts the controller manager and the scheduler. Neither reports when it is ready. */
async function startControllers(
  processes: Processes,
  program: string,
  kubeconfig: string,
): Promise<void> {
  const common = ['--kubeconfig', kubeconfig, '--leader-elect=false', '--secure-port', '0']
  await Promise.all([
    processes.keepRunning({
      name: 'kube-controller-manager',
      command: program,
      isReady: () => Promise.resolve(true),
      args: [
        'kube-controller-manager',
        ...common,
        '--controllers',
        ['*', ...disabledControllers.map((name) => `-${name}`)].join(','),
        '--use-service-account-credentials=false',
      ],
    }),
    processes.keepRunning({
      name: 'kube-scheduler',
      command: program,
      isReady: () => Promise.resolve(true),
      args: ['kube-scheduler', ...common],
    }),
  ])
}

/**
 * Writes the files of the API server.
 * @returns the flags that refer to them
 */
async function writeApiServerFiles(
  directory: string,
  authority: CertificateAuthority,
  content: { adminToken: string; controllerToken: string; webhook: string },
): Promise<string[]> {
  const resolvePath = (name: string): string => join(directory, name)
  const serverPair = await issueLoopbackCertificate(authority)
  const serviceAccounts = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const tokens = [
    `${content.adminToken},admin,admin,"system:masters"\n`,
    `${content.controllerToken},${controllerUser},controller,"system:serviceaccounts"\n`,
  ].join('')
  const privateFile = { mode: 0o600 }
  await Promise.all([
    writeFile(resolvePath('server.pem'), serverPair.cert),
    writeFile(resolvePath('server.key'), serverPair.key, privateFile),
    writeFile(resolvePath('ca.pem'), serverPair.ca),
    writeFile(resolvePath('accounts.key'), serviceAccounts.privateKey, privateFile),
    writeFile(resolvePath('accounts.pub'), serviceAccounts.publicKey),
    writeFile(resolvePath('tokens.csv'), tokens, privateFile),
    writeFile(
      resolvePath('webhook.kubeconfig'),
      renderKubeconfig('webhook', content.webhook, serverPair.ca, {}),
      privateFile,
    ),
  ])
  return [
    '--tls-cert-file',
    resolvePath('server.pem'),
    '--tls-private-key-file',
    resolvePath('server.key'),
    '--client-ca-file',
    resolvePath('ca.pem'),
    '--service-account-key-file',
    resolvePath('accounts.pub'),
    '--service-account-signing-key-file',
    resolvePath('accounts.key'),
    '--service-account-issuer',
    'https://localhost',
    '--token-auth-file',
    resolvePath('tokens.csv'),
    '--authentication-token-webhook-config-file',
    resolvePath('webhook.kubeconfig'),
    '--authentication-token-webhook-version',
    'v1',
    // Decisions are not cached: scenarios change them.
    '--authentication-token-webhook-cache-ttl',
    '0s',
    '--authorization-mode',
    'RBAC',
    '--service-cluster-ip-range',
    '10.0.0.0/16',
    // TaintNodesByCondition would taint new nodes, and no node lifecycle controller runs to remove
    // the taint.
    '--disable-admission-plugins',
    'ServiceAccount,TaintNodesByCondition',
  ]
}

async function isReady(access: KubernetesAccess): Promise<boolean> {
  return (await sendRequest(access, { method: 'GET', path: '/readyz' })).status === 200
}
