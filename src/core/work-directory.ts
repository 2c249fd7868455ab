/** The directory of a run: private, under the runner's temporary one, gone afterwards. */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Told of what could not be removed. */
export type OnFailure = (path: string, thrown: unknown) => void | Promise<void>

const prefix = 'milvus-alb-action-'

/** Makes its directory when it is first needed. */
export class WorkDirectory {
  private readonly parent: string
  private made: Promise<string> | undefined

  /** @param runnerTemp RUNNER_TEMP; the system's temporary directory when it is not set, as on a laptop */
  constructor(runnerTemp: string | undefined) {
    this.parent = runnerTemp || tmpdir()
  }

  /** The path; mode 0700, as mkdtemp makes it. */
  path(): Promise<string> {
    this.made ??= mkdtemp(join(this.parent, prefix))
    return this.made
  }

  /** Never rejects. @param onFailure told when it could not be removed */
  async remove(onFailure: OnFailure): Promise<void> {
    const made = await this.made?.catch(() => undefined)
    if (made) await removed(made, onFailure)
  }
}

/**
 * Removes what runs that were killed left under RUNNER_TEMP. The steps of a job run one after the other and no two jobs share
 * RUNNER_TEMP, so that whatever is there when post runs is left over.
 * @param onFailure told of what could not be removed
 */
export async function sweep(runnerTemp: string, onFailure: OnFailure): Promise<void> {
  const names = await readdir(runnerTemp).catch(() => [])
  for (const path of names.filter((name) => name.startsWith(prefix)).map((name) => join(runnerTemp, name))) {
    await removed(path, onFailure)
  }
}

const removed = (path: string, onFailure: OnFailure): Promise<void> =>
  rm(path, { recursive: true, force: true }).catch((thrown: unknown) => onFailure(path, thrown))
