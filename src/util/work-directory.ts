/** The directory of a run: private, under the runner's temporary one, gone afterwards. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Told of what could not be removed. */
export type RemovalErrorHandler = (path: string, thrown: unknown) => void | Promise<void>

const directoryPrefix = 'milvus-alb-action-'

/** Makes its directory when it is first needed. */
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

  /** The path; mode 0700, as mkdtemp makes it. */
  path(): Promise<string> {
    this.directory ??= mkdtemp(join(this.parent, directoryPrefix))
    return this.directory
  }

  /**
   * Never rejects.
   * @param onRemovalError told when it could not be removed
   */
  async remove(onRemovalError: RemovalErrorHandler): Promise<void> {
    const directory = await this.directory?.catch(() => undefined)
    if (directory) await removeDirectory(directory, onRemovalError)
  }
}

/**
 * Removes what runs that were killed left under RUNNER_TEMP. The steps of a job run one after the
 * other and no two jobs share RUNNER_TEMP, so that whatever is there when post runs is left over.
 * @param onRemovalError told of what could not be removed
 */
export async function removeStaleDirectories(
  runnerTemp: string,
  onRemovalError: RemovalErrorHandler,
): Promise<void> {
  const names = await readdir(runnerTemp).catch(() => [])
  for (const path of names
    .filter((name) => name.startsWith(directoryPrefix))
    .map((name) => join(runnerTemp, name))) {
    await removeDirectory(path, onRemovalError)
  }
}

const removeDirectory = (path: string, onRemovalError: RemovalErrorHandler): Promise<void> =>
  rm(path, { recursive: true, force: true }).catch((thrown: unknown) =>
    onRemovalError(path, thrown),
  )
