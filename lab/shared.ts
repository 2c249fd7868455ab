/**
 * The parts that the labs of one `npm run lab` share, since starting them costs more than most scenarios: Milvus without
 * authorization, in which each use makes collections of its own, and a moto for each worker, emptied before each lab.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { startMilvus } from './parts/milvus.ts'
import { startMotoServer } from './parts/moto.ts'
import { Processes } from './process.ts'
import type { LabPrograms } from './setup.ts'

/** What a worker is told of them, by the environment variable LAB_SHARED, as JSON. */
export interface SharedParts {
  readonly milvus: { readonly host: string; readonly port: number }
  /** URLs; the worker takes the one at its number. */
  readonly moto: readonly string[]
  /** The folder of their logs. */
  readonly logs: string
}

/** Starts them. @returns the environment of the workers, and their end */
export async function startShared(programs: LabPrograms, directory: string, workers: number): Promise<{ environment: Record<string, string>; close(): Promise<void> }> {
  const home = join(directory, 'shared')
  await mkdir(home)
  const processes = new Processes(home, { signals: false })
  try {
    const starting = [startMilvus('plain', { programs, processes, directory: home }), ...Array.from({ length: workers }, (_, at) => startMotoServer(processes, programs.moto, `moto-${at + 1}`))] as const
    await Promise.allSettled(starting)
    const [milvus, ...moto] = await Promise.all(starting)
    const shared: SharedParts = { milvus: { host: milvus.host, port: milvus.port }, moto, logs: processes.logs }
    return { environment: { LAB_SHARED: JSON.stringify(shared) }, close: () => processes.close() }
  } catch (error) {
    await processes.close()
    throw error
  }
}

/** The parts that this process shares with others; undefined where each lab has its own. */
export function sharedParts(): SharedParts | undefined {
  const text = process.env['LAB_SHARED'] ?? ''
  return text === '' ? undefined : JSON.parse(text) as SharedParts
}

/** The moto of this worker. */
export const sharedMoto = (): string | undefined => sharedParts()?.moto[Number(process.env['JEST_WORKER_ID']) - 1]
