/** The cluster of a lab: one that it starts, or the one of its worker, which is used by one lab after the other. */
import { createServer, request } from 'node:http'
import { access, rm } from 'node:fs/promises'
import type { Authority } from '../sandbox/certificates.ts'
import { furnish } from './parts/cluster.ts'
import { restoreClusterState, saveClusterState } from './parts/cluster-state.ts'
import { startControlPlane, type ControlPlaneAccess } from './parts/control-plane.ts'
import type { AuthenticateToken } from './parts/token-webhook.ts'
import type { Processes } from './process.ts'
import type { LabPrograms } from './setup.ts'

/** A furnished cluster without the namespace of a scenario. */
export interface RunningCluster {
  readonly control: ControlPlaneAccess
  /** Process id of KWOK. */
  readonly kwok: number
}

/** A cluster that is kept for many labs. */
export interface SharedCluster extends RunningCluster {
  /** The file with its state when it was new. */
  readonly state: string
  /** The Unix socket on which the lab that uses it says whose a bearer token is. */
  readonly tokens: string
}

/** What a cluster is started with. */
export interface ClusterSettings {
  readonly programs: LabPrograms
  readonly directory: string
  readonly processes: Processes
  readonly authority: Authority
  readonly authenticate: AuthenticateToken
}

/** Starts one. */
export async function startCluster({ programs, directory, processes, authority, authenticate }: ClusterSettings): Promise<RunningCluster & { readonly restored: boolean; readonly close: () => Promise<void> }> {
  const { close, ...control } = await startControlPlane({ program: programs.controlPlane, directory, processes, authority, authenticate })
  try {
    return { control, kwok: await furnish(control, { programs, processes }), restored: false, close }
  } catch (error) {
    await close()
    throw error
  }
}

const startFile = ({ state }: SharedCluster, start: string): string => `${state}.${start}`

/** Writes down where scenarios start from, under a name for `takeCluster`, as soon as the cluster has come to rest. */
export function saveStart(cluster: SharedCluster, start: string): Promise<void> {
  return saveClusterState(cluster.control.etcd, startFile(cluster, start))
}

/**
 * Makes a shared cluster as good as new, or what it was when this start was saved, and answers for its tokens.
 * @returns `restored`: whether that start was there
 */
export async function takeCluster(cluster: SharedCluster, authenticate: AuthenticateToken, start = ''): Promise<RunningCluster & { readonly restored: boolean; readonly close: () => Promise<void> }> {
  const { control, kwok, state, tokens } = cluster
  const restored = await access(startFile(cluster, start)).then(() => true, () => false)
  // A scenario may have held the pods to its end.
  process.kill(kwok, 'SIGCONT')
  const close = await answerForTokens(tokens, authenticate)
  try {
    await restoreClusterState(control.etcd, restored ? startFile(cluster, start) : state, state)
    return { control, kwok, restored, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Asks the lab that uses a shared cluster; nobody is known while none does. */
export const askUser = (socketPath: string): AuthenticateToken => (token) => new Promise((resolve) => {
  request({ socketPath, method: 'POST', agent: false }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      resolve((JSON.parse(Buffer.concat(chunks).toString()) as { user?: Awaited<ReturnType<AuthenticateToken>> }).user)
    }).on('error', () => resolve(undefined))
  }).on('error', () => resolve(undefined)).end(token)
})

async function answerForTokens(path: string, authenticate: AuthenticateToken): Promise<() => Promise<void>> {
  // One that did not close leaves its socket.
  await rm(path, { force: true })
  const server = createServer((message, response) => {
    const chunks: Buffer[] = []
    message.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => {
      authenticate(Buffer.concat(chunks).toString()).then((user) => response.end(JSON.stringify({ user })), () => response.destroy())
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  return () => new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
