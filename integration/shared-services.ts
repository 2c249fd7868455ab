/**
 * The services that the labs of one `npm run lab` share, because starting them takes longer than
 * most scenarios: one Milvus without authorization, in which each user creates its own collections,
 * and for each worker a cluster, a moto and an Envoy, which are reset for each lab.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createCertificateAuthority } from '../testing/certificates.ts'
import { authenticateViaSocket, startCluster, type SharedCluster } from './shared-cluster.ts'
import { saveClusterState } from './services/cluster-state.ts'
import { startEnvoy, type EnvoyProgram } from './services/envoy.ts'
import { startMilvus } from './services/milvus.ts'
import { startMotoServer } from './services/moto.ts'
import { Processes } from './process.ts'
import type { LabPrograms } from './setup.ts'

/** The services that a worker provides to its labs, one lab at a time. */
export interface WorkerServices {
  readonly cluster: SharedCluster
  /** URL. */
  readonly moto: string
  readonly envoy: EnvoyProgram
  /** The folder of their logs. */
  readonly logs: string
}

/** The content of the environment variable LAB_SHARED, as JSON, which workers read. */
interface SharedServices {
  /** Located once, because that takes a second. */
  readonly programs: LabPrograms
  readonly milvus: { readonly host: string; readonly port: number }
  /** In the order of worker numbers. */
  readonly workers: readonly WorkerServices[]
}

/**
 * Starts the shared services.
 * @returns the environment of the workers, and a function that stops the services
 */
export async function startSharedServices(
  programs: LabPrograms,
  directory: string,
  workerCount: number,
): Promise<{ environment: Record<string, string>; close(): Promise<void> }> {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(closers.map((closer) => closer()))
  }
  try {
    const startup = [
      startSharedMilvus(programs, join(directory, 'shared'), closers),
      ...Array.from({ length: workerCount }, (_, index) =>
        startWorker(programs, join(directory, `worker-${index + 1}`), closers),
      ),
    ] as const
    await Promise.allSettled(startup)
    const [milvus, ...workers] = await Promise.all(startup)
    const shared: SharedServices = { programs, milvus, workers }
    return { environment: { LAB_SHARED: JSON.stringify(shared) }, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function createProcesses(
  directory: string,
  closers: (() => Promise<void>)[],
): Promise<Processes> {
  await mkdir(directory)
  const processes = new Processes(directory, { handleSignals: false })
  closers.push(() => processes.close())
  return processes
}

async function startSharedMilvus(
  programs: LabPrograms,
  directory: string,
  closers: (() => Promise<void>)[],
): Promise<SharedServices['milvus']> {
  const { host, port } = await startMilvus('plain', {
    programs,
    processes: await createProcesses(directory, closers),
    directory,
  })
  return { host, port }
}

async function startWorker(
  programs: LabPrograms,
  directory: string,
  closers: (() => Promise<void>)[],
): Promise<WorkerServices> {
  const processes = await createProcesses(directory, closers)
  const [state, tokens] = [join(directory, 'new-cluster.json'), join(directory, 'tokens')]
  const cluster = async (): Promise<SharedCluster> => {
    const authority = await createCertificateAuthority({ name: 'Lab CA' })
    const { control, kwok, close } = await startCluster({
      programs,
      directory,
      processes,
      authority,
      authenticate: authenticateViaSocket(tokens),
    })
    closers.push(close)
    await saveClusterState(control.etcd, state)
    return { control, kwok, state, tokens }
  }
  const startup = [
    cluster(),
    startMotoServer(processes, programs.moto),
    startEnvoy({ program: programs.envoy, directory, processes }),
  ] as const
  await Promise.allSettled(startup)
  const [sharedCluster, moto, envoy] = await Promise.all(startup)
  return { cluster: sharedCluster, moto, envoy, logs: processes.logs }
}

function getSharedServices(): SharedServices | undefined {
  const text = process.env['LAB_SHARED'] ?? ''
  return text === '' ? undefined : (JSON.parse(text) as SharedServices)
}

/** The programs of the lab; undefined if they have not been located yet. */
export const getSharedPrograms = (): LabPrograms | undefined => getSharedServices()?.programs

/** The Milvus that all labs share; undefined if each has its own. */
export const getSharedMilvus = (): SharedServices['milvus'] | undefined =>
  getSharedServices()?.milvus

/** The services of this worker; undefined if each lab has its own. */
export const getWorkerServices = (): WorkerServices | undefined =>
  getSharedServices()?.workers[Number(process.env['JEST_WORKER_ID']) - 1]
