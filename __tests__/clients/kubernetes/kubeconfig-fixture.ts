/** Kubeconfigs in a temporary directory, and the stub server that they point to. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesClient } from '../../../src/clients/kubernetes/client.ts'
import type { Connection } from '../../../src/clients/kubernetes/connection.ts'
import {
  createKubeconfigConnection,
  type KubeconfigOptions,
} from '../../../src/clients/kubernetes/kubeconfig-connection.ts'
import { systemClock } from '../../../src/util/polling.ts'
import { FakeClock } from '../../util/clock.ts'
import { sendJson, startStubServer, type StubServer } from './stub-server.ts'

export let directory: string
export let server: StubServer

export async function startServer(): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'connection-test-'))
  server = await startStubServer((response) => sendJson(response, { metadata: {} }))
}

export async function stopServer(): Promise<void> {
  await server.close()
  await rm(directory, { recursive: true })
}

/** Starts another server instead, to which kubeconfigs created from now on point. */
export async function replaceServer(...options: Parameters<typeof startStubServer>): Promise<void> {
  await server.close()
  server = await startStubServer(...options)
}

/** Options of a connection that nothing observes. */
export const kubeconfigOptions: KubeconfigOptions = {
  environment: { PATH: process.env['PATH'] },
  clock: systemClock,
  signal: new AbortController().signal,
  maskSecret: () => undefined,
  warn: () => undefined,
}

/** A connection with kubeconfig files. */
export const connect = (
  paths: readonly string[],
  context?: string,
  options: Partial<KubeconfigOptions> = {},
): Connection =>
  createKubeconfigConnection({ paths, context }, { ...kubeconfigOptions, ...options })

interface KubeconfigContent {
  cluster?: object
  user?: object
  name?: string
  currentContext?: string
}

/** A kubeconfig of one cluster, user and context, all of one name. */
export function createKubeconfig({
  cluster = {},
  user = { token: 'token-1' },
  name = 'main',
  currentContext = name,
}: KubeconfigContent = {}): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': currentContext,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [
      {
        name,
        cluster: {
          server: server.url,
          'certificate-authority-data': Buffer.from(server.ca).toString('base64'),
          ...cluster,
        },
      },
    ],
    users: [{ name, user }],
  })
}

export async function writeTempFile(name: string, text: string): Promise<string> {
  await writeFile(join(directory, name), text)
  return join(directory, name)
}

export async function sendRequest(connection: Connection): Promise<StubServer['requests'][number]> {
  const client = new KubernetesClient(connection, {
    signal: new AbortController().signal,
    clock: new FakeClock(),
  })
  await client.get('/api/v1/namespaces/milvus', 'read namespace milvus')
  const lastRequest = server.requests.at(-1)
  if (!lastRequest) throw new Error('nothing was sent')
  return lastRequest
}
