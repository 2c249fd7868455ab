/**
 * The parts that the labs of one `npm run lab` share, since starting them costs more than most scenarios: Milvus without
 * authorization, in which each use makes collections of its own; and for each worker a cluster, a moto and an Envoy, which each
 * lab finds as good as new.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createAuthority } from '../sandbox/certificates.ts'
import { askUser, startCluster, type SharedCluster } from './cluster.ts'
import { saveClusterState } from './parts/cluster-state.ts'
import { startEnvoy, type EnvoyProgram } from './parts/envoy.ts'
import { startMilvus } from './parts/milvus.ts'
import { startMotoServer } from './parts/moto.ts'
import { Processes } from './process.ts'
import type { LabPrograms } from './setup.ts'

/** What a worker has for its labs, one at a time. */
export interface WorkerParts {
  readonly cluster: SharedCluster
  /** URL. */
  readonly moto: string
  readonly envoy: EnvoyProgram
  /** The folder of their logs. */
  readonly logs: string
}

/** What a worker is told of them, by the environment variable LAB_SHARED, as JSON. */
interface SharedParts {
  /** Found once: looking for them takes a second. */
  readonly programs: LabPrograms
  readonly milvus: { readonly host: string; readonly port: number }
  /** By the number of the worker. */
  readonly workers: readonly WorkerParts[]
}

/** Starts them. @returns the environment of the workers, and their end */
export async function startShared(programs: LabPrograms, directory: string, count: number): Promise<{ environment: Record<string, string>; close(): Promise<void> }> {
  const closers: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => {
    await Promise.all(closers.map((closer) => closer()))
  }
  try {
    const starting = [startSharedMilvus(programs, join(directory, 'shared'), closers), ...Array.from({ length: count }, (_, at) => startWorker(programs, join(directory, `worker-${at + 1}`), closers))] as const
    await Promise.allSettled(starting)
    const [milvus, ...workers] = await Promise.all(starting)
    const shared: SharedParts = { programs, milvus, workers }
    return { environment: { LAB_SHARED: JSON.stringify(shared) }, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function processesIn(directory: string, closers: (() => Promise<void>)[]): Promise<Processes> {
  await mkdir(directory)
  const processes = new Processes(directory, { signals: false })
  closers.push(() => processes.close())
  return processes
}

async function startSharedMilvus(programs: LabPrograms, directory: string, closers: (() => Promise<void>)[]): Promise<SharedParts['milvus']> {
  const { host, port } = await startMilvus('plain', { programs, processes: await processesIn(directory, closers), directory })
  return { host, port }
}

async function startWorker(programs: LabPrograms, directory: string, closers: (() => Promise<void>)[]): Promise<WorkerParts> {
  const processes = await processesIn(directory, closers)
  const [state, tokens] = [join(directory, 'new-cluster.json'), join(directory, 'tokens')]
  const cluster = async (): Promise<SharedCluster> => {
    const authority = await createAuthority({ name: 'Lab CA' })
    const { control, kwok, close } = await startCluster({ programs, directory, processes, authority, authenticate: askUser(tokens) })
    closers.push(close)
    await saveClusterState(control.etcd, state)
    return { control, kwok, state, tokens }
  }
  const starting = [cluster(), startMotoServer(processes, programs.moto), startEnvoy({ program: programs.envoy, directory, processes })] as const
  await Promise.allSettled(starting)
  const [ready, moto, envoy] = await Promise.all(starting)
  return { cluster: ready, moto, envoy, logs: processes.logs }
}

function sharedParts(): SharedParts | undefined {
  const text = process.env['LAB_SHARED'] ?? ''
  return text === '' ? undefined : JSON.parse(text) as SharedParts
}

/** The programs of the lab; undefined where they are still to be looked for. */
export const sharedPrograms = (): LabPrograms | undefined => sharedParts()?.programs

/** The Milvus that all labs share; undefined where each has its own. */
export const sharedMilvus = (): SharedParts['milvus'] | undefined => sharedParts()?.milvus

/** What this worker has; undefined where each lab has its own. */
export const workerParts = (): WorkerParts | undefined => sharedParts()?.workers[Number(process.env['JEST_WORKER_ID']) - 1]
