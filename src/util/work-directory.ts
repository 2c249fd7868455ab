/** The private directory of a run, under RUNNER_TEMP and removed at the end. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Called for each directory that could not be removed. */
export type RemovalErrorHandler = (path: string, thrown: unknown) => void | Promise<void>

const directoryPrefix = 'milvus-alb-action-'

/** The files of a target, which fleet/deploy runs. They include the directory of its run. */
export const fleetDirectoryPrefix = 'milvus-alb-fleet-'

/** Creates its directory on first use. */
export class WorkDirectory {
  private readonly parent: string
  private directory: Promise<string> | undefined

  /**
   * @param runnerTemp RUNNER_TEMP; the system's temporary directory when it is not set, as on a
   *   laptop
   */
  constructor(runnerTemp: string | undefined) {
    this.parent = runnerTemp || tmpdir()
  }

  /** The path. mkdtemp creates it with mode 0700. */
  path(): Promise<string> {
    this.directory ??= mkdtemp(join(this.parent, directoryPrefix))
    return this.directory
  }

  /** Never rejects. */
  async remove(onRemovalError: RemovalErrorHandler): Promise<void> {
    const directory = await this.directory?.catch(() => undefined)
    if (directory) await removeDirectory(directory, onRemovalError)
  }
}

/**
 * Removes the directories that killed runs left under RUNNER_TEMP. Steps of a job run one after the
 * other, and no two jobs share RUNNER_TEMP, so no directory found here is in use.
 */
export async function removeStaleDirectories(
  runnerTemp: string,
  onRemovalError: RemovalErrorHandler,
): Promise<void> {
  const names = await readdir(runnerTemp).catch(() => [])
  const prefixes = [directoryPrefix, fleetDirectoryPrefix]
  for (const name of names.filter((entry) => prefixes.some((prefix) => entry.startsWith(prefix))))
    await removeDirectory(join(runnerTemp, name), onRemovalError)
}

const removeDirectory = (path: string, onRemovalError: RemovalErrorHandler): Promise<void> =>
  rm(path, { recursive: true, force: true }).catch((thrown: unknown) =>
    onRemovalError(path, thrown),
  )
