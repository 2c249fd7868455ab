/** The cluster of a lab: its own, or that of its worker, which labs use one after the other. */
import { createServer, request } from 'node:http'
import { access, rm } from 'node:fs/promises'
import type { CertificateAuthority } from '../testing/certificates.ts'
import { provisionCluster } from './services/cluster-setup.ts'
import { restoreClusterState, saveClusterState } from './services/cluster-state.ts'
import { startControlPlane, type ControlPlaneAccess } from './services/control-plane.ts'
import type { AuthenticateToken } from './services/token-webhook.ts'
import type { Processes } from './process.ts'
import type { LabPrograms } from './setup.ts'

/** A provisioned cluster without the namespace of a scenario. */
export interface RunningCluster {
  readonly control: ControlPlaneAccess
  /** The process id of KWOK. */
  readonly kwok: number
}

/** A cluster that is reused by many labs. */
export interface SharedCluster extends RunningCluster {
  /** The file with its state when it was new. */
  readonly state: string
  /**
   * The Unix socket on which the lab that uses the cluster identifies the users of bearer tokens.
   */
  readonly tokens: string
}

/** Options of startCluster. */
export interface ClusterSettings {
  readonly programs: LabPrograms
  readonly directory: string
  readonly processes: Processes
  readonly authority: CertificateAuthority
  readonly authenticate: AuthenticateToken
}

/** Starts a new cluster. */
export async function startCluster({
  programs,
  directory,
  processes,
  authority,
  authenticate,
}: ClusterSettings): Promise<
  RunningCluster & { readonly isRestored: boolean; readonly close: () => Promise<void> }
> {
  const { close, ...control } = await startControlPlane({
    program: programs.controlPlane,
    directory,
    processes,
    authority,
    authenticate,
  })
  try {
    return {
      control,
      kwok: await provisionCluster(control, { programs, processes }),
      isRestored: false,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const getFixtureFile = ({ state }: SharedCluster, fixture: string): string => `${state}.${fixture}`

/**
 * Saves the starting point of scenarios under a name for `acquireSharedCluster`, once the cluster
 * is quiet.
 */
export function saveFixture(cluster: SharedCluster, fixture: string): Promise<void> {
  return saveClusterState(cluster.control.etcd, getFixtureFile(cluster, fixture))
}

/**
 * Restores a shared cluster to its initial state or to a fixture, and authenticates its tokens.
 * @returns `isRestored`: whether the fixture existed
 */
export async function acquireSharedCluster(
  cluster: SharedCluster,
  authenticate: AuthenticateToken,
  fixture = '',
): Promise<RunningCluster & { readonly isRestored: boolean; readonly close: () => Promise<void> }> {
  const { control, kwok, state, tokens } = cluster
  const isRestored = await access(getFixtureFile(cluster, fixture)).then(
    () => true,
    () => false,
  )
  // A scenario may have kept pods unready until its end.
  process.kill(kwok, 'SIGCONT')
  const close = await serveTokenAuthentication(tokens, authenticate)
  try {
    await restoreClusterState(
      control.etcd,
      isRestored ? getFixtureFile(cluster, fixture) : state,
      state,
    )
    return { control, kwok, isRestored, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The lab that uses a shared cluster authenticates. While no lab uses it, no token is valid. */
export const authenticateViaSocket =
  (socketPath: string): AuthenticateToken =>
  (token) =>
    new Promise((resolve) => {
      request({ socketPath, method: 'POST', agent: false }, (response) => {
        const chunks: Buffer[] = []
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('end', () => {
            resolve(
              (
                JSON.parse(Buffer.concat(chunks).toString()) as {
                  user?: Awaited<ReturnType<AuthenticateToken>>
                }
              ).user,
            )
          })
          .on('error', () => resolve(undefined))
      })
        .on('error', () => resolve(undefined))
        .end(token)
    })

async function serveTokenAuthentication(
  path: string,
  authenticate: AuthenticateToken,
): Promise<() => Promise<void>> {
  // A lab that was not closed leaves its socket behind.
  await rm(path, { force: true })
  const server = createServer((message, response) => {
    const chunks: Buffer[] = []
    message
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        authenticate(Buffer.concat(chunks).toString()).then(
          (user) => response.end(JSON.stringify({ user })),
          () => response.destroy(),
        )
      })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve))
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
}
