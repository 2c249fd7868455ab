/**
 * A simulated Kubernetes API with namespace milvus, a chart repository, and the programs that use
 * them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { issueLoopbackCertificate } from '../../testing/certificates.ts'
import { startChartRepository, type ChartRepository } from '../../simulator/charts/repository.ts'
import {
  startKubernetes,
  type Json,
  type KubernetesApi,
  type KubernetesObject,
} from '../../simulator/kubernetes/api.ts'
import { installTools, type CliTools } from '../../testing/cli-tools.ts'
import { FaultInjector } from '../../testing/fault-injector.ts'
import { sendRequest as sendApiRequest } from '../../testing/kubernetes-client.ts'
import { RequestLog } from '../../testing/request-log.ts'

export let api: KubernetesApi
export let charts: ChartRepository

/** Of the API's certificate. */
export let ca: string
let programs: CliTools
let home: string
export const requestLog = new RequestLog()
export const faults = new FaultInjector()
const identities: Record<string, string> = { 'token-admin': 'admin', 'token-reader': 'reader' }

export async function startFixture(): Promise<void> {
  const pair = await issueLoopbackCertificate()
  ca = pair.ca
  programs = await installTools()
  home = await mkdtemp(join(tmpdir(), 'kubernetes-test-'))
  charts = await startChartRepository({ requestLog, faults })
  api = await startKubernetes({
    requestLog,
    faults,
    tls: { certificate: pair.cert, privateKey: pair.key },
    authenticate: (token) =>
      Promise.resolve(
        identities[token] === undefined ? undefined : { username: identities[token], groups: [] },
      ),
    authorize: ({ username }, { verb }) =>
      username === 'admin' || ['get', 'list', 'watch'].includes(verb),
  })
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'simulator',
    contexts: [{ name: 'simulator', context: { cluster: 'simulator', user: 'admin' } }],
    clusters: [
      {
        name: 'simulator',
        cluster: {
          server: api.url,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token: 'token-admin' } }],
  }
  await writeFile(join(home, 'kubeconfig'), JSON.stringify(kubeconfig))
  api.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'milvus' } })
}

export async function stopFixture(): Promise<void> {
  await api.close()
  await charts.close()
  await rm(home, { recursive: true })
}

interface ProcessResult {
  readonly code: number | null
  readonly output: string
  readonly milliseconds: number
}

export function start(
  program: 'helm' | 'kubectl',
  args: string[],
  input = '',
): { child: ChildProcess; ended: Promise<ProcessResult> } {
  const startedAt = Date.now()
  const helmHomes = Object.fromEntries(
    ['CACHE', 'CONFIG', 'DATA'].map((kind) => [`HELM_${kind}_HOME`, join(home, kind)]),
  )
  const child = spawn(programs[program], args, {
    env: { HOME: home, KUBECONFIG: join(home, 'kubeconfig'), ...helmHomes },
  })
  child.stdin.end(input)
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  return {
    child,
    ended: new Promise((resolve) =>
      child.on('close', (code) => {
        resolve({ code, output, milliseconds: Date.now() - startedAt })
      }),
    ),
  }
}

export async function run(
  program: 'helm' | 'kubectl',
  args: string[],
  input = '',
): Promise<string> {
  const { code, output } = await start(program, ['-n', 'milvus', ...args], input).ended
  return code === 0 ? output : Promise.reject(new Error(`${program} ${args.join(' ')}: ${output}`))
}

export async function sendRequest(
  method: string,
  path: string,
  body?: object,
  options: { type?: string; token?: string; agent?: string } = {},
): Promise<{ status: number; body: Json }> {
  const {
    type: contentType = 'application/json',
    token = 'token-admin',
    agent = 'curl/8',
  } = options
  const access = { url: api.url, ca, token, userAgent: agent }
  const { status, text } = await sendApiRequest(access, { method, path, body, contentType })
  return { status, body: text.startsWith('{') ? (JSON.parse(text) as Json) : text }
}

export const buildIngress = (
  annotations: Record<string, string>,
  name = 'milvus-demo',
): KubernetesObject => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: { name, namespace: 'milvus', annotations },
  spec: {
    ingressClassName: 'alb',
    rules: [
      {
        host: 'milvus.example.com',
        http: {
          paths: [
            {
              path: '/',
              pathType: 'Prefix',
              backend: { service: { name: 'milvus-demo', port: { number: 19530 } } },
            },
          ],
        },
      },
    ],
  },
})

export const listFieldManagers = (name: string): string[] =>
  (api.get('Ingress', 'milvus', name)?.metadata.managedFields ?? []).map(
    (entry) => `${entry.manager} ${entry.operation}`,
  )
export const arn = 'alb.ingress.kubernetes.io/certificate-arn'
